/**
 * `ValueCodec`: any sendable value to bytes and back, with what cannot be bytes beside them.
 *
 * Our own format and not msgpackr's or V8's, for what neither gives together: the exact semantics of
 * `structuredClone` (cycles, shared references, holes, lone surrogates, every typed array), the path of what
 * cannot be sent, refs and errors as classes, and no state outside this object (msgpackr's extensions are global to
 * the process, and two runtimes in one process would decode each other's refs). It is measured against both in
 * bench/codec.ts; docs/decisions/0002-own-codec.md has the figures.
 *
 * Tests: test/codec/value-codec.test.ts, value-codec.prop.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import type { CodecExtension } from './extension.ts'
import { locateUnsendable } from './locate-unsendable.ts'
import { ValueReader } from './value-reader.ts'
import { UNSENDABLE, ValueWriter } from './value-writer.ts'

/** An encoded value. */
export interface EncodedValue {
  /** A view of the codec's scratch: valid until its next `encode`, copy it before. */
  readonly bytes: Uint8Array
  /** What must travel by `MessagePort` beside the bytes, which refer to it by index. */
  readonly objects: readonly unknown[] | undefined
  /** Those of `objects` that move; the others are shared. */
  readonly transferList: readonly unknown[] | undefined
}

/** How a codec is made. */
export interface ValueCodecOptions {
  readonly extensions?: readonly CodecExtension[]
}

/** Encodes and decodes the values of one thread. */
export class ValueCodec {
  readonly #extensions: readonly CodecExtension[]
  readonly #writer: ValueWriter
  readonly #reader: ValueReader

  constructor(options: ValueCodecOptions = {}) {
    this.#extensions = options.extensions ?? []
    this.#writer = new ValueWriter(this.#extensions)
    this.#reader = new ValueReader(this.#extensions)
  }

  /** Encodes a value; `path` is its name in errors. @throws SHL_VALUE_NOT_SENDABLE */
  encode(value: unknown, transfer?: readonly unknown[], path = 'message'): EncodedValue {
    const moving = transfer === undefined || transfer.length === 0 ? undefined : checkTransfer(transfer)
    let bytes: Uint8Array
    try {
      bytes = this.#writer.write(value, moving)
    } catch (error) {
      throw this.#explain(error, value, path, moving)
    }
    const { objects } = this.#writer
    if (objects === undefined && moving === undefined) return { bytes, objects, transferList: undefined }
    // What is listed moves, whether or not the value holds it: as `postMessage` does.
    return { bytes, objects: objects ?? [], transferList: moving === undefined ? undefined : [...moving] }
  }

  /** Decodes a value. @throws SHL_ASSERTION when the bytes are damaged */
  decode(bytes: Uint8Array, objects?: readonly unknown[]): unknown {
    return this.#reader.read(bytes, objects)
  }

  #explain(error: unknown, value: unknown, path: string, moving: ReadonlySet<unknown> | undefined): unknown {
    const accepts = (part: object): boolean =>
      moving?.has(part) === true || this.#extensions.some(({ Class }) => part instanceof Class)
    const found = locateUnsendable(value, path, accepts)
    if (found !== undefined) {
      const { cause, ...details } = found
      const options = cause === undefined ? undefined : { cause }
      return new ShardloomError('SHL_VALUE_NOT_SENDABLE', details, options)
    }
    if (error === UNSENDABLE)
      return new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path, what: 'not sendable' })
    return error
  }
}

function checkTransfer(transfer: readonly unknown[]): ReadonlySet<unknown> {
  const moving = new Set(transfer)
  for (let i = 0; i < transfer.length; i++) {
    const item = transfer[i]
    const path = `transfer[${i}]`
    if (
      typeof item !== 'object' ||
      item === null ||
      item instanceof SharedArrayBuffer ||
      ArrayBuffer.isView(item)
    ) {
      const what = ArrayBuffer.isView(item) ? 'a view: list its buffer' : 'not transferable'
      throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path, what })
    }
    if (transfer.indexOf(item) !== i)
      throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path, what: 'listed twice' })
    const isDetached = item instanceof ArrayBuffer && item.byteLength === 0 && isDetachedBuffer(item)
    if (isDetached) throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path, what: 'detached already' })
  }
  return moving
}

function isDetachedBuffer(buffer: ArrayBuffer): boolean {
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    // A view of a detached buffer cannot be made.
    return true
  }
}

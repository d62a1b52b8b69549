/**
 * `ValueCodec`: a value as bytes, and what has to travel beside them, and back.
 *
 * Values arrive as `structuredClone` would make them, with four differences: a Buffer stays a Buffer, errors
 * keep class, code and properties (`plain-error.ts`), classes of higher layers come back as themselves
 * (extensions), and objects whose state nobody can read are refused instead of arriving empty. ArrayBuffers
 * are copied unless they are listed in `transfer`; shared memory is shared.
 *
 * Writer: encoder and decoder belong to one thread. A getter or an extension may call the codec again while
 * it works; such a call gets an encoder of its own.
 * Invariants: (1) a failed `encode` has no effect; (2) what `decode` returns shares no memory with `bytes`.
 * Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts, test/codec/value-codec.prop.test.ts
 */
import { assert, ShardloomError } from '../base/index.ts'
import type { CodecExtension } from './extension.ts'
import { checkTransfer } from './transfer-list.ts'
import { findUnsendable, type SendableScope } from './unsendable.ts'
import { ValueDecoder } from './value-decoder.ts'
import { ValueEncoder } from './value-encoder.ts'
import { EXTENSION_TAG_MAX, EXTENSION_TAG_MIN } from './wire-tags.ts'

/** An encoded value. Everything in it is valid until the next `encode`. */
export interface EncodedValue {
  /** A view of the scratch: copy it before the next `encode`. */
  readonly bytes: Uint8Array
  /** What travels by MessagePort beside the bytes, which refer to it by index. */
  readonly objects: readonly unknown[] | undefined
  /** Those of the objects that are given away. */
  readonly transferList: readonly unknown[] | undefined
}

const NOTHING: ReadonlySet<unknown> = new Set()

/** How a codec is made. */
export interface ValueCodecOptions {
  readonly extensions?: readonly CodecExtension[]
}

/** Encodes and decodes the values of one thread. */
export class ValueCodec {
  readonly #byPrototype = new Map<object, CodecExtension>()
  readonly #byType: (CodecExtension | undefined)[] = []
  readonly #encoder: ValueEncoder
  readonly #decoder: ValueDecoder
  #isEncoding = false
  #isDecoding = false

  constructor(options: ValueCodecOptions = {}) {
    for (const extension of options.extensions ?? []) {
      const { type, Class } = extension
      assert(type >= EXTENSION_TAG_MIN && type <= EXTENSION_TAG_MAX, 'an extension has a type of 0x40..0x5f')
      assert(this.#byType[type - EXTENSION_TAG_MIN] === undefined, 'two extensions have different types')
      this.#byPrototype.set(Class.prototype as object, extension)
      this.#byType[type - EXTENSION_TAG_MIN] = extension
    }
    this.#encoder = new ValueEncoder(this.#byPrototype)
    this.#decoder = new ValueDecoder(this.#byType)
  }

  /**
   * Encodes `value`. Throws `SHL_VALUE_NOT_SENDABLE` with the path of what cannot cross, which begins with
   * `path`. `transfer` lists what is given away; nothing is detached before the transfer list is posted.
   */
  encode(value: unknown, transfer?: readonly unknown[], path = 'message'): EncodedValue {
    const given = transfer === undefined || transfer.length === 0 ? NOTHING : checkTransfer(transfer)
    const isNested = this.#isEncoding
    const encoder = isNested ? new ValueEncoder(this.#byPrototype) : this.#encoder
    this.#isEncoding = true
    encoder.transfer = given
    try {
      const size = encoder.encode(value)
      return {
        bytes: encoder.viewOf(size),
        objects: encoder.objects,
        transferList: given === NOTHING ? undefined : transfer,
      }
    } catch (error) {
      throw refusal(value, path, encoder, error)
    } finally {
      encoder.end()
      encoder.objects = undefined
      encoder.transfer = NOTHING
      this.#isEncoding = isNested
    }
  }

  /** The value again. Throws `SHL_VALUE_DAMAGED` when the bytes are not what an encoder has written. */
  decode(bytes: Uint8Array, objects?: readonly unknown[]): unknown {
    const isNested = this.#isDecoding
    const decoder = isNested ? new ValueDecoder(this.#byType) : this.#decoder
    this.#isDecoding = true
    try {
      return decoder.decode(bytes, objects)
    } catch (error) {
      if (error instanceof ShardloomError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      throw new ShardloomError('SHL_VALUE_DAMAGED', { reason, offset: '?' }, { cause: error })
    } finally {
      decoder.close()
      this.#isDecoding = isNested
    }
  }
}

/** Why encoding has failed, found by a second walk. */
function refusal(value: unknown, path: string, scope: SendableScope, error: unknown): ShardloomError {
  const found = findUnsendable(value, path, scope)
  if (found !== undefined) {
    const { what, cause } = found
    const options = cause === undefined ? undefined : { cause }
    return new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path: found.path, what }, options)
  }
  // The walk found nothing: the stack or the memory ran out, or a getter or a Proxy throws only now and then.
  const isStack = error instanceof RangeError && /call stack/.test(error.message)
  const what = isStack ? 'nested too deeply for the stack that is left' : 'not readable'
  return new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path, what }, { cause: error })
}

/**
 * Writes one value as the bytes of `wire-tags.ts`: a single walk over the value, straight into a scratch
 * buffer.
 *
 * Why not msgpackr: it loses -0, lone surrogates, holes, array properties, functions, boxed values and
 * errors, calls `toJSON`, trusts `constructor`, and keeps its extensions in a table of the process; a walk
 * that repaired all of that first would cost as much as the encoding. Why not `v8.serialize`: several times
 * slower for small values, and it knows neither transferables nor classes.
 *
 * What cannot cross throws an error without a path; `value-codec.ts` then looks for the path
 * (`unsendable.ts`).
 * Invariants: (1) objects are numbered in the order in which they begin; (2) nothing of the message is kept
 * after `end`. Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { SCRATCH_BYTES } from './byte-writer.ts'
import type { CodecExtension } from './extension.ts'
import { encodeError } from './plain-error.ts'
import { RecordWriter } from './record-writer.ts'
import { SeenObjects } from './seen-objects.ts'
import type { SendableScope } from './unsendable.ts'
import {
  isDetached,
  KIND_ARRAY,
  KIND_BOXED,
  KIND_BUFFER,
  KIND_DATE,
  KIND_ERROR,
  KIND_MAP,
  KIND_NATIVE,
  KIND_PLAIN,
  KIND_REGEXP,
  KIND_SET,
  KIND_SHARED_BUFFER,
  KIND_VIEW,
  kindOf,
  primitiveOf,
} from './value-kind.ts'
import { isTrackingView, VIEW_KIND_BUFFER, viewKindOf } from './view-kind.ts'
import * as wire from './wire-tags.ts'

/** A larger scratch is given back before the next message. */
const SCRATCH_BYTES_KEPT = 4 * 1024 * 1024
/** Errors within errors beyond this are left out. */
const ERROR_DEPTH_MAX = 50
const CUT_CAUSE = { cause: `[more than ${ERROR_DEPTH_MAX} errors within each other]` }
const NOTHING: ReadonlySet<unknown> = new Set()
/** Writes values, one message at a time. */
export class ValueEncoder extends RecordWriter implements SendableScope {
  /** What travels by MessagePort beside the bytes: all of `transfer` first. */
  objects: unknown[] | undefined = undefined
  transfer: ReadonlySet<unknown> = NOTHING
  readonly #extensions: ReadonlyMap<object, CodecExtension>
  #depth = 0
  #errorDepth = 0
  readonly #seen = new SeenObjects()
  #hasReferences = false
  /** Buffers that several views look through, and that are therefore written whole. */
  #aliased: Set<unknown> | undefined = undefined
  /** Buffers of which a part has been written as a view of its own. */
  #partial: Set<unknown> | undefined = undefined

  constructor(extensions: ReadonlyMap<object, CodecExtension>) {
    super()
    this.#extensions = extensions
  }

  /**
   * Writes a message and returns its size; the bytes stand in `bytes`. Call `end` afterwards, also on
   * failure.
   */
  encode(value: unknown): number {
    if (this.bytes.length > SCRATCH_BYTES_KEPT) this.replaceScratch(SCRATCH_BYTES)
    for (;;) {
      this.objects = this.transfer.size > 0 ? [...this.transfer] : undefined
      this.message++
      try {
        const size = this.#write(value, 1)
        this.bytes[0] = this.#hasReferences ? wire.FLAG_REFERENCES : 0
        return size
      } catch (error) {
        if (!(error instanceof AliasedBuffer)) throw error
        const aliased = this.#aliased ?? new Set()
        aliased.add(error.buffer)
        this.end()
        this.#aliased = aliased
      }
    }
  }

  /** Forgets the message. The bytes stay until the next. */
  end(): void {
    this.#seen.clear()
    this.#hasReferences = false
    this.shapeCount = 0
    this.#depth = 0
    this.#errorDepth = 0
    this.#partial = undefined
    this.#aliased = undefined
  }

  isExtension(value: object): boolean {
    return this.#extensionOf(value) !== undefined
  }

  #write(value: unknown, position: number): number {
    if (position > this.room) this.grow(position)
    switch (typeof value) {
      case 'string':
        return this.writeText(value, position)
      case 'number':
        return this.writeNumber(value, position)
      case 'object':
        if (value === null) {
          this.bytes[position] = wire.TAG_NULL
          return position + 1
        }
        return this.#writeObject(value, position)
      case 'boolean':
        this.bytes[position] = value ? wire.TAG_TRUE : wire.TAG_FALSE
        return position + 1
      case 'undefined':
        this.bytes[position] = wire.TAG_UNDEFINED
        return position + 1
      case 'bigint':
        return this.writeBigInt(value, position)
      default:
        return refuse()
    }
  }

  #writeObject(value: object, position: number): number {
    const found = this.#seen.find(value)
    if (found !== -1) {
      this.#hasReferences = true
      this.bytes[position] = wire.TAG_REFERENCE
      return this.writeSize(found, position + 1)
    }
    if (++this.#depth > wire.DEPTH_MAX) refuse()
    const end = this.#writeNewObject(value, position)
    this.#depth--
    return end
  }

  #writeNewObject(value: object, position: number): number {
    const prototype = Object.getPrototypeOf(value) as object | null
    if (prototype === Object.prototype || prototype === null) return this.#writePlain(value, position)
    if (prototype === Array.prototype && Array.isArray(value)) return this.#writeArray(value, position)
    if (this.transfer.size > 0 && this.transfer.has(value)) return this.#writePorted(value, position)
    const extension = this.#extensionOf(value)
    if (extension !== undefined) {
      this.bytes[position] = extension.type
      return this.#write(extension.encode(value), position + 1)
    }
    return this.#writeKind(kindOf(value), value, position)
  }

  #writeKind(kind: number, value: object, position: number): number {
    switch (kind) {
      case KIND_PLAIN:
        return this.#writePlain(value, position)
      case KIND_ARRAY:
        return this.#writeArray(value as unknown[], position)
      case KIND_MAP:
        return this.#writeMap(value as Map<unknown, unknown>, position)
      case KIND_SET:
        return this.#writeSet(value as Set<unknown>, position)
      case KIND_DATE:
        this.bytes[position] = wire.TAG_DATE
        this.view.setFloat64(position + 1, Date.prototype.getTime.call(value), true)
        return position + 9
      case KIND_REGEXP: {
        this.bytes[position] = wire.TAG_REGEXP
        const at = this.#write(Reflect.get(RegExp.prototype, 'source', value), position + 1)
        return this.#write(Reflect.get(RegExp.prototype, 'flags', value), at)
      }
      case KIND_ERROR:
        return this.#writeError(value, position)
      case KIND_VIEW:
        return this.#writeView(value as ArrayBufferView, position)
      case KIND_BUFFER:
        return this.#writeBuffer(value as ArrayBuffer, position)
      case KIND_SHARED_BUFFER:
      case KIND_NATIVE:
        return this.#writePorted(value, position)
      case KIND_BOXED:
        this.bytes[position] = wire.TAG_BOXED
        return this.#write(primitiveOf(value), position + 1)
      default:
        return refuse()
    }
  }

  #writePlain(value: object, position: number): number {
    const keys = Object.keys(value)
    const shape = this.shapeOf(keys, position)
    if (shape === undefined) return this.#writeDictionary(value, keys, position)
    let at = position
    if (shape.message === this.message) {
      this.bytes[at] = wire.TAG_RECORD
      at = this.writeSize(shape.number, at + 1)
    } else {
      at = this.writeDefinition(shape, at)
    }
    return this.#writeValues(value as Record<string, unknown>, keys, at)
  }

  /**
   * The values of `keys`. V8 reads properties three times faster in a `for … in` than by key, so that is
   * tried for as long as both agree: they do not where a getter removes what follows, or after all own keys,
   * where somebody has given `Object.prototype` an enumerable property.
   */
  #writeValues(source: Record<string, unknown>, keys: readonly string[], position: number): number {
    let at = position
    let i = 0
    for (const key in source) {
      if (key !== keys[i]) break
      at = this.#write(source[key], at)
      i++
    }
    for (; i < keys.length; i++) at = this.#write(source[keys[i]!], at)
    return at
  }

  #writeDictionary(value: object, keys: readonly string[], position: number): number {
    this.bytes[position] = wire.TAG_OBJECT
    let at = this.writeSize(keys.length, position + 1)
    for (const key of keys) {
      at = this.#write(key, at)
      at = this.#write((value as Record<string, unknown>)[key], at)
    }
    return at
  }

  #writeArray(value: readonly unknown[], position: number): number {
    const { length } = value
    const keys = Object.keys(value)
    // Indices come first, in order: if the last key is the last index, there is no hole and no other
    // property.
    const isDense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))
    if (!isDense) return this.#writeSparseArray(value, keys, position)
    this.bytes[position] = wire.TAG_ARRAY
    let at = this.writeSize(length, position + 1)
    for (let i = 0; i < length; i++) {
      const inner = value[i]
      // Told apart here, a number of an array of doubles need not be boxed.
      if (typeof inner !== 'number') at = this.#write(inner, at)
      else {
        if (at > this.room) this.grow(at)
        at = this.writeNumber(inner, at)
      }
    }
    return at
  }

  #writeSparseArray(value: readonly unknown[], keys: readonly string[], position: number): number {
    this.bytes[position] = wire.TAG_SPARSE_ARRAY
    let at = this.writeSize(keys.length, this.writeSize(value.length, position + 1))
    for (const key of keys) {
      const index = Number(key)
      const isIndex = index >= 0 && index < value.length && String(index) === key
      at = this.#write(isIndex ? index : key, at)
      at = this.#write(Reflect.get(value, key), at)
    }
    return at
  }

  #writeMap(value: Map<unknown, unknown>, position: number): number {
    this.bytes[position] = wire.TAG_MAP
    let count = 0
    let at = position + 5
    for (const [key, inner] of Map.prototype.entries.call(value)) {
      at = this.#write(inner, this.#write(key, at))
      count++
    }
    this.view.setUint32(position + 1, count, true)
    return at
  }

  #writeSet(value: Set<unknown>, position: number): number {
    this.bytes[position] = wire.TAG_SET
    let count = 0
    let at = position + 5
    for (const inner of Set.prototype.values.call(value)) {
      at = this.#write(inner, at)
      count++
    }
    this.view.setUint32(position + 1, count, true)
    return at
  }

  #writeError(value: object, position: number): number {
    const plain = encodeError(value, this)
    this.bytes[position] = wire.TAG_ERROR
    let at = this.#write(plain.base, position + 1)
    at = this.#write(plain.className, at)
    at = this.#write(plain.name, at)
    at = this.#write(plain.message, at)
    at = this.#write(plain.stack, at)
    if (this.#errorDepth >= ERROR_DEPTH_MAX) return this.#write(CUT_CAUSE, this.#write({}, at))
    this.#errorDepth++
    at = this.#write(plain.properties, at)
    at = this.#write(plain.hidden, at)
    this.#errorDepth--
    return at
  }

  #writeBuffer(value: ArrayBuffer, position: number): number {
    if (isDetached(value)) refuse()
    if (this.#partial?.has(value) === true) throw new AliasedBuffer(value)
    this.#aliased ??= new Set()
    this.#aliased.add(value)
    const { byteLength } = value
    const { resizable, maxByteLength } = value as { resizable?: boolean; maxByteLength?: number }
    const isResizable = resizable === true
    this.bytes[position] = isResizable ? wire.TAG_RESIZABLE_BUFFER : wire.TAG_BUFFER
    let at = this.writeSize(byteLength, position + 1)
    if (isResizable) at = this.writeSize(maxByteLength ?? byteLength, at)
    return this.writeBytes(new Uint8Array(value), at)
  }

  /**
   * A view takes its own bytes along and leaves the rest of its buffer behind, unless another view in the
   * message looks through the same buffer: then both must still do so afterwards, and the message is begun
   * again with the buffer written whole. Node's own Buffers share memory by accident, and never take it
   * along.
   */
  #writeView(value: ArrayBufferView, position: number): number {
    const { buffer, byteOffset, byteLength } = value
    const kind = viewKindOf(value) ?? refuse()
    if (buffer instanceof ArrayBuffer && !this.transfer.has(buffer)) {
      if (isDetached(buffer)) refuse()
      const isAlone = kind === VIEW_KIND_BUFFER || this.#aliased?.has(buffer) !== true
      if (isAlone && !('resizable' in buffer && buffer.resizable === true)) {
        if (kind !== VIEW_KIND_BUFFER) this.#notePartial(buffer)
        this.bytes[position] = wire.TAG_VIEW
        this.bytes[position + 1] = kind
        const at = this.writeSize(byteLength, position + 2)
        return this.writeBytes(new Uint8Array(buffer, byteOffset, byteLength), at)
      }
    }
    this.bytes[position] = wire.TAG_VIEW_OF
    this.bytes[position + 1] = kind
    let at = this.writeSize(byteOffset, position + 2)
    at = this.writeSize(isTrackingView(value) ? 0 : byteLength + 1, at)
    return this.#write(buffer, at)
  }

  #notePartial(buffer: ArrayBuffer): void {
    this.#partial ??= new Set()
    if (this.#partial.has(buffer)) throw new AliasedBuffer(buffer)
    this.#partial.add(buffer)
  }

  #writePorted(value: object, position: number): number {
    this.objects ??= []
    let index = this.objects.indexOf(value)
    if (index === -1) index = this.objects.push(value) - 1
    this.bytes[position] = wire.TAG_PORTED
    return this.writeSize(index, position + 1)
  }

  #extensionOf(value: object): CodecExtension | undefined {
    const extensions = this.#extensions
    if (extensions.size === 0) return undefined
    for (let link = Object.getPrototypeOf(value); link !== null; link = Object.getPrototypeOf(link)) {
      const extension = extensions.get(link)
      if (extension !== undefined) return extension
    }
    return undefined
  }
}

/** Two views look through this buffer: begin again. */
class AliasedBuffer {
  readonly buffer: unknown

  constructor(buffer: unknown) {
    this.buffer = buffer
  }
}

/** Ends the walk; where and why is found out afterwards. */
function refuse(): never {
  throw new ShardloomError('SHL_VALUE_NOT_SENDABLE', { path: 'value', what: 'not sendable' })
}

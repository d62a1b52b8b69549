/**
 * Writes one value as the bytes of `wire-tags.ts`: a single walk over the value, straight into a scratch buffer.
 *
 * Why not msgpackr: it loses -0, lone surrogates, holes, array properties, functions, boxed values and errors, calls
 * `toJSON`, trusts `constructor`, and keeps its extensions in a table of the process; a walk that repaired all of
 * that first would cost as much as the encoding. Why not `v8.serialize`: several times slower for small values, and
 * it knows neither transferables nor classes.
 *
 * Positions are passed and returned rather than kept, so that they stay in registers. `write*` makes room for
 * itself and ROOM bytes more: whoever writes a few bytes after a call need not ask again.
 *
 * What cannot cross throws an error without a path; `value-codec.ts` then looks for the path (`unsendable.ts`).
 * Invariants: (1) objects are numbered in the order in which they begin; (2) nothing of the message is kept after
 * `end`. Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { encodeError } from './plain-error.ts'
import {
  hashKeys,
  isSameList,
  RECORD_KEY_CHARS_MAX,
  RECORD_KEYS_MAX,
  RecordShape,
  ShapeTable,
} from './record-shape.ts'
import type { SendableScope } from './unsendable.ts'
import type { CodecExtension } from './value-codec.ts'
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
} from './value-kind.ts'
import * as wire from './wire-tags.ts'

const SCRATCH_BYTES = 65_536
/** A larger scratch is given back before the next message. */
const SCRATCH_BYTES_KEPT = 4 * 1024 * 1024
/** Free bytes behind every position: enough for any tag with its sizes. */
const ROOM = 64
/** So many objects are looked up one by one before a Map pays. */
const SEEN_LINEAR_MAX = 12
/** Longer texts are written by native code. */
const TEXT_CHARS_BY_HAND = 48
/** Errors within errors beyond this are written as text. */
const ERROR_DEPTH_MAX = 50
const NOTHING: ReadonlySet<unknown> = new Set()
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of Latin-1 is meant.
const WIDE_TEXT = /[^\u0000-\u00ff]/

const viewKinds = new Map<string | undefined, number>(wire.VIEW_NAMES.map((name, kind) => [name, kind]))
const viewNameOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: unknown) => string | undefined

/** Writes values, one message at a time. */
export class ValueEncoder implements SendableScope {
  bytes: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  /** What travels by MessagePort beside the bytes: all of `transfer` first. */
  objects: unknown[] | undefined = undefined
  transfer: ReadonlySet<unknown> = NOTHING
  #view = new DataView(this.bytes.buffer)
  #room = SCRATCH_BYTES - ROOM
  readonly #extensions: ReadonlyMap<object, CodecExtension>
  readonly #shapes = new ShapeTable()
  #lastShape: RecordShape | undefined = undefined
  #message = 0
  #shapeCount = 0
  #depth = 0
  #errorDepth = 0
  readonly #seen: unknown[] = []
  #seenCount = 0
  #seenMap: Map<unknown, number> | undefined = undefined
  #hasReferences = false
  /** Buffers that several views look through, and that are therefore written whole. */
  #aliased: Set<unknown> | undefined = undefined
  /** Buffers of which a part has been written as a view of its own. */
  #partial: Set<unknown> | undefined = undefined

  constructor(extensions: ReadonlyMap<object, CodecExtension>) {
    this.#extensions = extensions
  }

  /** Writes a message and returns its size; the bytes stand in `bytes`. Call `end` afterwards, also on failure. */
  encode(value: unknown): number {
    if (this.bytes.length > SCRATCH_BYTES_KEPT) this.#replaceScratch(SCRATCH_BYTES)
    for (;;) {
      this.objects = this.transfer.size > 0 ? [...this.transfer] : undefined
      this.#message++
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
    const seen = this.#seen
    const count = Math.min(this.#seenCount, SEEN_LINEAR_MAX)
    for (let i = 0; i < count; i++) seen[i] = undefined
    this.#seenCount = 0
    this.#seenMap = undefined
    this.#hasReferences = false
    this.#shapeCount = 0
    this.#depth = 0
    this.#errorDepth = 0
    this.#partial = undefined
    this.#aliased = undefined
  }

  isExtension(value: object): boolean {
    return this.#extensionOf(value) !== undefined
  }

  #write(value: unknown, position: number): number {
    if (position > this.#room) this.#grow(position)
    switch (typeof value) {
      case 'string':
        return this.#writeText(value, position)
      case 'number':
        return this.#writeNumber(value, position)
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
        return this.#writeBigInt(value, position)
      default:
        return refuse()
    }
  }

  #writeNumber(value: number, position: number): number {
    const { bytes } = this
    // -0 equals 0, but only 0 divides to +Infinity.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value <= 0xff) {
        if (value <= wire.INTEGER_TAG_MAX) {
          bytes[position] = value
          return position + 1
        }
        bytes[position] = wire.TAG_BYTE
        bytes[position + 1] = value
        return position + 2
      }
      bytes[position] = wire.TAG_INT32
      this.#view.setInt32(position + 1, value, true)
      return position + 5
    }
    bytes[position] = wire.TAG_DOUBLE
    this.#view.setFloat64(position + 1, value, true)
    return position + 9
  }

  #writeBigInt(value: bigint, position: number): number {
    if (BigInt.asIntN(64, value) === value) {
      this.bytes[position] = wire.TAG_BIGINT64
      this.#view.setBigInt64(position + 1, value, true)
      return position + 9
    }
    this.bytes[position] = wire.TAG_BIGINT
    this.bytes[position + 1] = value < 0n ? 1 : 0
    return this.#writeText((value < 0n ? -value : value).toString(16), position + 2)
  }

  #writeText(text: string, position: number): number {
    const { length } = text
    if (length > TEXT_CHARS_BY_HAND) return this.#writeLongText(text, position)
    const { bytes } = this
    const isShort = length <= wire.SHORT_TEXT_CHARS_MAX
    const start = position + (isShort ? 1 : 2)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0xff) return this.#writeLongText(text, position)
      bytes[start + i] = code
    }
    if (isShort) bytes[position] = wire.SHORT_TEXT_TAG + length
    else {
      bytes[position] = wire.TAG_LATIN1
      bytes[position + 1] = length
    }
    return start + length
  }

  #writeLongText(text: string, position: number): number {
    const { length } = text
    const isWide = WIDE_TEXT.test(text)
    this.bytes[position] = isWide ? wire.TAG_UTF16 : wire.TAG_LATIN1
    const start = this.#writeSize(length, position + 1)
    const end = start + (isWide ? length * 2 : length)
    if (end > this.#room) this.#grow(end)
    this.bytes.write(text, start, isWide ? 'utf16le' : 'latin1')
    return end
  }

  #writeSize(size: number, position: number): number {
    const { bytes } = this
    let rest = size
    let at = position
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >>> 7
    }
    bytes[at] = rest
    return at + 1
  }

  /** Numbers an object; returns the number of one that was written before, else -1. */
  #find(value: object): number {
    const seen = this.#seen
    const count = this.#seenCount
    if (count < SEEN_LINEAR_MAX) {
      for (let i = 0; i < count; i++) if (seen[i] === value) return i
      seen[count] = value
      this.#seenCount = count + 1
      return -1
    }
    let map = this.#seenMap
    if (map === undefined) {
      map = new Map()
      for (let i = 0; i < count; i++) map.set(seen[i], i)
      this.#seenMap = map
    }
    const found = map.get(value)
    if (found !== undefined) return found
    map.set(value, count)
    this.#seenCount = count + 1
    return -1
  }

  #writeObject(value: object, position: number): number {
    const found = this.#find(value)
    if (found !== -1) {
      this.#hasReferences = true
      this.bytes[position] = wire.TAG_REFERENCE
      return this.#writeSize(found, position + 1)
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
        this.#view.setFloat64(position + 1, Date.prototype.getTime.call(value), true)
        return position + 9
      case KIND_REGEXP: {
        const { source, flags } = value as RegExp
        this.bytes[position] = wire.TAG_REGEXP
        return this.#write(flags, this.#write(source, position + 1))
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
        return this.#write((value as { valueOf(): unknown }).valueOf(), position + 1)
      default:
        return refuse()
    }
  }

  #writePlain(value: object, position: number): number {
    const keys = Object.keys(value)
    const shape = this.#shapeOf(keys, position)
    if (shape === undefined) return this.#writeDictionary(value, keys, position)
    let at = position
    if (shape.message === this.#message) {
      this.bytes[at] = wire.TAG_RECORD
      at = this.#writeSize(shape.number, at + 1)
    } else {
      at = this.#writeDefinition(shape, at)
    }
    const source = value as Record<string, unknown>
    for (let i = 0; i < keys.length; i++) at = this.#write(source[keys[i]!], at)
    return at
  }

  #writeDefinition(shape: RecordShape, position: number): number {
    shape.message = this.#message
    shape.number = this.#shapeCount++
    const { definition } = shape
    const end = position + definition.length
    if (end > this.#room) this.#grow(end)
    const { bytes } = this
    for (let i = 0; i < definition.length; i++) bytes[position + i] = definition[i]!
    return end
  }

  /** The shape of these keys; undefined when they are too many or too long to be remembered. */
  #shapeOf(keys: readonly string[], position: number): RecordShape | undefined {
    const last = this.#lastShape
    if (last !== undefined && isSameList(last.keys, keys)) return last
    if (keys.length > RECORD_KEYS_MAX) return undefined
    const hash = hashKeys(keys)
    const shape = this.#shapes.findByKeys(keys, hash) ?? this.#makeShape(keys, hash, position)
    if (shape !== undefined) this.#lastShape = shape
    return shape
  }

  /** Encodes a definition where the record will stand, and keeps a copy. */
  #makeShape(keys: readonly string[], hash: number, position: number): RecordShape | undefined {
    for (const key of keys) {
      if (key.length > RECORD_KEY_CHARS_MAX) return undefined
    }
    let end = position + wire.DEFINITION_HEAD_BYTES
    for (const key of keys) end = this.#write(key, end)
    this.bytes[position] = wire.TAG_RECORD_DEFINITION
    this.#view.setInt32(position + 1, hash, true)
    this.#view.setUint16(position + 5, end - position, true)
    this.bytes[position + 7] = keys.length
    const shape = new RecordShape(keys, new Uint8Array(this.bytes.subarray(position, end)), hash)
    this.#shapes.add(shape)
    return shape
  }

  #writeDictionary(value: object, keys: readonly string[], position: number): number {
    this.bytes[position] = wire.TAG_OBJECT
    let at = this.#writeSize(keys.length, position + 1)
    for (const key of keys) {
      at = this.#write(key, at)
      at = this.#write((value as Record<string, unknown>)[key], at)
    }
    return at
  }

  #writeArray(value: readonly unknown[], position: number): number {
    const { length } = value
    const keys = Object.keys(value)
    // Indices come first, in order: if the last key is the last index, there is no hole and no other property.
    const isDense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))
    if (!isDense) return this.#writeSparseArray(value, keys, position)
    this.bytes[position] = wire.TAG_ARRAY
    let at = this.#writeSize(length, position + 1)
    for (let i = 0; i < length; i++) at = this.#write(value[i], at)
    return at
  }

  #writeSparseArray(value: readonly unknown[], keys: readonly string[], position: number): number {
    this.bytes[position] = wire.TAG_SPARSE_ARRAY
    let at = this.#writeSize(keys.length, this.#writeSize(value.length, position + 1))
    for (const key of keys) {
      const index = Number(key)
      const isIndex = index >= 0 && index < value.length && String(index) === key
      at = this.#write(isIndex ? index : key, at)
      at = this.#write((value as unknown as Record<string, unknown>)[key], at)
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
    this.#view.setUint32(position + 1, count, true)
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
    this.#view.setUint32(position + 1, count, true)
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
    const isTooDeep = this.#errorDepth >= ERROR_DEPTH_MAX
    this.#errorDepth++
    at = this.#write(isTooDeep ? {} : plain.properties, at)
    at = this.#write(isTooDeep ? {} : plain.hidden, at)
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
    let at = this.#writeSize(byteLength, position + 1)
    if (isResizable) at = this.#writeSize(maxByteLength ?? byteLength, at)
    return this.#writeBytes(new Uint8Array(value), at)
  }

  #writeBytes(source: Uint8Array, position: number): number {
    const end = position + source.length
    if (end > this.#room) this.#grow(end)
    this.bytes.set(source, position)
    return end
  }

  /**
   * A view takes its own bytes along and leaves the rest of its buffer behind, unless another view in the message
   * looks through the same buffer: then both must still do so afterwards, and the message is begun again with the
   * buffer written whole. Node's own Buffers share memory by accident, and never take it along.
   */
  #writeView(value: ArrayBufferView, position: number): number {
    const { buffer, byteOffset, byteLength } = value
    const kind = kindOfView(value)
    if (buffer instanceof ArrayBuffer && !this.transfer.has(buffer)) {
      if (isDetached(buffer)) refuse()
      const isAlone = kind === wire.VIEW_KIND_BUFFER || this.#aliased?.has(buffer) !== true
      if (isAlone && !('resizable' in buffer && buffer.resizable === true)) {
        if (kind !== wire.VIEW_KIND_BUFFER) this.#notePartial(buffer)
        this.bytes[position] = wire.TAG_VIEW
        this.bytes[position + 1] = kind
        const at = this.#writeSize(byteLength, position + 2)
        return this.#writeBytes(new Uint8Array(buffer, byteOffset, byteLength), at)
      }
    }
    this.bytes[position] = wire.TAG_VIEW_OF
    this.bytes[position + 1] = kind
    let at = this.#writeSize(byteOffset, position + 2)
    at = this.#writeSize(isTracking(value) ? 0 : byteLength + 1, at)
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
    return this.#writeSize(index, position + 1)
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

  #grow(position: number): void {
    const old = this.bytes
    this.#replaceScratch(Math.max(old.length * 2, position + position / 4 + ROOM * 2))
    old.copy(this.bytes, 0, 0, Math.min(position, old.length))
  }

  #replaceScratch(sizeBytes: number): void {
    this.bytes = Buffer.allocUnsafeSlow(Math.ceil(sizeBytes))
    this.#view = new DataView(this.bytes.buffer)
    this.#room = this.bytes.length - ROOM
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

function kindOfView(value: ArrayBufferView): number {
  if (Buffer.isBuffer(value)) return wire.VIEW_KIND_BUFFER
  return viewKinds.get(viewNameOf.call(value) ?? 'DataView') ?? refuse()
}

/** Whether the view grows with its buffer. */
function isTracking(value: ArrayBufferView): boolean {
  const { buffer } = value
  if (
    !('resizable' in buffer && buffer.resizable === true) &&
    !('growable' in buffer && buffer.growable === true)
  ) {
    return false
  }
  // Only a view that has no length of its own follows when its buffer shrinks or grows; none tells so directly.
  return value.byteOffset + value.byteLength === buffer.byteLength
}

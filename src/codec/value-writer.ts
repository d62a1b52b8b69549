/**
 * Writes a value as bytes: what `structuredClone` copies, plus refs, functions excepted, cycles included.
 *
 * One pass, no allocation but the growing buffer. Objects with the same names in the same order share a shape, so
 * that a list of records carries its names once. What cannot be sent throws `UNSENDABLE` from wherever it is met;
 * the path to it is looked for only then (`locate-unsendable.ts`), so that paths cost nothing when all goes well.
 *
 * Differs from `structuredClone`: a view of a buffer is copied without the rest of its buffer (a small `Buffer` is
 * a window into a pool of other people's bytes); two views of one buffer arrive as two; named properties of arrays
 * are left out; errors keep their class, code and fields.
 *
 * Tests: test/codec/value-codec.test.ts, value-codec.prop.test.ts. Cost: bench/codec.ts
 */
import { assert } from '../base/index.ts'
import { errorParts } from './error-parts.ts'
import type { CodecExtension } from './extension.ts'
import * as tags from './value-tags.ts'

/** Thrown when a value cannot be sent; never leaves this folder. */
export const UNSENDABLE = Symbol('unsendable')

const SCRATCH_BYTES = 16 * 1024
/** A scratch that one large message has grown is not kept. */
const SCRATCH_KEEP_BYTES = 4 * 1024 * 1024
/** Strings up to here are written by hand, longer ones by Node. */
const HAND_CHARS_MAX = 24
/** Objects up to here are looked for one by one, more of them in a map. */
const SEEN_SCAN_MAX = 12
// biome-ignore lint/suspicious/noControlCharactersInRegex: all Latin-1 characters are meant.
const LATIN1_TEXT = /^[\u0000-\u00ff]*$/

interface Shape {
  readonly keys: readonly string[]
  readonly number: number
}

/** Writes one value at a time. */
export class ValueWriter {
  /** What travels beside the bytes. */
  objects: unknown[] | undefined = undefined
  #buffer: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  #view = new DataView(this.#buffer.buffer)
  #at = 0
  #depth = 0
  #seen: object[] = []
  #seenMap: Map<object, number> | undefined
  #shapes = new Map<string, Shape[]>()
  #shapeCount = 0
  #transfer: ReadonlySet<unknown> | undefined
  readonly #extensions: readonly CodecExtension[]

  constructor(extensions: readonly CodecExtension[]) {
    this.#extensions = extensions
  }

  /** The bytes of a value: a view of the scratch, valid until the next call. Throws `UNSENDABLE`. */
  write(value: unknown, transfer: ReadonlySet<unknown> | undefined): Uint8Array {
    this.#at = 0
    this.#depth = 0
    this.#transfer = transfer
    this.objects = undefined
    if (this.#buffer.length > SCRATCH_KEEP_BYTES) this.#allocate(SCRATCH_BYTES)
    try {
      this.#value(value)
      return this.#buffer.subarray(0, this.#at)
    } finally {
      if (this.#seen.length > 0) this.#seen = []
      this.#seenMap = undefined
      if (this.#shapeCount > 0) {
        this.#shapes.clear()
        this.#shapeCount = 0
      }
      this.#transfer = undefined
    }
  }

  #value(value: unknown): void {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#tag(value ? tags.TAG_TRUE : tags.TAG_FALSE)
      case 'undefined':
        return this.#tag(tags.TAG_UNDEFINED)
      case 'bigint':
        return this.#bigint(value)
      case 'object':
        return value === null ? this.#tag(tags.TAG_NULL) : this.#object(value)
      default:
        throw UNSENDABLE
    }
  }

  #object(value: object): void {
    if (this.#backReference(value)) return
    if (++this.#depth > tags.DEPTH_MAX) throw UNSENDABLE
    const prototype = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) this.#plain(value as Record<string, unknown>)
    else if (Array.isArray(value)) this.#array(value)
    else this.#special(value)
    this.#depth--
  }

  /** True when the object was met before in this message. Objects are numbered in the order of their beginning. */
  #backReference(value: object): boolean {
    const seen = this.#seen
    let number = -1
    if (this.#seenMap !== undefined) number = this.#seenMap.get(value) ?? -1
    else number = seen.indexOf(value)
    if (number !== -1) {
      this.#tag(tags.TAG_BACK_REFERENCE)
      this.#size(number)
      return true
    }
    if (this.#seenMap !== undefined) this.#seenMap.set(value, seen.length)
    seen.push(value)
    if (seen.length === SEEN_SCAN_MAX) this.#seenMap = new Map(seen.map((object, i) => [object, i]))
    return false
  }

  #plain(value: Record<string, unknown>): void {
    const keys = Object.keys(value)
    const shape = this.#shapeOf(keys)
    if (shape === undefined) {
      this.#tag(tags.TAG_OBJECT)
      this.#size(keys.length)
      for (let i = 0; i < keys.length; i++) this.#text(keys[i]!)
    } else {
      this.#tag(tags.TAG_SHAPED)
      this.#size(shape.number)
    }
    for (let i = 0; i < keys.length; i++) this.#value(value[keys[i]!])
  }

  /** The shape with these names, or undefined when it is new; it is known from then on. */
  #shapeOf(keys: readonly string[]): Shape | undefined {
    const first = keys.length === 0 ? '' : keys[0]!
    const candidates = this.#shapes.get(first)
    if (candidates === undefined) {
      this.#shapes.set(first, [{ keys, number: this.#shapeCount++ }])
      return undefined
    }
    for (const shape of candidates) if (isSame(shape.keys, keys)) return shape
    candidates.push({ keys, number: this.#shapeCount++ })
    return undefined
  }

  #array(value: readonly unknown[]): void {
    if (hasHoles(value)) return this.#sparse(value)
    this.#tag(tags.TAG_ARRAY)
    this.#size(value.length)
    for (let i = 0; i < value.length; i++) this.#value(value[i])
  }

  #sparse(value: readonly unknown[]): void {
    const indexes = Object.keys(value).filter((key) => String(Number(key) >>> 0) === key)
    this.#tag(tags.TAG_SPARSE)
    this.#size(value.length)
    this.#size(indexes.length)
    for (const index of indexes) {
      this.#size(Number(index))
      this.#value(value[Number(index)])
    }
  }

  #special(value: object): void {
    for (const extension of this.#extensions) {
      if (!(value instanceof extension.Class)) continue
      this.#tag(tags.TAG_EXTENSION)
      this.#byte(extension.type)
      this.#value(extension.encode(value))
      return
    }
    if (this.#transfer?.has(value) === true) return this.#external(value)
    if (ArrayBuffer.isView(value)) return this.#viewOf(value)
    if (value instanceof Error || isError(value)) return this.#error(value as Error)
    switch (Object.prototype.toString.call(value)) {
      case '[object Date]':
        this.#tag(tags.TAG_DATE)
        return this.#double(Number(value))
      case '[object RegExp]':
        this.#tag(tags.TAG_REGEXP)
        this.#text((value as RegExp).source)
        return this.#text((value as RegExp).flags)
      case '[object Map]':
        return this.#map(value as Map<unknown, unknown>)
      case '[object Set]':
        return this.#set(value as Set<unknown>)
      case '[object ArrayBuffer]':
        return this.#arrayBuffer(value as ArrayBuffer)
      case '[object SharedArrayBuffer]':
        return this.#external(value)
      case '[object Number]':
      case '[object String]':
      case '[object Boolean]':
      case '[object BigInt]':
        this.#tag(tags.TAG_BOXED)
        return this.#value((value as { valueOf(): unknown }).valueOf())
      case '[object Object]':
        // A class of the user: its own enumerable properties, as structuredClone does.
        return this.#plain(value as Record<string, unknown>)
      default:
        throw UNSENDABLE
    }
  }

  #map(map: Map<unknown, unknown>): void {
    this.#tag(tags.TAG_MAP)
    this.#size(map.size)
    for (const [key, item] of map) {
      this.#value(key)
      this.#value(item)
    }
  }

  #set(set: Set<unknown>): void {
    this.#tag(tags.TAG_SET)
    this.#size(set.size)
    for (const item of set) this.#value(item)
  }

  #error(error: Error): void {
    const parts = errorParts(error)
    this.#tag(tags.TAG_ERROR)
    this.#text(parts.className)
    this.#text(parts.message)
    this.#text(parts.stack)
    this.#value(parts.fields)
    this.#value(parts.cause)
    this.#value(parts.errors)
  }

  #viewOf(view: ArrayBufferView): void {
    const kind = tags.viewKind(view)
    if (kind === -1) throw UNSENDABLE
    const { buffer, byteOffset, byteLength } = view
    if (this.#transfer?.has(buffer) === true || buffer instanceof SharedArrayBuffer) {
      this.#tag(tags.TAG_OBJECT_VIEW)
      this.#byte(kind)
      this.#size(this.#externalIndex(buffer))
      this.#size(byteOffset)
      return this.#size(byteLength)
    }
    this.#tag(tags.TAG_BYTES)
    this.#byte(kind)
    this.#bytes(new Uint8Array(buffer, byteOffset, byteLength))
  }

  #arrayBuffer(buffer: ArrayBuffer): void {
    this.#tag(tags.TAG_ARRAY_BUFFER)
    this.#bytes(new Uint8Array(buffer))
  }

  #external(value: object): void {
    this.#tag(tags.TAG_EXTERNAL)
    this.#size(this.#externalIndex(value))
  }

  #externalIndex(value: unknown): number {
    this.objects ??= []
    const index = this.objects.indexOf(value)
    return index === -1 ? this.objects.push(value) - 1 : index
  }

  #bytes(bytes: Uint8Array): void {
    this.#size(bytes.length)
    this.#ensure(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #text(text: string): void {
    const { length } = text
    if (length <= HAND_CHARS_MAX && this.#shortText(text)) return
    if (LATIN1_TEXT.test(text)) {
      this.#tag(tags.TAG_LATIN1)
      this.#size(length)
      this.#ensure(length)
      this.#at += this.#buffer.write(text, this.#at, length, 'latin1')
    } else {
      this.#tag(tags.TAG_UTF16)
      this.#size(length)
      this.#ensure(length * 2)
      this.#at += this.#buffer.write(text, this.#at, length * 2, 'utf16le')
    }
  }

  #shortText(text: string): boolean {
    const { length } = text
    this.#ensure(length + 2)
    const buffer = this.#buffer
    const at = this.#at
    buffer[at] = tags.TAG_LATIN1
    buffer[at + 1] = length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 255) return false
      buffer[at + 2 + i] = code
    }
    this.#at = at + 2 + length
    return true
  }

  #number(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) {
      if (value >= 0 && value < 256) {
        this.#tag(tags.TAG_UINT8)
        return this.#byte(value)
      }
      this.#tag(tags.TAG_INT32)
      this.#ensure(4)
      this.#view.setInt32(this.#at, value, true)
      this.#at += 4
      return
    }
    this.#tag(tags.TAG_DOUBLE)
    this.#double(value)
  }

  #double(value: number): void {
    this.#ensure(8)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  #bigint(value: bigint): void {
    const hex = (value < 0n ? -value : value).toString(16)
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
    this.#tag(tags.TAG_BIGINT)
    this.#byte(value < 0n ? 1 : 0)
    this.#bytes(bytes)
  }

  #tag(tag: number): void {
    if (this.#at === this.#buffer.length) this.#ensure(1)
    this.#buffer[this.#at++] = tag
  }

  #byte(value: number): void {
    this.#tag(value)
  }

  #size(size: number): void {
    this.#ensure(5)
    let rest = size
    while (rest > 0x7f) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest = rest >>> 7
    }
    this.#buffer[this.#at++] = rest
  }

  #ensure(count: number): void {
    const needed = this.#at + count
    if (needed <= this.#buffer.length) return
    const old = this.#buffer
    this.#allocate(Math.max(needed, old.length * 2))
    old.copy(this.#buffer, 0, 0, this.#at)
  }

  #allocate(size: number): void {
    assert(size < 2 ** 32, 'an encoded value fits 32 bits')
    this.#buffer = Buffer.allocUnsafeSlow(size)
    this.#view = new DataView(this.#buffer.buffer)
  }
}

/** Stops at the first hole, so that a huge empty array costs one look. */
function hasHoles(value: readonly unknown[]): boolean {
  for (let i = 0; i < value.length; i++) if (value[i] === undefined && !(i in value)) return true
  return false
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function isError(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Error]'
}

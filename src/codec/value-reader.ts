/**
 * Reads a value back from its bytes: the mirror of `value-writer.ts`.
 *
 * The bytes may lie in shared memory, so they are copied to private memory first, and nothing of them is kept.
 * Damaged bytes end in an error, never in a crash or an endless loop: every size is checked against what is left.
 *
 * Tests: test/codec/value-codec.test.ts, value-codec.prop.test.ts
 */
import { assert, ShardloomError } from '../base/index.ts'
import { completeError, createError } from './error-parts.ts'
import type { CodecExtension } from './extension.ts'
import * as tags from './value-tags.ts'

const SCRATCH_BYTES = 16 * 1024
const HAND_CHARS_MAX = 24

/** Reads one value at a time. */
export class ValueReader {
  readonly #extensions: ReadonlyMap<number, CodecExtension>
  readonly #scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #scratchView = new DataView(this.#scratch.buffer)
  #buffer: Buffer = this.#scratch
  #view: DataView = this.#scratchView
  #at = 0
  #end = 0
  #depth = 0
  #seen: unknown[] = []
  #shapes: string[][] = []
  #objects: readonly unknown[] = []

  constructor(extensions: readonly CodecExtension[]) {
    this.#extensions = new Map(extensions.map((extension) => [extension.type, extension]))
  }

  /** The value; `objects` is what travelled beside the bytes. */
  read(bytes: Uint8Array, objects: readonly unknown[] | undefined): unknown {
    if (bytes.length <= SCRATCH_BYTES) {
      this.#buffer = this.#scratch
      this.#view = this.#scratchView
    } else {
      this.#buffer = Buffer.allocUnsafeSlow(bytes.length)
      this.#view = new DataView(this.#buffer.buffer)
    }
    this.#buffer.set(bytes)
    this.#at = 0
    this.#end = bytes.length
    this.#depth = 0
    this.#objects = objects ?? []
    try {
      return this.#value()
    } finally {
      if (this.#seen.length > 0) this.#seen = []
      if (this.#shapes.length > 0) this.#shapes = []
      this.#objects = []
      this.#buffer = this.#scratch
      this.#view = this.#scratchView
    }
  }

  #value(): unknown {
    const tag = this.#byte()
    switch (tag) {
      case tags.TAG_UNDEFINED:
        return undefined
      case tags.TAG_NULL:
        return null
      case tags.TAG_TRUE:
        return true
      case tags.TAG_FALSE:
        return false
      case tags.TAG_UINT8:
        return this.#byte()
      case tags.TAG_INT32: {
        this.#need(4)
        const value = this.#view.getInt32(this.#at, true)
        this.#at += 4
        return value
      }
      case tags.TAG_DOUBLE:
        return this.#double()
      case tags.TAG_LATIN1:
      case tags.TAG_UTF16:
        return this.#text(tag)
      case tags.TAG_BIGINT:
        return this.#bigint()
      case tags.TAG_BACK_REFERENCE: {
        const number = this.#size()
        assert(number < this.#seen.length, 'a back reference names an object before it')
        return this.#seen[number]
      }
      default:
        return this.#nested(tag)
    }
  }

  #nested(tag: number): unknown {
    assert(++this.#depth <= tags.DEPTH_MAX, 'a value is not nested too deeply')
    const value = this.#object(tag)
    this.#depth--
    return value
  }

  #object(tag: number): unknown {
    switch (tag) {
      case tags.TAG_OBJECT:
        return this.#plain(this.#newShape())
      case tags.TAG_SHAPED: {
        const shape = this.#shapes[this.#size()]
        assert(shape !== undefined, 'a shape was defined before it is used')
        return this.#plain(shape)
      }
      case tags.TAG_ARRAY:
        return this.#array()
      case tags.TAG_SPARSE:
        return this.#sparse()
      case tags.TAG_MAP:
        return this.#map()
      case tags.TAG_SET:
        return this.#set()
      case tags.TAG_DATE:
        return this.#keep(new Date(this.#double()))
      case tags.TAG_REGEXP:
        return this.#keep(new RegExp(this.#anyText(), this.#anyText()))
      case tags.TAG_BYTES:
        return this.#keep(this.#ownView(this.#byte(), this.#bytes()))
      case tags.TAG_ARRAY_BUFFER:
        return this.#keep(this.#bytes().buffer)
      case tags.TAG_OBJECT_VIEW:
        return this.#keep(this.#externalView())
      case tags.TAG_EXTERNAL:
        return this.#keep(this.#external())
      case tags.TAG_ERROR:
        return this.#error()
      case tags.TAG_EXTENSION:
        return this.#extension()
      case tags.TAG_BOXED: {
        const number = this.#reserve()
        const boxed = Object(this.#value()) as unknown
        this.#seen[number] = boxed
        return boxed
      }
      default:
        throw new ShardloomError('SHL_ASSERTION', { text: `tag ${tag} is unknown` })
    }
  }

  #newShape(): string[] {
    const count = this.#count()
    const keys: string[] = []
    for (let i = 0; i < count; i++) keys.push(this.#anyText())
    this.#shapes.push(keys)
    return keys
  }

  #plain(keys: readonly string[]): object {
    const object: Record<string, unknown> = {}
    this.#seen.push(object)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const value = this.#value()
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
      else object[key] = value
    }
    return object
  }

  #array(): unknown[] {
    const count = this.#count()
    const array: unknown[] = []
    this.#seen.push(array)
    for (let i = 0; i < count; i++) array.push(this.#value())
    return array
  }

  #sparse(): unknown[] {
    const array: unknown[] = []
    this.#seen.push(array)
    array.length = this.#size()
    const count = this.#count()
    for (let i = 0; i < count; i++) array[this.#size()] = this.#value()
    return array
  }

  #map(): Map<unknown, unknown> {
    const map = new Map<unknown, unknown>()
    this.#seen.push(map)
    const count = this.#count()
    for (let i = 0; i < count; i++) {
      const key = this.#value()
      map.set(key, this.#value())
    }
    return map
  }

  #set(): Set<unknown> {
    const set = new Set<unknown>()
    this.#seen.push(set)
    const count = this.#count()
    for (let i = 0; i < count; i++) set.add(this.#value())
    return set
  }

  #error(): Error {
    const number = this.#reserve()
    const error = createError(this.#anyText(), this.#anyText(), this.#anyText())
    this.#seen[number] = error
    const fields = this.#value()
    const cause = this.#value()
    completeError(error, fields, cause, this.#value())
    return error
  }

  #extension(): unknown {
    const number = this.#reserve()
    const extension = this.#extensions.get(this.#byte())
    assert(extension !== undefined, 'the extension is known on this side')
    const value = extension.decode(this.#value())
    this.#seen[number] = value
    return value
  }

  #external(): unknown {
    const index = this.#size()
    assert(index < this.#objects.length, 'an external object came with the bytes')
    return this.#objects[index]
  }

  #externalView(): unknown {
    const kind = this.#byte()
    const buffer = this.#external() as ArrayBufferLike
    const byteOffset = this.#size()
    const byteLength = this.#size()
    return makeView(kind, buffer, byteOffset, byteLength)
  }

  #ownView(kind: number, bytes: Uint8Array<ArrayBuffer>): unknown {
    if (tags.VIEW_NAMES[kind] === 'Uint8Array') return bytes
    return makeView(kind, bytes.buffer, 0, bytes.length)
  }

  #keep(value: unknown): unknown {
    this.#seen.push(value)
    return value
  }

  #reserve(): number {
    return this.#seen.push(undefined) - 1
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    const length = this.#count()
    const copy = new Uint8Array(length)
    copy.set(this.#buffer.subarray(this.#at, this.#at + length))
    this.#at += length
    return copy
  }

  #anyText(): string {
    const tag = this.#byte()
    assert(tag === tags.TAG_LATIN1 || tag === tags.TAG_UTF16, 'a text stands where one must')
    return this.#text(tag)
  }

  #text(tag: number): string {
    const length = this.#size()
    const byteLength = tag === tags.TAG_LATIN1 ? length : length * 2
    this.#need(byteLength)
    const start = this.#at
    this.#at += byteLength
    const buffer = this.#buffer
    if (tag === tags.TAG_UTF16) return buffer.toString('utf16le', start, this.#at)
    if (length > HAND_CHARS_MAX) return buffer.toString('latin1', start, this.#at)
    let text = ''
    for (let i = start; i < start + length; i++) text += String.fromCharCode(buffer[i]!)
    return text
  }

  #bigint(): bigint {
    const isNegative = this.#byte() === 1
    const bytes = this.#bytes()
    const magnitude = BigInt(`0x${Buffer.from(bytes.buffer).toString('hex') || '0'}`)
    return isNegative ? -magnitude : magnitude
  }

  #double(): number {
    this.#need(8)
    const value = this.#view.getFloat64(this.#at, true)
    this.#at += 8
    return value
  }

  #byte(): number {
    assert(this.#at < this.#end, 'a value does not end early')
    return this.#buffer[this.#at++]!
  }

  #size(): number {
    let size = 0
    let shift = 1
    for (let i = 0; i < 5; i++) {
      const byte = this.#byte()
      size += (byte & 0x7f) * shift
      if (byte < 0x80) return size
      shift *= 128
    }
    throw new ShardloomError('SHL_ASSERTION', { text: 'a size has at most five bytes' })
  }

  /** A size of things that take at least a byte each. */
  #count(): number {
    const count = this.#size()
    this.#need(count)
    return count
  }

  #need(count: number): void {
    assert(count <= this.#end - this.#at, 'a value does not end early')
  }
}

function makeView(kind: number, buffer: ArrayBufferLike, byteOffset: number, byteLength: number): unknown {
  assert(
    buffer.byteLength !== undefined && byteOffset + byteLength <= buffer.byteLength,
    'a view fits its buffer',
  )
  if (kind === tags.VIEW_BUFFER) return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength)
  const View = tags.VIEW_CONSTRUCTORS[kind]
  assert(View !== undefined, 'the kind of view is known')
  const { BYTES_PER_ELEMENT: size = 1 } = View as unknown as { BYTES_PER_ELEMENT?: number }
  assert(byteLength % size === 0, 'a view holds whole elements')
  return new View(buffer, byteOffset, byteLength / size)
}

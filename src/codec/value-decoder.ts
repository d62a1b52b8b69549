/**
 * Builds a value again from the bytes of `wire-tags.ts`.
 *
 * The bytes are read from private memory only: what another thread can still write to is copied first. Every
 * size is checked against what is left before anything is allocated for it, so that damaged bytes end in an
 * error of `value-codec.ts` and never in a hang, a crash or a giant allocation.
 *
 * Objects are made before what they hold, and numbered in that order, but only when the message holds
 * references.
 * Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts, test/codec/value-codec.prop.test.ts
 */
import { ByteReader, damaged } from './byte-reader.ts'
import type { CodecExtension } from './extension.ts'
import { createError, fillError } from './plain-error.ts'
import { BUILDER_USES_MIN, makeBuilder } from './record-builder.ts'
import { RecordShape, ShapeTable } from './record-shape.ts'
import { makeView, VIEW_KIND_UINT8 } from './view-kind.ts'
import * as wire from './wire-tags.ts'

const NO_OBJECTS: readonly unknown[] = []

/** Reads values, one message at a time. */
export class ValueDecoder extends ByteReader {
  readonly #extensions: readonly (CodecExtension | undefined)[]
  readonly #knownShapes = new ShapeTable()
  /** Shapes that this message has defined so far. */
  readonly #shapes: RecordShape[] = []
  #objects: readonly unknown[] = NO_OBJECTS
  #references: unknown[] | undefined = undefined

  constructor(extensions: readonly (CodecExtension | undefined)[]) {
    super()
    this.#extensions = extensions
  }

  decode(bytes: Uint8Array, objects: readonly unknown[] | undefined): unknown {
    const size = bytes.length
    this.open(bytes)
    this.#objects = objects ?? NO_OBJECTS
    const hasReferences = size > 0 && (this.bytes[0]! & wire.FLAG_REFERENCES) !== 0
    this.#references = hasReferences ? [] : undefined
    this.position = 1
    const value = this.read()
    if (this.position !== size) damaged('bytes are left over', this.position)
    return value
  }

  /** Forgets the message, also a failed one. */
  override close(): void {
    super.close()
    this.#objects = NO_OBJECTS
    this.#references = undefined
    if (this.#shapes.length > 0) this.#shapes.length = 0
  }

  /** The next value. */
  read(): unknown {
    const position = this.position
    if (position >= this.end) damaged('the end comes too early', position)
    const tag = this.bytes[position]!
    this.position = position + 1
    if (tag <= wire.INTEGER_TAG_MAX) return tag
    if (tag <= wire.EXTENSION_TAG_MAX) return this.#readExtension(tag)
    if (tag < wire.TAG_UNDEFINED) return this.readLatin1(tag - wire.SHORT_TEXT_TAG)
    switch (tag) {
      case wire.TAG_UNDEFINED:
        return undefined
      case wire.TAG_NULL:
        return null
      case wire.TAG_FALSE:
        return false
      case wire.TAG_TRUE:
        return true
      case wire.TAG_BYTE:
        return this.bytes[this.take(1)]
      case wire.TAG_INT32:
        return this.view.getInt32(this.take(4), true)
      case wire.TAG_DOUBLE:
        return this.view.getFloat64(this.take(8), true)
      case wire.TAG_LATIN1:
        return this.readLatin1(this.readSize())
      case wire.TAG_RECORD_DEFINITION:
        return this.#readRecord(this.#readDefinition(position))
      case wire.TAG_RECORD:
        return this.#readRecord(this.#shapes[this.readSize()])
      case wire.TAG_ARRAY:
        return this.#readArray()
      default:
        return this.#readRare(tag)
    }
  }

  #readRare(tag: number): unknown {
    switch (tag) {
      case wire.TAG_UTF16:
        return this.readUtf16()
      case wire.TAG_BIGINT64:
        return this.view.getBigInt64(this.take(8), true)
      case wire.TAG_BIGINT:
        return this.#readBigInt()
      case wire.TAG_SPARSE_ARRAY:
        return this.#readSparseArray()
      case wire.TAG_OBJECT:
        return this.#readDictionary()
      case wire.TAG_MAP:
        return this.#readMap()
      case wire.TAG_SET:
        return this.#readSet()
      case wire.TAG_DATE:
        return this.#number(new Date(this.view.getFloat64(this.take(8), true)))
      case wire.TAG_REGEXP:
        return this.#readRegExp()
      case wire.TAG_BUFFER:
        return this.#number(this.readBytes(this.readSize()).buffer)
      case wire.TAG_RESIZABLE_BUFFER:
        return this.#readResizableBuffer()
      case wire.TAG_VIEW:
        return this.#readView()
      case wire.TAG_VIEW_OF:
        return this.#readViewOf()
      case wire.TAG_PORTED:
        return this.#readPorted()
      case wire.TAG_REFERENCE:
        return this.#readReference()
      case wire.TAG_ERROR:
        return this.#readError()
      case wire.TAG_BOXED:
        return this.#readBoxed()
      default:
        return damaged(`tag ${tag} is unknown`, this.position - 1)
    }
  }

  #readText(): string {
    const text = this.read()
    return typeof text === 'string' ? text : damaged('a text is missing', this.position)
  }

  #readBigInt(): bigint {
    const isNegative = this.bytes[this.take(1)] === 1
    const value = BigInt(`0x${this.#readText()}`)
    return isNegative ? -value : value
  }

  /** Numbers a new object, when the message refers to numbers at all. */
  #number<T>(value: T): T {
    this.#references?.push(value)
    return value
  }

  #readReference(): unknown {
    const index = this.readSize()
    const references = this.#references
    if (references === undefined || index >= references.length) {
      return damaged(`reference ${index} leads nowhere`, this.position)
    }
    return references[index]
  }

  #readDefinition(start: number): RecordShape {
    this.take(wire.DEFINITION_HEAD_BYTES - 1)
    const hash = this.view.getInt32(start + 1, true)
    const size = this.view.getUint16(start + 5, true)
    if (start + size > this.end || size < wire.DEFINITION_HEAD_BYTES) damaged('a definition is cut', start)
    let shape = this.#knownShapes.findByBytes(this.bytes, start, size, hash)
    if (shape === undefined) {
      const keys: string[] = []
      const count = this.bytes[start + 7]!
      for (let i = 0; i < count; i++) keys.push(this.#readText())
      if (this.position !== start + size) damaged('a definition does not fit', start)
      shape = new RecordShape(keys, new Uint8Array(this.bytes.subarray(start, start + size)), hash)
      this.#knownShapes.add(shape)
    }
    this.position = start + size
    this.#shapes.push(shape)
    return shape
  }

  #readRecord(shape: RecordShape | undefined): unknown {
    if (shape === undefined) return damaged('a record has no definition', this.position)
    // A literal exists only once its values do: with references, the object has to be there before them.
    if (this.#references === undefined) {
      if (shape.build !== undefined) return shape.build(this)
      if (++shape.uses >= BUILDER_USES_MIN) shape.build = makeBuilder(shape.keys)
    }
    const { keys } = shape
    const record: Record<string, unknown> = {}
    this.#references?.push(record)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      if (shape.hasProto) define(record, key, this.read())
      else record[key] = this.read()
    }
    return record
  }

  #readDictionary(): unknown {
    const count = this.readCount()
    const record: Record<string, unknown> = {}
    this.#references?.push(record)
    for (let i = 0; i < count; i++) {
      const key = this.#readText()
      if (key === '__proto__') define(record, key, this.read())
      else record[key] = this.read()
    }
    return record
  }

  #readArray(): unknown[] {
    const length = this.readCount()
    const array: unknown[] = []
    this.#references?.push(array)
    for (let i = 0; i < length; i++) array.push(this.read())
    return array
  }

  #readSparseArray(): unknown[] {
    const length = this.readSize()
    const count = this.readCount()
    if (length > 0xffff_ffff) damaged('an array is too long', this.position)
    const array: unknown[] = []
    array.length = length
    this.#references?.push(array)
    for (let i = 0; i < count; i++) {
      const key = this.read()
      if (typeof key !== 'number' && typeof key !== 'string')
        return damaged('a key is missing', this.position)
      define(array, key, this.read())
    }
    return array
  }

  #readMap(): Map<unknown, unknown> {
    const count = this.view.getUint32(this.take(4), true)
    const map = this.#number(new Map<unknown, unknown>())
    for (let i = 0; i < count; i++) {
      const key = this.read()
      map.set(key, this.read())
    }
    return map
  }

  #readSet(): Set<unknown> {
    const count = this.view.getUint32(this.take(4), true)
    const set = this.#number(new Set<unknown>())
    for (let i = 0; i < count; i++) set.add(this.read())
    return set
  }

  #readRegExp(): RegExp {
    const source = this.#readText()
    return this.#number(new RegExp(source, this.#readText()))
  }

  #readResizableBuffer(): ArrayBufferLike {
    const size = this.readSize()
    const sizeMax = this.readSize()
    const source = this.readBytes(size)
    const Class = ArrayBuffer as new (length: number, options?: { maxByteLength: number }) => ArrayBuffer
    const buffer = new Class(size, { maxByteLength: sizeMax })
    new Uint8Array(buffer).set(source)
    return this.#number(buffer)
  }

  #readView(): ArrayBufferView {
    const kind = this.bytes[this.take(1)]!
    const size = this.readSize()
    const bytes = this.readBytes(size)
    return this.#number(kind === VIEW_KIND_UINT8 ? bytes : this.#viewOf(kind, bytes.buffer, 0, size))
  }

  #readViewOf(): ArrayBufferView {
    const kind = this.bytes[this.take(1)]!
    const offset = this.readSize()
    const sizeAndOne = this.readSize()
    const references = this.#references
    // The view comes before its buffer in the numbering, and after it in being made.
    const number = references === undefined ? 0 : references.push(undefined) - 1
    const buffer = this.read()
    if (!(buffer instanceof ArrayBuffer) && !(buffer instanceof SharedArrayBuffer)) {
      return damaged('a view has no buffer', this.position)
    }
    const view = this.#viewOf(kind, buffer, offset, sizeAndOne === 0 ? undefined : sizeAndOne - 1)
    if (references !== undefined) references[number] = view
    return view
  }

  #viewOf(kind: number, buffer: ArrayBufferLike, offset: number, size: number | undefined): ArrayBufferView {
    return makeView(kind, buffer, offset, size) ?? damaged(`view ${kind} is unknown`, this.position)
  }

  #readPorted(): unknown {
    const index = this.readSize()
    if (index >= this.#objects.length) return damaged(`object ${index} did not arrive`, this.position)
    return this.#number(this.#objects[index])
  }

  #readError(): Error {
    const references = this.#references
    const number = references === undefined ? 0 : references.push(undefined) - 1
    const base = this.#readText()
    const className = this.#readText()
    const name = this.#readText()
    const message = this.#readText()
    const stack = this.read()
    if (stack !== undefined && typeof stack !== 'string') return damaged('a stack is no text', this.position)
    const error = createError({ base, className, name, message, stack })
    if (references !== undefined) references[number] = error
    const properties = this.read()
    const hidden = this.read()
    if (!isObject(properties) || !isObject(hidden)) return damaged('an error is cut', this.position)
    fillError(error, name, properties, hidden)
    return error
  }

  #readBoxed(): unknown {
    const references = this.#references
    const number = references === undefined ? 0 : references.push(undefined) - 1
    const boxed = Object(this.read()) as unknown
    if (references !== undefined) references[number] = boxed
    return boxed
  }

  #readExtension(tag: number): unknown {
    const extension = this.#extensions[tag - wire.EXTENSION_TAG_MIN]
    if (extension === undefined) return damaged(`nothing is known of class ${tag}`, this.position - 1)
    const references = this.#references
    const number = references === undefined ? 0 : references.push(undefined) - 1
    const value = extension.decode(this.read())
    if (references !== undefined) references[number] = value
    return value
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function define(holder: object, key: PropertyKey, value: unknown): void {
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true })
}

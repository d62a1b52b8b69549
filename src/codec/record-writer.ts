/**
 * Writes the keys of plain objects, from memory where it can: see `record-shape.ts`.
 *
 * Most objects have the keys of the one before (a list of records), so that one is compared first.
 * Cost: bench/codec.ts. Tests: test/codec/record-shape.test.ts
 */
import { ByteWriter } from './byte-writer.ts'
import {
  hashKeys,
  isSameList,
  RECORD_KEY_CHARS_MAX,
  RECORD_KEYS_MAX,
  RecordShape,
  ShapeTable,
} from './record-shape.ts'
import * as wire from './wire-tags.ts'

/** Writes primitives and keys. */
export class RecordWriter extends ByteWriter {
  /** Counts messages, so that a shape knows whether it is defined in this one. */
  message = 0
  shapeCount = 0
  readonly #shapes = new ShapeTable()
  #lastShape: RecordShape | undefined = undefined

  /** The keys, once in a message; makes room for itself. */
  writeDefinition(shape: RecordShape, position: number): number {
    shape.message = this.message
    shape.number = this.shapeCount++
    const { definition } = shape
    const end = position + definition.length
    if (end > this.room) this.grow(end)
    const { bytes } = this
    for (let i = 0; i < definition.length; i++) bytes[position + i] = definition[i]!
    return end
  }

  /** The shape of these keys; undefined when they are too many or too long to be remembered. */
  shapeOf(keys: readonly string[], position: number): RecordShape | undefined {
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
    for (const key of keys) end = this.#writeKey(key, end)
    this.bytes[position] = wire.TAG_RECORD_DEFINITION
    this.view.setInt32(position + 1, hash, true)
    this.view.setUint16(position + 5, end - position, true)
    this.bytes[position + 7] = keys.length
    const shape = new RecordShape(keys, new Uint8Array(this.bytes.subarray(position, end)), hash)
    this.#shapes.add(shape)
    return shape
  }

  #writeKey(key: string, position: number): number {
    if (position > this.room) this.grow(position)
    return this.writeText(key, position)
  }
}

/** The table of key lists: what it finds, and that it stays small. */
import { describe, expect, test } from 'vitest'
import { ValueCodec } from '../../src/codec/index.ts'
import { hashKeys, RecordShape, ShapeTable } from '../../src/codec/record-shape.ts'

function shapeOf(keys: readonly string[], bytes: readonly number[] = []): RecordShape {
  return new RecordShape(keys, new Uint8Array(bytes), hashKeys(keys))
}

describe('the table of shapes', () => {
  test('finds a list of keys, and no other with the same hash', () => {
    const table = new ShapeTable()
    const shape = shapeOf(['id', 'name'])
    table.add(shape)
    expect(table.findByKeys(['id', 'name'], shape.hash)).toBe(shape)
    expect(hashKeys(['ix', 'nxxx'])).toBe(shape.hash)
    expect(table.findByKeys(['ix', 'nxxx'], shape.hash)).toBeUndefined()
    expect(table.findByKeys(['id'], shape.hash)).toBeUndefined()
  })

  test('finds a definition by its bytes, and no other with the same hash', () => {
    const table = new ShapeTable()
    const shape = shapeOf(['a'], [1, 2, 3])
    table.add(shape)
    expect(table.findByBytes(new Uint8Array([9, 1, 2, 3, 9]), 1, 3, shape.hash)).toBe(shape)
    expect(table.findByBytes(new Uint8Array([9, 1, 2, 4, 9]), 1, 3, shape.hash)).toBeUndefined()
    expect(table.findByBytes(new Uint8Array([9, 1, 2, 3, 9]), 1, 2, shape.hash)).toBeUndefined()
  })

  test('is bounded: of many lists with one hash, the latest few are kept', () => {
    const table = new ShapeTable()
    const shapes = Array.from({ length: 20 }, (_, i) => new RecordShape([`k${i}`], new Uint8Array(), 5))
    for (const shape of shapes) table.add(shape)
    const kept = shapes.filter((shape) => table.findByKeys(shape.keys, 5) === shape)
    expect(kept).toHaveLength(4)
    expect(kept).toContain(shapes[19])
  })
})

describe('keys in messages', () => {
  test('stand there once, however many records have them', () => {
    const codec = new ValueCodec()
    const record = { aRatherLongKey: 1, anotherLongKey: 2 }
    const one = codec.encode([{ ...record }]).bytes.length
    const hundred = codec.encode(Array.from({ length: 100 }, () => ({ ...record }))).bytes.length
    expect(hundred - one).toBeLessThan(99 * 5)
  })

  test('stand in every message: none needs another to be read', () => {
    const codec = new ValueCodec()
    const { bytes } = codec.encode({ known: 1 })
    const size = bytes.length
    expect(codec.encode({ known: 2 }).bytes.length).toBe(size)
    expect(new ValueCodec().decode(codec.encode({ known: 3 }).bytes)).toEqual({ known: 3 })
  })
})

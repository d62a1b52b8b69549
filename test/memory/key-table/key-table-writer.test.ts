/** The key table as its writer uses it, by example; sequences of operations are in the property test. */
import { describe, expect, test } from 'vitest'
import { KeyTableReader, KeyTableWriter, VALUE_BYTES_MAX } from '../../../src/memory/index.ts'

const OPTIONS = { segmentBytes: 2 ** 16, pageBytes: 4096, stripes: 4 }

test('a put keeps what its options do not say', () => {
  const table = new KeyTableWriter(OPTIONS)
  let ref = table.putString('key', 'one', { expireAt: 10, revision: 7 })
  table.setAccessClock(ref, 2 ** 24 - 1)
  table.setInExpiryIndex(ref, true)
  for (const value of ['two', 'x'.repeat(500), 'y'.repeat(10_000), '']) {
    ref = table.putString('key', value)
    expect(table.valueString(ref)).toBe(value)
    expect([table.expireAt(ref), table.revision(ref)]).toEqual([10, 7])
    expect([table.accessClock(ref), table.inExpiryIndex(ref)]).toEqual([2 ** 24 - 1, true])
  }
  ref = table.putObject('key', 5, 2 ** 32 - 1, { revision: Number.MAX_SAFE_INTEGER })
  expect([table.typeOf(ref), table.objectOf(ref), table.valueLength(ref)]).toEqual([5, 2 ** 32 - 1, 0])
  expect([table.expireAt(ref), table.revision(ref)]).toEqual([10, Number.MAX_SAFE_INTEGER])
  ref = table.putString('key', 'back', { expireAt: 0 })
  expect([table.typeOf(ref), table.expireAt(ref)]).toEqual([0, 0])
  table.checkTable()
})

test('a string is raw from its first change in place until it is set again', () => {
  const table = new KeyTableWriter(OPTIONS)
  const put = (): number => table.putString('key', 'abcd')
  expect(table.isRaw(put())).toBe(false)
  expect(table.isRaw(table.append(put(), ''))).toBe(true)
  // In its place: the block is as large as the new value wants.
  expect(table.find('key')).toBe(put())
  expect(table.isRaw(put())).toBe(false)
  expect(table.isRaw(table.overwrite(put(), 1, 'x'))).toBe(true)
  expect(table.isRaw(table.putObject('key', 1, 1))).toBe(false)
})

test('appending byte by byte moves a record seldom', () => {
  const table = new KeyTableWriter(OPTIONS)
  let ref = table.putString('key', '')
  let moves = 0
  for (let i = 0; i < 40_000; i++) {
    const moved = table.append(ref, String.fromCharCode(97 + (i % 26)))
    if (moved !== ref) moves++
    ref = moved
  }
  expect(moves).toBeLessThan(12)
  expect(table.valueLength(ref)).toBe(40_000)
  expect(table.valueSlice(ref, 39_998, 40_000)).toBe('kl')
  table.checkTable()
})

test('a gap before what is overwritten is zeros, also where something was before', () => {
  const table = new KeyTableWriter(OPTIONS)
  table.remove(table.putString('key', '\xff'.repeat(1500)))
  table.remove(table.putString('long', '\xff'.repeat(30_000)))
  for (const size of [3, 1400, 29_000]) {
    const ref = table.overwrite(table.putString('key', 'ab'), size, 'z')
    expect(table.valueString(ref)).toBe(`ab${'\0'.repeat(size - 2)}z`)
  }
  expect(table.valueLength(table.overwrite(table.putString('key', 'ab'), 100, ''))).toBe(2)
  table.checkTable()
})

test('several changes in one update are one change for readers', () => {
  const table = new KeyTableWriter(OPTIONS)
  const reader = new KeyTableReader(table.directory, (id) => table.segments[id], { spinsMax: 1, napsMax: 0 })
  table.putString('key', 'one')
  const sequences = (): number[] =>
    [...table.stripes.directory.subarray(16, 32)].filter((_, i) => i % 4 === 0)
  const before = sequences()
  table.beginUpdate(table.hashOfKey('key'))
  table.append(table.putString('key', 'two'), '-three')
  table.setExpireAt(table.find('key'), 5)
  table.putString('other key, wherever it is', 'x')
  expect(typeof reader.getString('key', () => 0)).toBe('symbol')
  table.endUpdate()
  expect(reader.getString('key', () => 0)).toBe('two-three')
  const stripe = (table.stripes.stripeOf(table.hashOfKey('key')) - 16) / 4
  expect(sequences()[stripe]).toBe(before[stripe]! + 2)
  expect(() => table.endUpdate()).toThrow('an update ends once')
})

test('keys are found by their hash, and by bytes', () => {
  const table = new KeyTableWriter(OPTIONS)
  const ref = table.putStringBytes(Buffer.from('..key'), 2, 3, Buffer.from('value!'), 0, 5)
  expect(table.findBytes(Buffer.from('a key'), 2, 3)).toBe(ref)
  expect([table.keyOf(ref), table.valueString(ref)]).toEqual(['key', 'value'])
  const found: number[] = []
  table.findByHash(table.hashOf(ref), (each) => found.push(each))
  table.findByHash(table.hashOf(ref) ^ 1, (each) => found.push(each))
  expect(found).toEqual([ref])
})

describe('limits', () => {
  test('a key fits a page, whatever its value is', () => {
    const table = new KeyTableWriter(OPTIONS)
    const key = 'k'.repeat(table.keyBytesMax)
    for (const value of ['', 'abcd', 'abcde', 'x'.repeat(9000)]) {
      expect(table.valueString(table.putString(key, value))).toBe(value)
      expect(table.valueString(table.append(table.find(key), 'yz'))).toBe(`${value}yz`)
      table.putObject(key, 1, 1)
      table.checkTable()
    }
    expect(table.find(`${key}k`)).toBe(0)
    expect(() => table.putString(`${key}k`, '')).toThrow('keyBytesMax')
    expect(new KeyTableWriter().keyBytesMax).toBe(65_496)
  })

  test('a value is as long as one table of chunks, and text, allow', () => {
    const table = new KeyTableWriter({ segmentBytes: 2 ** 16, pageBytes: 1024, stripes: 2 })
    expect(table.valueBytesMax).toBe(128 * 1024)
    const ref = table.putString('key', 'x'.repeat(table.valueBytesMax))
    table.checkTable()
    expect(() => table.append(ref, 'y')).toThrow('VALUE_BYTES_MAX')
    expect(() => table.putString('key', 'x'.repeat(table.valueBytesMax + 1))).toThrow('VALUE_BYTES_MAX')
    expect(table.valueLength(ref)).toBe(table.valueBytesMax)
    table.remove(ref)
    let grown = table.putString('key', '')
    while (table.valueLength(grown) < table.valueBytesMax) grown = table.append(grown, 'z'.repeat(512))
    table.checkTable()
    expect(new KeyTableWriter().valueBytesMax).toBe(VALUE_BYTES_MAX)
  })

  test('numbers are below 2^53, options in their range', () => {
    const table = new KeyTableWriter(OPTIONS)
    const ref = table.putString('key', '')
    for (const wrong of [-2, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => table.setExpireAt(ref, wrong)).toThrow('2^53')
      expect(() => table.putString('key', '', { expireAt: wrong })).toThrow('2^53')
      expect(() => table.putString('new', '', { revision: wrong })).toThrow('2^53')
    }
    expect(() => new KeyTableWriter({ stripes: 1 })).toThrow('stripes')
    table.checkTable()
  })
})

test('an empty stripe costs nothing, a key of 16 bytes with 64 of value less than 135 bytes', () => {
  const table = new KeyTableWriter()
  const empty = table.usedBytes
  expect(empty).toBeLessThan(70_000)
  const keys = 40_000
  for (let i = 0; i < keys; i++) table.putString(`key:${String(i).padStart(12, '0')}`, 'v'.repeat(64))
  expect((table.usedBytes - empty) / keys).toBeLessThan(135)
  expect((table.pagesUsed * 65_536) / keys).toBeLessThan(145)
  table.clear()
  expect([table.count, table.usedBytes, table.find('key:000000000001')]).toEqual([0, empty, 0])
})

/** Collections in one piece: each form that an entry may have, and each way in which it may be wrong. */
import { describe, expect, test } from 'vitest'
import { Intset } from '../../../../src/keyspace/portable/rdb/intset.ts'
import { Listpack } from '../../../../src/keyspace/portable/rdb/listpack.ts'
import type { Fail, TextCursor } from '../../../../src/keyspace/portable/rdb/text-cursor.ts'
import { Ziplist } from '../../../../src/keyspace/portable/rdb/ziplist.ts'
import { Zipmap } from '../../../../src/keyspace/portable/rdb/zipmap.ts'
import { intset, join, listpack, little, ziplist, zipmap } from '../../../support/portable/rdb-file.ts'

type Cursor = new (blob: Uint8Array, fail: Fail) => TextCursor

const NUMBERS = [
  ...[0, 1, 12, 13, 127, 128, -1, -2, -128, -129, 4095, 4096, -4096, -4097, 32767, -32768, 32768],
  ...[2 ** 23 - 1, -(2 ** 23), 2 ** 23, 2 ** 31 - 1, -(2 ** 31), 2 ** 31],
  ...[2n ** 63n - 1n, -(2n ** 63n)],
]
const TEXTS = [
  ...['', 'a', '\xff\x00', 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(253), 'z'.repeat(254)],
  ...['v'.repeat(4095), 'w'.repeat(4096), 'u'.repeat(16378), 't'.repeat(16383), 's'.repeat(16384)],
]

class Damaged {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

const fail: Fail = (reason) => {
  throw new Damaged(reason)
}

function textsOf(Cursor: Cursor, blob: Uint8Array): string[] {
  const cursor = new Cursor(blob, fail)
  const texts: string[] = []
  for (let text = cursor.next(); text !== undefined; text = cursor.next()) texts.push(text)
  expect(cursor.next()).toBeUndefined()
  return texts
}

/** The reason why it is refused. */
function refusal(Cursor: Cursor, blob: Uint8Array): string {
  try {
    return `taken: ${textsOf(Cursor, blob).length}`
  } catch (thrown) {
    if (thrown instanceof Damaged) return thrown.reason
    throw thrown
  }
}

function changed(blob: Uint8Array, changes: Readonly<Record<number, number>>): Uint8Array {
  const copy = Uint8Array.from(blob)
  for (const [at, byte] of Object.entries(changes)) copy[Number(at)] = byte
  return copy
}

const FORMS: readonly (readonly [string, Cursor, Uint8Array, readonly string[]])[] = [
  ['a listpack', Listpack, listpack([...NUMBERS, ...TEXTS]), [...NUMBERS.map(String), ...TEXTS]],
  ['a ziplist', Ziplist, ziplist([...TEXTS, ...NUMBERS]), [...TEXTS, ...NUMBERS.map(String)]],
  [
    'a zipmap',
    Zipmap,
    zipmap(
      [
        ['f', 'v'],
        ['g', 'x'.repeat(254)],
      ],
      3,
    ),
    ['f', 'v', 'g', 'x'.repeat(254)],
  ],
  ['an intset of 2 bytes', Intset, intset([-32768, -1, 0, 32767]), ['-32768', '-1', '0', '32767']],
  ['an intset of 4 bytes', Intset, intset([-32769, 5, 2 ** 31 - 1]), ['-32769', '5', '2147483647']],
  [
    'an intset of 8 bytes',
    Intset,
    intset([-(2n ** 63n), 5, 2n ** 63n - 1n]),
    ['-9223372036854775808', '5', '9223372036854775807'],
  ],
]

describe.each(FORMS)('%s', (_, Cursor, blob, texts) => {
  test('gives its texts in order', () => {
    expect(textsOf(Cursor, blob)).toEqual(texts)
  })

  test('that ends early, or is longer than it says, is refused', () => {
    for (let end = 0; end < blob.length; end += end < 200 ? 1 : 97) {
      expect(refusal(Cursor, blob.subarray(0, end))).not.toMatch(/^taken/)
    }
    expect(refusal(Cursor, join(blob, [0]))).not.toMatch(/^taken/)
  })

  test('gives the same from anywhere in memory', () => {
    const memory = join('before', blob, 'behind')
    expect(textsOf(Cursor, memory.subarray(6, 6 + blob.length))).toEqual(texts)
  })
})

describe('a listpack', () => {
  test('without entries is one', () => {
    expect(textsOf(Listpack, listpack([]))).toEqual([])
  })

  test('of 65535 entries and more does not count them', () => {
    const many = Array.from({ length: 65536 }, (_, n) => n % 100)
    expect(textsOf(Listpack, listpack(many))).toEqual(many.map(String))
  })

  test('that is wrong is refused with the reason', () => {
    const blob = listpack(['abc', 7])
    expect(refusal(Listpack, changed(blob, { 0: 99 }))).toBe(
      'listpack, byte 6 of 14: its header says 99 bytes',
    )
    expect(refusal(Listpack, changed(blob, { 4: 3 }))).toMatch('it has 2 entries, and its header says 3')
    expect(refusal(Listpack, changed(blob, { 10: 5 }))).toMatch(
      'an entry of 4 bytes is followed by a size of 5',
    )
    expect(refusal(Listpack, changed(blob, { 10: 0x84 }))).toMatch(
      'the size behind an entry of 4 bytes is not one',
    )
    expect(refusal(Listpack, changed(blob, { 6: 0xff }))).toMatch('it ends too early')
    for (let first = 0xf5; first < 0xff; first++) {
      expect(refusal(Listpack, changed(blob, { 6: first }))).toMatch(`found byte ${first}, expected an entry`)
    }
    expect(refusal(Listpack, changed(blob, { 6: 0xbf }))).toMatch('63 bytes are missing')
    const huge = join(little(20, 4), little(1, 2), [0xf0], little(2 ** 32 - 1, 4), 'abcdefgh', [0xff])
    expect(refusal(Listpack, huge)).toBe('listpack, byte 11 of 20: 4294967295 bytes are missing')
  })
})

describe('a ziplist', () => {
  test('without entries is one', () => {
    expect(textsOf(Ziplist, ziplist([]))).toEqual([])
  })

  test('may have a size in five bytes that would fit in one', () => {
    const entries = join([0, 1], 'a', [254], little(3, 4), [1], 'b')
    const blob = join(little(11 + entries.length, 4), little(13, 4), little(2, 2), entries, [0xff])
    expect(textsOf(Ziplist, blob)).toEqual(['a', 'b'])
  })

  test('that is wrong is refused with the reason', () => {
    const blob = ziplist(['abc', 7])
    expect(refusal(Ziplist, changed(blob, { 0: 99 }))).toMatch('its header says 99 bytes')
    expect(refusal(Ziplist, changed(blob, { 4: 10 }))).toMatch(
      'its last entry is at 15, and its header says 10',
    )
    expect(refusal(Ziplist, changed(blob, { 8: 1 }))).toMatch('it has 2 entries, and its header says 1')
    expect(refusal(Ziplist, changed(blob, { 15: 4 }))).toMatch(
      'an entry of 5 bytes is followed by a size of 4',
    )
    expect(refusal(Ziplist, changed(blob, { 10: 0xff }))).toMatch('it ends too early')
    for (const first of [0xc1, 0xd1, 0xe1, 0xff]) {
      expect(refusal(Ziplist, changed(blob, { 16: first }))).toMatch(`found byte ${first}, expected an entry`)
    }
    expect(refusal(Ziplist, changed(blob, { 11: 0x3f }))).toMatch('63 bytes are missing')
  })
})

describe('a zipmap', () => {
  test('of 254 fields and more does not count them', () => {
    const fields = Array.from({ length: 300 }, (_, n) => [`f${n}`, `v${n}`] as const)
    expect(textsOf(Zipmap, zipmap(fields))).toEqual(fields.flat())
  })

  test('that is wrong is refused with the reason', () => {
    const blob = zipmap([['f', 'v']])
    expect(refusal(Zipmap, changed(blob, { 0: 2 }))).toMatch('it has 1 fields, and says 2')
    expect(refusal(Zipmap, changed(blob, { 3: 0xff }))).toMatch('a field has no value')
    expect(refusal(Zipmap, changed(blob, { 1: 0xff }))).toMatch('it ends too early')
    expect(refusal(Zipmap, changed(blob, { 4: 9 }))).toMatch('9 bytes are missing')
    expect(refusal(Zipmap, new Uint8Array())).toBe('zipmap, byte 0 of 0: 1 bytes are missing')
  })
})

describe('an intset', () => {
  test('that is wrong is refused with the reason', () => {
    const blob = intset([1, 2, 3])
    expect(refusal(Intset, changed(blob, { 0: 3 }))).toMatch('found numbers of 3 bytes, expected 2, 4 or 8')
    expect(refusal(Intset, changed(blob, { 4: 2 }))).toMatch('its header says 2 numbers of 2 bytes')
    expect(refusal(Intset, changed(blob, { 10: 1 }))).toMatch('found 1 behind 1, expected a larger number')
    expect(refusal(Intset, intset([2n ** 60n, 5]))).toMatch(`found 5 behind ${2n ** 60n}`)
  })
})

/** Every form of a value in an RDB file, made by hand: what it is read as, and what is refused. */
import { describe, expect, test } from 'vitest'
import { PART_BYTES_MAX, PART_MEMBERS_MAX } from '../../../../src/keyspace/portable/portable-entry.ts'
import { ENCODINGS } from '../../../support/portable/encodings.ts'
import { cut, joined, keysOfRdb, plainKeys, readRdb } from '../../../support/portable/entries.ts'
import {
  type Bytes,
  double,
  intset,
  join,
  key,
  length,
  listpack,
  rdbFile,
  scoreText,
  text,
  ziplist,
  zipmap,
} from '../../../support/portable/rdb-file.ts'

async function refusalOf(type: number, ...value: readonly Bytes[]): Promise<string> {
  const { error, entries } = await readRdb([rdbFile(11, [key(type, 'k', ...value)])])
  return error instanceof Error ? error.message : `taken: ${entries.length}`
}

describe('a file with', () => {
  test.each(ENCODINGS)('$name', async ({ type, bytes, value }) => {
    const file = rdbFile(11, [key(type, 'k\xff', bytes), key(0, 'behind', text('it'))])
    const expected = [
      { db: 0, key: 'k\xff', expireAt: 0, value },
      { db: 0, key: 'behind', expireAt: 0, value: { type: 'string', text: 'it' } as const },
    ]
    const found = await keysOfRdb(file)
    expect(plainKeys(found)).toEqual(plainKeys(expected))
    // Lists, and what comes of them, are in order.
    if (value.type === 'list') expect(found[0]!.value).toEqual(value)
  })

  test('a collection without members has no key, which is reported', async () => {
    const empties: readonly (readonly [number, string, Uint8Array])[] = [
      [1, 'list', length(0)],
      [2, 'set', length(0)],
      [3, 'zset', length(0)],
      [4, 'hash', length(0)],
      [9, 'hash', text(zipmap([]))],
      [10, 'list', text(ziplist([]))],
      [11, 'set', text(intset([]))],
      [14, 'list', join(length(2), text(ziplist([])), text(ziplist([])))],
      [17, 'zset', text(listpack([]))],
      [18, 'list', join(length(1), length(2), text(listpack([])))],
    ]
    for (const [type, name, value] of empties) {
      const file = rdbFile(11, [key(type, 'k', value), key(0, 'behind', text('it'))])
      const { entries, skipped, summary } = await readRdb([file])
      expect([type, entries.map((entry) => entry.key)]).toEqual([type, ['behind']])
      expect(skipped).toEqual([{ kind: 'empty', db: 0, key: 'k', name }])
      expect(summary).toMatchObject({ keys: 1, skipped: 1, isWhole: true })
    }
  })

  test('a node of a list that is empty goes on behind it', async () => {
    const file = rdbFile(11, [
      key(14, 'l', join(length(3), text(ziplist([])), text(ziplist(['a'])), text(ziplist([])))),
    ])
    expect((await keysOfRdb(file))[0]!.value).toEqual({ type: 'list', elements: ['a'] })
  })
})

describe('a large collection', () => {
  const names = Array.from({ length: 3000 }, (_, n) => `member ${n}`)
  const forms: readonly (readonly [string, number, Uint8Array])[] = [
    ['list', 1, join(length(3000), ...names.map((name) => text(name)))],
    ['list', 10, text(ziplist(names))],
    ['list', 14, join(length(30), ...cutNames(100).map((some) => text(ziplist(some))))],
    ['list', 18, join(length(6), ...cutNames(500).flatMap((some) => [length(2), text(listpack(some))]))],
    ['set', 2, join(length(3000), ...names.map((name) => text(name)))],
    ['hash', 16, text(listpack(names.flatMap((name, n) => [name, n])))],
    ['zset', 5, join(length(3000), ...names.flatMap((name, n) => [text(name), double(n / 8)]))],
  ]

  function cutNames(size: number): string[][] {
    return Array.from({ length: names.length / size }, (_, n) => names.slice(n * size, (n + 1) * size))
  }

  test.each(forms)('of type %s in form %i comes in parts of bounded size', async (type, form, value) => {
    const file = rdbFile(11, [key(form, 'k', value)])
    const { entries, error } = await readRdb(cut(file, 1000))
    expect(error).toBeUndefined()
    expect(entries.map(({ part, isLast }) => [part, isLast])).toEqual(
      [0, 1, 2, 3, 4, 5].map((part) => [part, part === 5]),
    )
    for (const entry of entries) {
      expect(entry).toMatchObject({ key: 'k', db: 0, expireAt: 0, value: { type } })
      const found = Object.values(entry.value).find((value) => Array.isArray(value)) as string[]
      expect(found).toHaveLength(entry.isLast ? 3000 - 5 * PART_MEMBERS_MAX : PART_MEMBERS_MAX)
    }
    const { value: whole } = joined(entries)[0]!
    if (whole.type === 'string') throw new Error('a string has no members')
    const { type: kind } = whole
    const members = kind === 'list' ? whole.elements : kind === 'hash' ? whole.fields : whole.members
    expect(members).toEqual(names)
    if (whole.type === 'hash') expect(whole.values).toEqual(names.map((_, n) => String(n)))
    if (whole.type === 'zset') expect(whole.scores).toEqual(names.map((_, n) => n / 8))
  })

  test('of few, long members is cut by their bytes', async () => {
    const members = Array.from({ length: 10 }, (_, n) => String(n).repeat(50_000))
    const file = rdbFile(11, [key(2, 's', join(length(10), ...members.map((member) => text(member))))])
    const { entries } = await readRdb([file])
    for (const { value, isLast } of entries) {
      if (value.type !== 'set') throw new Error(value.type)
      const bytes = value.members.join('').length
      expect(bytes).toBeLessThan(PART_BYTES_MAX + 50_000)
      if (!isLast) expect(bytes).toBeGreaterThanOrEqual(PART_BYTES_MAX)
    }
    expect(joined(entries)[0]!.value).toEqual({ type: 'set', members, times: undefined })
  })
})

describe('a value that is wrong is refused:', () => {
  test('fields without a value', async () => {
    expect(await refusalOf(16, text(listpack(['f'])))).toMatch('it has an odd number of entries')
    expect(await refusalOf(13, text(ziplist(['f', 'v', 'g'])))).toMatch('it has an odd number of entries')
  })

  test('scores that are no numbers', async () => {
    expect(await refusalOf(17, text(listpack(['m', 'x'])))).toMatch('found "x", expected a score')
    expect(await refusalOf(17, text(listpack(['m', ''])))).toMatch('found "", expected a score')
    expect(await refusalOf(12, text(ziplist(['m', 'nan'])))).toMatch('found "nan", expected a score')
    expect(await refusalOf(3, length(1), text('m'), [253])).toMatch('found "nan", expected a score')
    expect(await refusalOf(3, length(1), text('m'), scoreText('1.5x'))).toMatch(
      'found "1.5x", expected a score',
    )
    expect(await refusalOf(3, length(1), text('m'), [0])).toMatch('found "", expected a score')
    expect(await refusalOf(5, length(1), text('m'), double(Number.NaN))).toMatch(
      'found no number, expected a score',
    )
  })

  test('nodes of an unknown kind', async () => {
    expect(await refusalOf(18, length(1), length(3), text('x'))).toMatch('found a list node of kind 3')
  })

  test('a piece that is no string', async () => {
    expect(await refusalOf(16, [0xc0, 5])).toMatch('an integer where bytes were expected')
    expect(await refusalOf(16, text('short'))).toMatch('listpack, byte 0 of 5: 6 bytes are missing')
  })

  test('and the error tells where the value begins', async () => {
    // "REDIS0011", type, "k" with its length: the listpack begins at 12.
    expect(await refusalOf(16, text(listpack(['f'])))).toMatch(
      'source=test.rdb offset=12: listpack, byte 9 of 10',
    )
  })
})

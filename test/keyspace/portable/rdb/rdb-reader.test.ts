/** RDB files: what stands around the values, where errors are seen, and what a reading gives before. */
import { readFileSync } from 'node:fs'
import { join as joinPath } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../../src/base/index.ts'
import { RdbReader } from '../../../../src/keyspace/portable/index.ts'
import { COLLECTION_FORMS } from '../../../../src/keyspace/portable/rdb/rdb-members.ts'
import { STREAM_SHAPES } from '../../../../src/keyspace/portable/rdb/rdb-skip.ts'
import { keysOfRdb, readRdb } from '../../../support/portable/entries.ts'
import {
  type Bytes,
  big,
  join,
  key,
  length,
  little,
  rdbFile,
  text,
} from '../../../support/portable/rdb-file.ts'

const PAGE = readFileSync(joinPath(import.meta.dirname, '../../../../docs/formats/rdb.md'), 'utf8')
const K = key(0, 'k', text('v'))

/** The details of the error that ends a reading. */
async function refusalOf(file: Uint8Array): Promise<unknown> {
  const { error } = await readRdb([file])
  if (!(error instanceof ShardloomError)) return error
  expect(error.code).toBe('SHL_IMPORT_INVALID')
  return error.details
}

function refusal(offset: number, reason: unknown): unknown {
  return { source: 'test.rdb', offset, reason }
}

async function timesOf(...content: readonly Bytes[]): Promise<readonly number[]> {
  return (await keysOfRdb(rdbFile(11, content))).map(({ expireAt }) => expireAt)
}

describe('the page of the format', () => {
  test('shows a file that is read as it says', async () => {
    const [, dump = ''] = /^```text\n(52 45 .*?)^```/ms.exec(PAGE) ?? []
    const hex = dump.split('\n').map((line) => /^ *((?:[\da-f]{2} ?)+)/.exec(line)?.[1] ?? '')
    const file = Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
    const { summary, error } = await readRdb([file])
    expect(error).toBeUndefined()
    expect(summary).toMatchObject({ version: 11, redisVersion: '7.2.4', isWhole: true, hasChecksum: false })
    expect(await keysOfRdb(file)).toEqual([
      { db: 0, key: 'k', expireAt: Date.UTC(2030, 0, 1), value: { type: 'string', text: 'Ada' } },
      { db: 0, key: 's', expireAt: 0, value: { type: 'set', members: ['-7', '300'], times: undefined } },
    ])
  })

  test('lists the types that are read, and as what', () => {
    const rows = [...PAGE.matchAll(/^\| ([\d, ]+) \| .* \| (.*) \|$/gm)]
    const listed = rows.flatMap(([, numbers = '', readAs]) =>
      numbers.split(',').map((n) => [Number(n), readAs]),
    )
    const forms = [...COLLECTION_FORMS].map(([n, { type }]) => [n, type === 'zset' ? 'sorted set' : type])
    const others = [
      ...[
        [0, 'string'],
        [6, 'an error'],
        [7, 'left out, reported as `module`'],
      ],
      ...[...STREAM_SHAPES.keys()].map((n) => [n, 'left out, reported as `stream`']),
    ]
    expect(new Map(listed as [number, string][])).toEqual(
      new Map([...forms, ...others] as [number, string][]),
    )
  })
})

describe('a file', () => {
  test('of every version up to 11 is read', async () => {
    for (let version = 1; version <= 11; version++) {
      const { entries, summary, error } = await readRdb([rdbFile(version, [K])])
      expect(error).toBeUndefined()
      expect(entries).toEqual([
        { db: 0, key: 'k', expireAt: 0, part: 0, isLast: true, value: { type: 'string', text: 'v' } },
      ])
      expect(summary).toMatchObject({ version, keys: 1, isWhole: true, hasChecksum: version >= 5 })
    }
  })

  test('of another version, or of another kind, is refused', async () => {
    const expected = 'expected 1 to 11 (Redis 7.2)'
    expect(await refusalOf(rdbFile(12, [K]))).toEqual(refusal(5, `found version "0012", ${expected}`))
    expect(await refusalOf(rdbFile(0, [K]))).toEqual(refusal(5, `found version "0000", ${expected}`))
    expect(await refusalOf(join('REDIS 011', K))).toEqual(refusal(5, `found version " 011", ${expected}`))
    expect(await refusalOf(join('VALKEY080'))).toEqual(
      refusal(0, 'found no RDB file, expected it to begin with REDIS'),
    )
  })

  test('that is cut off gives what was there, then says where it ends', async () => {
    const { entries, error, summary } = await readRdb([join('REDIS0011', K, K.subarray(0, 3))])
    expect(entries).toHaveLength(1)
    expect(error).toMatchObject({ details: refusal(17, 'the file ends here, expected more of it') })
    expect(summary.isWhole).toBe(false)
    expect(await refusalOf(new Uint8Array())).toEqual(refusal(0, 'the file ends here, expected more of it'))
    // Without the end mark it is not known to be whole.
    expect(await refusalOf(join('REDIS0003', K))).toMatchObject({ offset: 14 })
  })

  test('with a wrong checksum gives its keys, and is refused', async () => {
    const file = rdbFile(11, [K], 'wrong')
    const { entries, error, summary } = await readRdb([file])
    expect(entries).toHaveLength(1)
    expect(error).toMatchObject({
      details: refusal(
        file.length - 8,
        expect.stringMatching(/^found checksum [\da-f]{16}, expected [\da-f]{16}: /),
      ),
    })
    expect(summary.isWhole).toBe(false)
  })

  test('without a checksum says so', async () => {
    const { summary, error } = await readRdb([rdbFile(11, [K], 'none')])
    expect(error).toBeUndefined()
    expect(summary).toMatchObject({ isWhole: true, hasChecksum: false })
  })

  test('that goes on behind its end is refused: it begins an append-only file', async () => {
    for (const version of [4, 11]) {
      const file = rdbFile(version, [K])
      for (const chunks of [[join(file, '*1\r\n')], [file, join('*')]]) {
        const { entries, error } = await readRdb(chunks)
        expect(entries).toHaveLength(1)
        expect(error).toMatchObject({
          details: { offset: file.length, reason: expect.stringMatching('append-only') },
        })
      }
    }
  })

  test('of many keys comes in batches', async () => {
    const many = Array.from({ length: 1000 }, (_, n) => key(0, `key ${n}`, text('v')))
    const sizes: number[] = []
    for await (const batch of new RdbReader({ source: 'f' }).read([rdbFile(11, many)]))
      sizes.push(batch.length)
    expect(sizes).toEqual([256, 256, 256, 232])
    const large = Array.from({ length: 10 }, (_, n) => key(0, `key ${n}`, text('v'.repeat(50_000))))
    sizes.length = 0
    for await (const batch of new RdbReader({ source: 'f' }).read([rdbFile(11, large)]))
      sizes.push(batch.length)
    expect(sizes).toEqual([3, 3, 3, 1])
  })

  test('is not read further than it is asked for', async () => {
    let given = 0
    function* chunks(): Generator<Uint8Array> {
      yield join('REDIS0011')
      for (; given < 100; given++) yield join(...Array(256).fill(K))
    }
    for await (const batch of new RdbReader({ source: 'f' }).read(chunks())) {
      expect(batch).toHaveLength(256)
      if (given === 3) break
      expect(given).toBeLessThan(3)
    }
    expect(given).toBe(3)
  })
})

describe('what stands before a key:', () => {
  test('its time, in seconds or milliseconds, is that of one key', async () => {
    expect(await timesOf([252], little(1_700_000_000_123, 8), K, K)).toEqual([1_700_000_000_123, 0])
    expect(await timesOf([253], little(1_700_000_000, 4), K, K)).toEqual([1_700_000_000_000, 0])
    expect(await timesOf([252], little(5, 8), key(1, 'l', length(1), text('e')), K)).toEqual([5, 0])
  })

  test('a time that is not after 1970 has passed, and one that is too far is held at the end', async () => {
    expect(await timesOf([252], little(0, 8), K, [252], little(-2, 8), K)).toEqual([1, 1])
    expect(await timesOf([253], little(-1, 4), K)).toEqual([1])
    expect(await timesOf([252], little(-1, 8), K)).toEqual([0])
    expect(await timesOf([252], little(2n ** 62n, 8), K)).toEqual([Number.MAX_SAFE_INTEGER])
  })

  test('how it was used is left out', async () => {
    expect(await timesOf([248], length(3600), [252], little(7, 8), [249, 255], K)).toEqual([7])
    // A byte of FREQ that would be a type is none.
    expect(await timesOf([249, 0], K)).toEqual([0])
  })

  test('its database', async () => {
    const file = rdbFile(11, [K, [254, 5], K, [251], length(1), length(0), K, [254], length(70_000), K])
    expect((await keysOfRdb(file)).map(({ db }) => db)).toEqual([0, 5, 5, 70_000])
    expect(await refusalOf(rdbFile(11, [[254], length(2 ** 31)]))).toMatchObject({ offset: 9 })
  })

  test('facts about the file, of which the version of Redis is kept', async () => {
    const facts = [
      ...[[250], text('redis-ver'), text('7.2.4'), [250], text('redis-bits'), [0xc0, 64]],
      ...[[244], length(5), length(2 ** 40), length(0)],
    ]
    const { summary } = await readRdb([rdbFile(11, [...facts, K])])
    expect(summary).toMatchObject({ keys: 1, redisVersion: '7.2.4' })
    const long = await readRdb([rdbFile(11, [[250], text('redis-ver'), text('x'.repeat(1000)), K])])
    expect(long.summary.redisVersion).toBe('x'.repeat(64))
  })
})

describe('a file is refused, with the place, that has', () => {
  const places: readonly (readonly [string, readonly Bytes[], number, string])[] = [
    ['a type that there is not', [[8], text('k')], 14, 'found type 8, expected one of version 11'],
    ['a type of a later version', [[22], text('k')], 14, 'found type 22, expected one of version 11'],
    ['a type that is next to the attributes', [[243]], 14, 'found type 243, expected one of version 11'],
    ['a module of the oldest form', [[6], text('k')], 14, 'found a module of a form that no release wrote'],
    [
      'a function of the oldest form',
      [[246], text('k')],
      14,
      'found a function of a form that no release wrote',
    ],
    ['a length that is none', [[254, 0xc5]], 16, 'found byte 197, expected a length'],
    ['module data of no kind', [[247], length(5), length(1)], 16, 'found 1, expected 2'],
    ['a string that is too long', [[0], [0x80], big(2 ** 29, 4)], 20, 'found a string of 536870912 bytes'],
    ['a key that is no string', [[0, 0xc7]], 16, 'found byte 199, expected a string'],
  ]

  test.each(places)('%s', async (_, content, offset, reason) => {
    const { entries, error } = await readRdb([rdbFile(11, [K, ...content])])
    expect(entries).toHaveLength(1)
    expect(error).toMatchObject({ details: refusal(offset, expect.stringContaining(reason)) })
  })
})

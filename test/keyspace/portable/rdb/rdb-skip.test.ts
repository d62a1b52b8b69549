/** What cannot be held is walked over, in whatever pieces it comes: streams, modules, functions. */
import { describe, expect, test } from 'vitest'
import { KEY_BYTES_MAX } from '../../../../src/keyspace/engine/index.ts'
import { makeEngine } from '../../../support/engine.ts'
import { joined, readRdb } from '../../../support/portable/entries.ts'
import {
  type Bytes,
  double,
  integer,
  join,
  key,
  length,
  listpack,
  little,
  packed,
  rdbFile,
  text,
} from '../../../support/portable/rdb-file.ts'

const ID = 'sixteen bytes id'
const TIME = little(1_700_000_000_000, 8)
const BEHIND = key(0, 'behind', text('it'))

/** A stream with two nodes, two groups, entries that wait, and consumers; of forms 15, 19 and 21. */
function stream(form: 15 | 19 | 21): Buffer {
  const isSecond = form >= 19
  const active = form === 21 ? [TIME] : []
  const consumer = (name: string, ids: number): Bytes[] => [
    ...[text(name), TIME, ...active, length(ids)],
    ...Array(ids).fill(ID),
  ]
  const group = (name: string, pending: number, ...consumers: readonly Bytes[][]): Bytes[] => [
    ...[text(name), length(1_700_000_000_000), length(5), ...(isSecond ? [length(7)] : [])],
    ...[length(pending), ...Array(pending).fill(join(ID, TIME, length(300)))],
    ...[length(consumers.length), ...consumers.flat()],
  ]
  return join(
    ...[length(2), text(ID), text(listpack(['entry', 1])), text(ID), packed(listpack(['x'.repeat(200)]))],
    ...[length(20_000), length(2n ** 63n), length(1)],
    ...(isSecond ? [length(1), length(2), length(3), length(4), length(2n ** 64n - 1n)] : []),
    ...[length(3), ...group('none', 0)],
    ...group('some', 3, consumer('alice', 2), consumer('bob', 1), consumer('idle', 0)),
    ...group('waiting', 70, consumer('carol', 70)),
  )
}

/** Everything that a module may write. */
const MODULE_VALUE = join(
  ...[length(1), length(2n ** 63n)],
  ...[length(2), length(7)],
  ...[length(3), little(0, 4)],
  ...[length(4), double(1.5)],
  ...[
    length(5),
    text('a string of the module'),
    length(5),
    packed('another'.repeat(9)),
    length(5),
    integer(5),
  ],
  length(0),
)

/** "ReJSON-RL", version 3, as a module's id. */
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const MODULE_ID =
  ([...'ReJSON-RL'].reduce((id, letter) => (id << 6n) | BigInt(LETTERS.indexOf(letter)), 0n) << 10n) | 3n

const SKIPPED: readonly (readonly [string, readonly Bytes[], object])[] = [
  ['a stream of form 15', [key(15, 'k', stream(15))], { kind: 'stream', key: 'k', name: '' }],
  ['a stream of form 19', [key(19, 'k', stream(19))], { kind: 'stream', key: 'k', name: '' }],
  ['a stream of form 21', [key(21, 'k', stream(21))], { kind: 'stream', key: 'k', name: '' }],
  [
    'a value of a module',
    [key(7, 'k', length(MODULE_ID), MODULE_VALUE)],
    { kind: 'module', key: 'k', name: 'ReJSON-RL' },
  ],
  [
    'what a module keeps besides keys',
    [[247], length(MODULE_ID), length(2), length(1), MODULE_VALUE],
    { kind: 'module data', key: '', name: 'ReJSON-RL' },
  ],
  ['a function', [[245], text('#!lua name=lib\n')], { kind: 'function', key: '', name: '' }],
  [
    'a key that is too long, of a collection',
    [key(1, 'x'.repeat(KEY_BYTES_MAX + 1), join(length(2000), ...Array(2000).fill(text('e'))))],
    { kind: 'key', key: 'x'.repeat(100), name: 'list', keyBytes: 65_497 },
  ],
  [
    'a key that is too long, of a string',
    [key(0, 'x'.repeat(KEY_BYTES_MAX + 1), text('v'))],
    { kind: 'key', key: 'x'.repeat(100), name: 'string', keyBytes: 65_497 },
  ],
]

describe('a file is read on behind', () => {
  test.each(SKIPPED)('%s', async (_, content, expected) => {
    const file = rdbFile(11, [[254, 3], key(0, 'before', text('it')), ...content, BEHIND])
    for (const size of [1, 7, 64, file.length]) {
      const { entries, skipped, error, summary } = await readRdb(chunksOf(file, size))
      expect(error).toBeUndefined()
      expect(joined(entries).map((found) => found.key)).toEqual(['before', 'behind'])
      expect(skipped).toEqual([{ db: 3, ...expected }])
      expect(summary).toMatchObject({ keys: 2, skipped: 1, isWhole: true, bytes: file.length })
    }
  })

  test('the time of what was left out is not that of the next key', async () => {
    for (const content of [key(15, 'k', stream(15)), key(7, 'k', length(MODULE_ID), length(0))]) {
      const file = rdbFile(11, [[252], little(5, 8), content, BEHIND])
      const { entries } = await readRdb([file])
      expect(entries.map((entry) => entry.expireAt)).toEqual([0])
    }
  })

  test('a string of any size, without keeping it', async () => {
    const size = 300 * 1024 * 1024
    const chunk = new Uint8Array(1024 * 1024)
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield join('REDIS0011', [245], length(size))
      for (let left = size; left > 0; left -= chunk.length) yield chunk
      yield join(BEHIND, [255], little(0, 8))
    }
    const before = process.memoryUsage().arrayBuffers
    const { entries, error } = await readRdb(chunks())
    expect(error).toBeUndefined()
    expect(entries).toHaveLength(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
  })
})

describe('what is walked over is refused', () => {
  test('when a module has written something that there is not', async () => {
    const { error } = await readRdb([rdbFile(11, [key(7, 'k', length(MODULE_ID), length(6))])])
    expect(error).toMatchObject({ details: { reason: 'found 6 in what a module wrote, expected 0 to 5' } })
  })

  test('when it says that it has more than the file has', async () => {
    const huge = [length(2n ** 64n - 1n), length(2 ** 40)]
    for (const count of huge) {
      const { error } = await readRdb([rdbFile(11, [key(15, 'k', count, stream(15))])])
      expect(error).toMatchObject({ code: 'SHL_IMPORT_INVALID' })
    }
  })
})

function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  )
}

test('what an engine takes as a key, and no longer one, is given out', async () => {
  const names = [KEY_BYTES_MAX, KEY_BYTES_MAX + 1, 65_536].map((bytes) => 'k'.repeat(bytes))
  const world = makeEngine()
  const taken = names.filter((name) => world.ask('SET', name, 'v') === 'OK')
  expect(taken.map(({ length: bytes }) => bytes)).toEqual([65_496])
  const { entries, skipped } = await readRdb([
    rdbFile(
      11,
      names.map((name) => key(0, name, text('v'))),
    ),
  ])
  expect(entries.map((entry) => entry.key)).toEqual(taken)
  expect(skipped.map(({ keyBytes }) => keyBytes)).toEqual([65_497, 65_536])
})

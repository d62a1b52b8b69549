/** What shards are told of parameters. */
import { expect, test } from 'vitest'
import { firstShardChange, shardChangeOf } from '../../../src/server/commands/shard-parameters.ts'
import { ParameterStore } from '../../../src/server/parameters/index.ts'

function change(pairs: Readonly<Record<string, string>>, shards = 4) {
  const store = ParameterStore.of({})
  const entries = Object.entries(pairs)
  expect(store.set(entries)).toBeUndefined()
  return shardChangeOf(
    store,
    entries.map(([name]) => name),
    shards,
  )
}

test('each gets its part of the memory, and none nothing', () => {
  expect(change({ maxmemory: '1000' })).toEqual({ maxBytes: 250, limits: {} })
  expect(change({ maxmemory: '2' })).toMatchObject({ maxBytes: 1 })
  expect(change({ maxmemory: '0' })).toMatchObject({ maxBytes: 0 })
})

test('sizes are told in their own words, by any of their names', () => {
  const given = {
    'hash-max-listpack-entries': '1',
    'hash-max-listpack-value': '2',
    'set-max-intset-entries': '3',
    'set-max-listpack-entries': '4',
    'set-max-listpack-value': '5',
    'zset-max-listpack-entries': '6',
    'zset-max-listpack-value': '7',
  }
  expect(change(given)?.limits).toEqual({
    hashListpackEntries: 1,
    hashListpackValueBytes: 2,
    setIntsetEntries: 3,
    setListpackEntries: 4,
    setListpackValueBytes: 5,
    zsetListpackEntries: 6,
    zsetListpackValueBytes: 7,
  })
})

test.each([
  ['-1', 4096, undefined],
  ['-2', 8192, undefined],
  ['-5', 65_536, undefined],
  ['-9', 65_536, undefined],
  ['7', 8192, 7],
  ['0', 8192, 1],
])('list-max-listpack-size %s', (size, listListpackBytes, entries) => {
  const listListpackEntries = entries ?? Number.MAX_SAFE_INTEGER
  expect(change({ 'list-max-listpack-size': size })?.limits).toEqual({
    listListpackBytes,
    listListpackEntries,
  })
})

test('events are told in one order', () => {
  expect(change({ 'notify-keyspace-events': 'KnmE$' })).toMatchObject({ notifyKeyspaceEvents: '$KEmn' })
})

test('what concerns no shard is not told, and what was given at the start is', () => {
  expect(change({ timeout: '5' })).toBeUndefined()
  expect(firstShardChange(ParameterStore.of({ timeout: 5 }), 2)).toBeUndefined()
  const store = ParameterStore.of({ maxMemory: 100, maxMemoryPolicy: 'allkeys-lru' })
  expect(firstShardChange(store, 2)).toEqual({ maxBytes: 50, policy: 'allkeys-lru', limits: {} })
})

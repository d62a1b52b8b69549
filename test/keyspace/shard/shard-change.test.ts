/** What may be changed of a shard while it runs. */
import { describe, expect, test } from 'vitest'
import { changeShard } from '../../../src/keyspace/shard/change-shard.ts'
import { changedSettings } from '../../../src/keyspace/shard/shard-change.ts'
import { makeShard, SHARD_SETTINGS } from '../../support/durable-shard.ts'
import { plain } from '../../support/engine.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function lab() {
  const clock = new ManualClock()
  const shard = makeShard({ sliceMs: 1 }, clock)
  const ask = (...argv: string[]) => plain(shard.engine.execute(shard.callerOf(0), argv) as never)
  return { shard, clock, ask }
}

describe('a change', () => {
  test('of the ceiling and the policy holds from the next command on', () => {
    const { shard, ask } = lab()
    ask('SET', 'a', 'x'.repeat(1000))
    changeShard(shard, { maxBytes: 1 })
    expect(ask('SET', 'b', '1')).toMatch(/^\(error\) OOM/)
    changeShard(shard, { maxBytes: shard.engine.usedBytes() - 1, policy: 'allkeys-random', samples: 3 })
    expect(ask('SET', 'b', '1')).toBe('OK')
    expect(shard.engine.stats.evictedKeys).toBeGreaterThan(0)
    changeShard(shard, { maxBytes: 0 })
    expect(ask('SET', 'a', 'x'.repeat(5000))).toBe('OK')
  })

  test('of sizes holds for what is made from then on', () => {
    const { shard, ask } = lab()
    ask('HSET', 'before', 'a', '1', 'b', '2')
    changeShard(shard, { limits: { hashListpackEntries: 2, listListpackEntries: 3 } })
    ask('HSET', 'before', 'c', '3', 'd', '4')
    ask('HSET', 'after', 'a', '1', 'b', '2', 'c', '3')
    expect(ask('OBJECT', 'ENCODING', 'before')).toBe('listpack')
    expect(ask('OBJECT', 'ENCODING', 'after')).toBe('hashtable')
    ask('RPUSH', 'l', '1', '2', '3')
    expect(ask('OBJECT', 'ENCODING', 'l')).toBe('listpack')
    ask('RPUSH', 'l', '4')
    expect(ask('OBJECT', 'ENCODING', 'l')).toBe('quicklist')
    ask('SADD', 's', ...Array.from({ length: 129 }, (_, i) => `m${i}`))
    expect(ask('OBJECT', 'ENCODING', 's')).toBe('hashtable')
    expect(SHARD_SETTINGS.limits).toBeUndefined()
  })

  test('of notifications holds for those who listen already', async () => {
    const { shard, ask } = lab()
    const { pubsub } = shard.listeners
    const end = new AbortController()
    const request = { kind: 'patterns', names: ['__key*'], bufferMax: 100 } as never
    const stream = pubsub.subscribe(request, end.signal)
    expect(await stream.next()).toMatchObject({ value: { type: 'open' } })
    ask('SET', 'k', '1')
    changeShard(shard, { notifyKeyspaceEvents: 'E$' })
    ask('SET', 'k', '2')
    changeShard(shard, { notifyKeyspaceEvents: '' })
    ask('SET', 'k', '3')
    const { value } = await stream.next()
    const { messages } = value as { readonly messages: readonly { readonly channel: string }[] }
    expect(messages.map(({ channel }) => channel)).toEqual(['__keyevent@0__:set'])
    end.abort()
  })

  test('keeps what has expired until somebody looks', () => {
    const { shard, clock, ask } = lab()
    changeShard(shard, { expiresActively: false })
    ask('SET', 'a', '1', 'PX', '10')
    ask('SET', 'b', '1', 'PX', '10')
    shard.afterCommands()
    clock.advance(1000)
    expect(ask('DBSIZE')).toBe(2)
    expect(ask('GET', 'a')).toBe(null)
    expect(ask('DBSIZE')).toBe(1)
    changeShard(shard, { expiresActively: true })
    clock.advance(1000)
    expect(ask('DBSIZE')).toBe(0)
  })

  test('begins counters anew, but not those of snapshots', () => {
    const { shard, ask } = lab()
    ask('SET', 'a', '1')
    ask('GET', 'a')
    const { stats } = shard.engine
    expect(stats).toMatchObject({ commands: 2, keyHits: 1, changes: 1 })
    changeShard(shard, { resetsStats: true })
    expect(stats).toMatchObject({ commands: 0, keyHits: 0, changes: 1 })
  })

  test('leaves alone what it does not name', () => {
    const { shard } = lab()
    const before = { ...shard.engine.memory }
    changeShard(shard, {})
    expect(shard.engine.memory).toEqual(before)
    changeShard(shard, { lfuLogFactor: 3, lfuDecayMinutes: 0 })
    expect(shard.engine.memory).toEqual({ ...before, lfuLogFactor: 3, lfuDecayMinutes: 0 })
  })
})

test('a shard that is started again has what was changed', () => {
  const once = changedSettings(SHARD_SETTINGS, { maxBytes: 5, limits: { hashListpackEntries: 1 } })
  const twice = changedSettings(once, { policy: 'allkeys-lru', limits: { listListpackBytes: 9 } })
  const thrice = changedSettings(changedSettings(twice, { lfuLogFactor: 3 }), { expiresActively: false })
  expect(twice).toEqual({
    ...SHARD_SETTINGS,
    maxBytes: 5,
    policy: 'allkeys-lru',
    limits: { hashListpackEntries: 1, listListpackBytes: 9 },
    memory: {},
  })
  expect(thrice).toEqual({ ...twice, memory: { lfuLogFactor: 3, expiresActively: false } })
})

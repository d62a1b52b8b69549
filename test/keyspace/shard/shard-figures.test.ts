/** What a shard tells of itself. */
import { describe, expect, test } from 'vitest'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { figuresOf, keysInSlot } from '../../../src/keyspace/shard/shard-inspection.ts'
import { makeShard, openShard, turns } from '../../support/durable-shard.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function run(shard: ReturnType<typeof makeShard>, db: number, ...argv: string[]): void {
  shard.engine.execute(shard.callerOf(db), argv)
}

describe('figures', () => {
  test('are told per database, with a guess of the time to live', () => {
    const shard = makeShard()
    for (let i = 0; i < 50; i++) run(shard, 0, 'SET', `k${i}`, 'v', 'PX', String(10_000 + i))
    run(shard, 0, 'SET', 'lives', 'v')
    run(shard, 3, 'HSET', 'h', 'f', 'v')
    const { databases, stats, changes, log } = figuresOf(shard)
    expect(databases).toMatchObject([
      { db: 0, keys: 51, volatileKeys: 50 },
      { db: 3, keys: 1, volatileKeys: 0, averageTtlMs: 0 },
    ])
    expect(databases[0]!.averageTtlMs).toBeGreaterThanOrEqual(10_000)
    expect(databases[0]!.averageTtlMs).toBeLessThanOrEqual(10_050)
    expect(stats.keys).toBe(52)
    expect(changes).toBe(52)
    expect(log).toBeUndefined()
  })

  test('count channels at home here, and not those of keys that are heard everywhere', async () => {
    const shard = makeShard()
    const end = new AbortController()
    const { pubsub } = shard.listeners
    const names = ['a', 'b', '__keyevent@0__:set']
    const streams = [
      pubsub.subscribe({ kind: 'channels', names, bufferMax: 9 } as never, end.signal),
      pubsub.subscribe({ kind: 'patterns', names: ['x*'], bufferMax: 9 } as never, end.signal),
      pubsub.subscribe({ kind: 'sharded', names: ['s'], bufferMax: 9 } as never, end.signal),
    ]
    await Promise.all(streams.map((stream) => stream.next()))
    expect(figuresOf(shard)).toMatchObject({ channels: 3, patterns: 1, shardedChannels: 1 })
    await Promise.all(streams.map((stream) => stream.return()))
    expect(figuresOf(shard)).toMatchObject({ channels: 0, patterns: 0, shardedChannels: 0 })
  })

  test('of a log say what is where, and what the last snapshot has', async () => {
    const { shard, clock, disk } = await openShard()
    run(shard, 0, 'SET', 'a', '1')
    run(shard, 0, 'SET', 'b', '1')
    expect(figuresOf(shard)).toMatchObject({
      changes: 2,
      log: { level: 'os', snapshots: 0, snapshotMs: -1, isSnapshotting: false, failure: undefined },
    })
    const { log } = figuresOf(shard)
    expect(log!.synced).toBeLessThan(log!.appended)
    expect(shard.durability.synced()).toBeInstanceOf(Promise)
    const made = shard.durability.snapshot()
    expect(figuresOf(shard).log!.isSnapshotting).toBe(true)
    for (let i = 0; i < 50; i++) await turns(clock)
    await made
    expect(figuresOf(shard)).toMatchObject({ changes: 0, log: { snapshots: 1, snapshotHasFailed: false } })
    expect(figuresOf(shard).log!.snapshotWallMs).toBe(clock.wallMs())
    expect(shard.durability.synced()).toBeUndefined()
    run(shard, 0, 'DEL', 'a')
    expect(figuresOf(shard).changes).toBe(1)
    await shard.close()
    const again = await openShard(disk)
    expect(figuresOf(again.shard)).toMatchObject({ changes: 0, stats: { keys: 1 } })
    await again.shard.close()
  })
})

describe('the keys of a slot', () => {
  test('are counted and listed in slices', async () => {
    const clock = new ManualClock()
    const shard = makeShard({}, clock)
    const keys = Array.from({ length: 40 }, (_, i) => `{tag}${i}`)
    for (const key of keys) run(shard, 0, 'SET', key, 'v')
    for (let i = 0; i < 2000; i++) run(shard, 0, 'SET', `other${i}`, 'v')
    run(shard, 1, 'SET', '{tag}elsewhere', 'v')
    const slot = hashSlotOf('{tag}')
    const all = keysInSlot(shard, { slot, keysMax: 100, countMax: 1e9 })
    for (let i = 0; i < 30; i++) await turns(clock)
    const found = await all
    expect([...found.keys].sort()).toEqual([...keys].sort())
    expect(found.count).toBe(40)
    const some = keysInSlot(shard, { slot, keysMax: 3, countMax: 3 })
    for (let i = 0; i < 30; i++) await turns(clock)
    expect((await some).keys).toHaveLength(3)
  })
})

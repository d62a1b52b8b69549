/** What a watch does when a shard is lost, or a transaction holds its keys for too long. */
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import type { KeyspaceChanges, KeyspaceChangesLost } from '../../../src/keyspace/watch/watch-options.ts'
import { WatchWorld } from '../../support/watch-world.ts'

type Item = KeyspaceChanges | KeyspaceChangesLost

async function next(watch: AsyncIterator<Item>): Promise<Item> {
  return (await watch.next()).value as Item
}

function keysOf(item: Item): readonly string[] {
  return item.type === 'changes' ? item.changes.map(({ key }) => key) : [`lost ${item.from}-${item.to}`]
}

/** Waits until what is under way has come. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('a watch whose shard is started again', () => {
  it('says what is lost and goes on, when that was asked for', async () => {
    const world = new WatchWorld(seededRandom(1))
    const watch = world.watch('*', { whenSlow: 'drop' })
    await watch.ready
    world.write(1, ['a'])
    expect(keysOf(await next(watch))).toEqual(['a'])
    world.write(0, ['b'])
    await settle()
    world.crash(1)
    const lostUpTo = world.revision
    // Another shard goes on meanwhile.
    world.write(0, ['c'])
    const items = [await next(watch), await next(watch), await next(watch)]
    const lost = items.find((item) => item.type === 'lost') as KeyspaceChangesLost
    expect(lost.from).toBeLessThanOrEqual(lostUpTo)
    expect(lost.to).toBeGreaterThanOrEqual(lostUpTo)
    expect(items.filter((item) => item.type === 'changes').map(keysOf)).toEqual([['b'], ['c']])
    world.write(1, ['d'])
    expect(keysOf(await next(watch))).toEqual(['d'])
    await watch.return()
  })

  it('ends with an error otherwise, which says from where it can go on', async () => {
    const world = new WatchWorld(seededRandom(2))
    const watch = world.watch('*')
    await watch.ready
    world.write(1, ['a'])
    await next(watch)
    world.crash(1)
    world.write(0, ['b'])
    const error = (await next(watch)
      .then(() => next(watch))
      .catch((thrown: unknown) => thrown)) as { code: string; details: { oldest: number } }
    expect(error.code).toBe('SHL_WATCH_COMPACTED')
    const again = world.watch('*', { since: error.details.oldest })
    world.write(2, ['c'])
    let item = await next(again)
    while (keysOf(item)[0] !== 'c') item = await next(again)
    expect(await watch.next()).toEqual({ done: true, value: undefined })
    await again.return()
  })

  it('misses nothing when only the stream broke', async () => {
    const world = new WatchWorld(seededRandom(3))
    const watch = world.watch('*')
    await watch.ready
    world.write(1, ['a'])
    expect(keysOf(await next(watch))).toEqual(['a'])
    const shard = world.shards[1]!
    shard.breakStreams()
    world.write(1, ['b'])
    world.write(0, ['c'])
    world.write(1, ['d'])
    expect([await next(watch), await next(watch), await next(watch)].map(keysOf)).toEqual([
      ['b'],
      ['c'],
      ['d'],
    ])
    await watch.return()
  })
})

describe('a watch and a transaction that holds keys', () => {
  it('holds back what was committed meanwhile, and puts the transaction where it belongs', async () => {
    const world = new WatchWorld(seededRandom(4))
    const watch = world.watch('*')
    await watch.ready
    const [first, second] = world.shards
    for (const shard of [first!, second!]) shard.floors.set(9, world.revision)
    world.revision++
    const revision = world.revision
    world.write(0, ['later'])
    world.write(2, ['elsewhere'])
    const waiting = watch.next()
    await settle()
    first!.commit(revision, ['tx:0'], { tx: 9, isOneRevision: true })
    first!.floors.delete(9)
    first!.hub.afterTransaction()
    await settle()
    second!.commit(revision, ['tx:1'], { tx: 9, isOneRevision: true })
    second!.floors.delete(9)
    second!.hub.afterTransaction()
    expect(keysOf((await waiting).value as Item)).toEqual(['tx:0', 'tx:1'])
    expect(keysOf(await next(watch))).toEqual(['later'])
    expect(keysOf(await next(watch))).toEqual(['elsewhere'])
    await watch.return()
  })

  it('puts together what the transaction commits in steps', async () => {
    const world = new WatchWorld(seededRandom(4))
    const watch = world.watch('*')
    await watch.ready
    const shard = world.shards[0]!
    shard.floors.set(9, world.revision)
    const revision = ++world.revision
    shard.commit(revision, ['one'], { tx: 9, isOneRevision: true })
    world.write(0, ['later'])
    shard.commit(revision, ['two', 'three'], { tx: 9, isOneRevision: true })
    shard.floors.delete(9)
    shard.hub.afterTransaction()
    expect(keysOf(await next(watch))).toEqual(['one', 'two', 'three'])
    expect(keysOf(await next(watch))).toEqual(['later'])
    await watch.return()
  })

  it('says what was lost when that has become too much', async () => {
    const world = new WatchWorld(seededRandom(5), 2, { recordsMax: 1024, bytesMax: 2 ** 30 })
    const watch = world.watch('*', { whenSlow: 'drop' })
    await watch.ready
    const [shard] = world.shards
    const floor = world.revision
    shard!.floors.set(9, floor)
    const revision = ++world.revision
    for (let i = 0; i < 1500; i++) world.write(0, [`k${i}`])
    shard!.commit(revision, ['tx'], { tx: 9, isOneRevision: true })
    shard!.floors.delete(9)
    shard!.hub.afterTransaction()
    world.write(1, ['end'])
    const items: Item[] = []
    while (items.length === 0 || keysOf(items.at(-1) as Item)[0] !== 'end') items.push(await next(watch))
    const lost = items.filter((item) => item.type === 'lost')
    const seen = new Set(items.flatMap((item) => (item.type === 'changes' ? [item.revision] : [])))
    for (const { revision: one } of [...world.written, { revision }]) {
      const isTold = lost.some(({ from, to }) => one >= from && one <= to)
      expect(isTold !== seen.has(one) || isTold, `revision ${one}`).toBe(true)
    }
    expect(lost.length).toBeGreaterThan(0)
    expect(seen.size).toBeGreaterThan(100)
    await watch.return()
  })
})

describe('a watch', () => {
  it('can be ended while somebody waits for its next item', async () => {
    const world = new WatchWorld(seededRandom(6))
    const watch = world.watch('*')
    const waiting = watch.next()
    await settle()
    await watch.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    await settle()
    expect(world.shards.map(({ hub }) => hub.watcherCount)).toEqual([0, 0, 0])
  })

  it('refuses a revision that nobody has drawn', async () => {
    const world = new WatchWorld(seededRandom(7))
    const watch = world.watch('*', { since: 5 })
    await expect(watch.ready).rejects.toMatchObject({ code: 'SHL_WATCH_COMPACTED' })
    await expect(watch.next()).rejects.toMatchObject({ code: 'SHL_WATCH_COMPACTED' })
  })

  it('refuses options that it does not know', () => {
    const world = new WatchWorld(seededRandom(8))
    expect(() => world.watch('*', { sinse: 5 } as never)).toThrow('did you mean since')
    expect(() => world.watch([])).toThrow('invalid option: pattern')
    expect(() => world.watch('*', { whenSlow: 'wait' as never })).toThrow('allowed=cut | drop')
  })

  it('does not read on for who takes nothing', async () => {
    const world = new WatchWorld(seededRandom(9), 1)
    const watch = world.watch('*')
    await watch.ready
    for (let i = 0; i < 30_000; i++) {
      world.write(0, [`k${i}`])
      if (i % 1000 === 0) await settle()
    }
    await settle()
    const taken: number[] = []
    for (let i = 0; i < 30_000; i++) taken.push(((await next(watch)) as KeyspaceChanges).revision)
    expect(taken).toEqual(world.written.map(({ revision }) => revision))
    await watch.return()
  })
})

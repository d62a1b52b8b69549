/**
 * Watching with real threads: order over shards, whole transactions, coming back, slow watchers, moving
 * slots.
 */
import { createRuntime, type Keyspace, type KeyspaceOptions } from 'shardloom'
import { afterEach, describe, expect, it } from 'vitest'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'

const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const runtime of open.splice(0)) await runtime.close()
})

async function start(keyspace: KeyspaceOptions = {}): Promise<Keyspace> {
  const runtime = await createRuntime({ threads: 2, keyspace: { shards: 2, ...keyspace } })
  open.push(runtime)
  return runtime.keyspace
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2))
}

/** Keys on both shards, since they have different slots. */
const KEYS = Array.from({ length: 40 }, (_, i) => `key:${i}`)

async function take<T>(items: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) {
    taken.push(item)
    if (taken.length === count) break
  }
  return taken
}

describe('keyspace.watch', () => {
  it('sees what this thread does next, with values', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('key:*', { values: true })
    void keyspace.set('key:1', 'one')
    void keyspace.set('other', 'x')
    void keyspace.hash('key:2').set({ field: 'v' })
    void keyspace.delete('key:1')
    const items = await take(watch, 3)
    const commits = items.map(({ changes }) => changes)
    expect(commits).toContainEqual([{ key: 'key:1', event: 'set', type: 'string', value: 'one' }])
    const events = commits.flatMap((changes) => changes.map(({ key, event }) => `${event} ${key}`))
    // Nobody awaited the first: the other shard may commit before it.
    expect(events.filter((event) => event.endsWith('key:1'))).toEqual(['set key:1', 'del key:1'])
    expect(events.sort()).toEqual(['del key:1', 'hset key:2', 'set key:1'])
  })

  it('gives the changes of all shards in the order of their revisions', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('*')
    const since = await watch.ready
    const writes: Promise<unknown>[] = []
    for (let round = 0; round < 50; round++) {
      for (const key of KEYS) writes.push(keyspace.incrBy(key))
      if (round % 10 === 0) await Promise.all(writes)
    }
    const items = await take(watch, 50 * KEYS.length)
    await Promise.all(writes)
    const revisions = items.map(({ revision }) => revision)
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    const again = await take(keyspace.watch('*', { since }), 50 * KEYS.length)
    expect(again).toEqual(items)
    const middle = revisions[777] as number
    const rest = await take(keyspace.watch('*', { since: middle }), items.length - 778)
    expect(rest).toEqual(items.slice(778))
  })

  it('gives what a transaction changed as one item', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('*')
    await watch.ready
    await Promise.all([
      keyspace.mset(Object.fromEntries(KEYS.map((key) => [key, '1']))),
      keyspace.transaction(KEYS.slice(0, 4), (tx) => {
        for (const key of KEYS.slice(0, 4)) tx.set(key, '2')
      }),
      ...KEYS.map((key) => keyspace.incrBy(key)),
    ])
    await keyspace.delete(...KEYS)
    const items = await take(watch, 3 + KEYS.length)
    const sizes = items.map(({ changes }) => changes.length)
    expect(sizes.filter((size) => size === KEYS.length)).toHaveLength(2)
    expect(sizes.filter((size) => size === 4)).toHaveLength(1)
    expect(sizes.filter((size) => size === 1)).toHaveLength(KEYS.length)
    expect(items.at(-1)?.changes.map(({ event }) => event)).toEqual(KEYS.map(() => 'del'))
  })

  it('gives a transaction over all keys as one item, whatever its steps', async () => {
    const keyspace = await start()
    await keyspace.mset(Object.fromEntries(KEYS.map((key) => [key, '1'])))
    const watch = keyspace.watch('*')
    await watch.ready
    const session = keyspace.session()
    const commands = [
      ['MULTI'],
      ['SET', 'key:1', '2'],
      ['FLUSHALL'],
      ['SET', 'key:1', '3'],
      ['MSET', 'key:2', '3', 'key:3', '3'],
    ]
    for (const argv of commands) await session.call(argv)
    await Promise.all([session.call(['EXEC']), ...KEYS.map((key) => keyspace.incrBy(key))])
    const items = await take(watch, KEYS.length + 1)
    const whole = items.filter(({ changes }) => changes.length > 1)
    expect(whole).toHaveLength(1)
    const events = whole[0]?.changes.map(({ event, key }) => `${event} ${key}`) ?? []
    expect(events.filter((event) => event === 'set key:1')).toHaveLength(2)
    expect(events).toContain('flushdb ')
    expect(events).toContain('set key:2')
    expect(events).toContain('set key:3')
  })

  it('says that changes are no longer kept, and from where it can go on', async () => {
    const keyspace = await start({ historyMax: 1024 })
    const watch = keyspace.watch('*')
    const since = await watch.ready
    for (let i = 0; i < 60; i++) await Promise.all(KEYS.map((key) => keyspace.incrBy(key)))
    const error = await keyspace
      .watch('*', { since })
      .next()
      .catch((thrown: unknown) => thrown as Record<string, unknown>)
    expect(error).toMatchObject({ code: 'SHL_WATCH_COMPACTED' })
    const { oldest } = (error as { details: { oldest: number } }).details
    expect(oldest).toBeGreaterThan(since)
    const rest = await take(keyspace.watch('*', { since: oldest }), 10)
    expect(rest[0]?.revision).toBeGreaterThan(oldest)
    await watch.return()
  })

  it('ends the watch of who is too slow, who can go on from where he was', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('*', { queueMax: 100 })
    const since = await watch.ready
    for (let i = 0; i < 200; i++) await Promise.all(KEYS.map((key) => keyspace.incrBy(key)))
    const items: number[] = []
    let error: unknown
    try {
      for await (const { revision } of watch) items.push(revision)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code: 'SHL_WATCH_SLOW' })
    const rest = await take(keyspace.watch('*', { since: watch.revision }), 200 * KEYS.length - items.length)
    const all = [...items, ...rest.map(({ revision }) => revision)]
    expect(all).toHaveLength(200 * KEYS.length)
    expect(new Set(all).size).toBe(all.length)
    expect(Math.min(...all)).toBeGreaterThan(since)
  })

  it('goes on without what was lost, and says so, when that was asked for', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('*', { queueMax: 100, whenSlow: 'drop' })
    await watch.ready
    for (let i = 0; i < 200; i++) await Promise.all(KEYS.map((key) => keyspace.incrBy(key)))
    await keyspace.set('end', '')
    let changes = 0
    const lost: { from: number; to: number }[] = []
    for await (const item of watch) {
      if (item.type === 'lost') lost.push(item)
      else if (item.changes[0]?.key === 'end') break
      else changes++
    }
    expect(lost.length).toBeGreaterThan(0)
    expect(changes).toBeLessThan(200 * KEYS.length)
    for (const { from, to } of lost) expect(from).toBeLessThanOrEqual(to)
  })

  it('neither doubles nor loses changes of keys that move', async () => {
    const keyspace = await start()
    const watch = keyspace.watch('*')
    await watch.ready
    const slots = [...new Set(KEYS.map(hashSlotOf))]
    const rounds = 60
    const writing = (async () => {
      for (let i = 0; i < rounds; i++) await Promise.all(KEYS.map((key) => keyspace.incrBy(key)))
    })()
    const moving = (async () => {
      for (const to of [0, 1, 0, 1]) await keyspace.moveSlots(slots, to)
    })()
    const items = await take(watch, rounds * KEYS.length)
    await Promise.all([writing, moving])
    const revisions = items.map(({ revision }) => revision)
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    for (const key of KEYS) {
      expect(items.filter(({ changes }) => changes.some((change) => change.key === key))).toHaveLength(rounds)
    }
    await keyspace.set('end', '')
    const last = await take(keyspace.watch('*', { since: revisions.at(-1) as number }), 1)
    expect(last[0]?.changes[0]?.key).toBe('end')
  })

  it('says what is lost when a shard was started again', async () => {
    const keyspace = await start()
    const drop = keyspace.watch('*', { whenSlow: 'drop' })
    const cut = keyspace.watch('*')
    await Promise.all([drop.ready, cut.ready])
    for (const key of KEYS) await keyspace.set(key, 'before')
    await (await keyspace.client.shardRef(0)).stop({ mode: 'kill' })
    for (const key of KEYS) {
      // Writes are refused until the shard is there again.
      while ((await keyspace.set(key, 'after').catch(() => undefined)) === undefined) await pause()
    }
    let item = (await drop.next()).value
    while (item?.type !== 'lost') item = (await drop.next()).value
    expect(item.from).toBeLessThanOrEqual(item.to)
    // Nothing is lost any more.
    await Promise.all(KEYS.map((key) => keyspace.set(key, 'again')))
    const revisions = new Map<string, number>()
    for (const key of KEYS) revisions.set(key, (await keyspace.revision(key)) as number)
    while (revisions.size > 0) {
      const { value } = await drop.next()
      if (value?.type !== 'changes') continue
      for (const { key } of value.changes) if (revisions.get(key) === value.revision) revisions.delete(key)
    }
    const error = await (async () => {
      for await (const _ of cut);
    })().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'SHL_WATCH_COMPACTED' })
  })

  it('ends when its signal is aborted, and lets writes be fast again', async () => {
    const keyspace = await start({ historyKeepMs: 0 })
    const stop = new AbortController()
    const watch = keyspace.watch('*', { signal: stop.signal })
    await watch.ready
    const next = watch.next()
    stop.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    const done = keyspace.client.memory
    for (let i = 0; done.isWatched && i < 1000; i++) await pause()
    expect(done.isWatched).toBe(false)
  })
})

describe('keyspace.events', () => {
  it('gives events one by one, of the classes and keys that were asked for', async () => {
    const keyspace = await start()
    const events = keyspace.events({ classes: ['generic', 'hash'], pattern: 'key:*' })
    void keyspace.set('key:1', 'x')
    void keyspace.hash('key:1h').set({ f: '1' })
    void keyspace.delete('key:1')
    const items = await take(events, 2)
    expect(items.map(({ event, key }) => `${event} ${key}`).sort()).toEqual(['del key:1', 'hset key:1h'])
  })

  it('tells when a key expires', async () => {
    const keyspace = await start()
    const events = keyspace.events({ classes: 'x' })
    await keyspace.set('key:1', 'x', { ttl: 5 })
    expect(await take(events, 1)).toMatchObject([{ type: 'event', event: 'expired', key: 'key:1' }])
  })
})

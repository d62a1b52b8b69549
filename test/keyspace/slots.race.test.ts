/** Slots that move while they are used: nothing is lost, order is kept, readers find every key throughout. */
import { expect, test } from 'vitest'
import { rejection, sleep, testRuntime } from '../support/runtime.ts'

const ALL = Array.from({ length: 16_384 }, (_, slot) => slot)

test('keys of every type move with their slots, with their expiries', async () => {
  const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2 } })
  const { keyspace } = runtime
  await keyspace.set('string', 'value', { ttl: 60_000 })
  await keyspace.hash('hash').set({ a: '1', b: '2' })
  await keyspace.hash('hash').expire(50_000, 'a')
  await keyspace.list('list').push('x', 'y', 'z')
  await keyspace.members('set').add('m', 'n')
  await keyspace.zset('zset').add({ one: 1, two: 2 })
  await keyspace.set('large', 'x'.repeat(1_000_000))
  for (const to of [1, 0]) {
    const report = await keyspace.moveSlots(ALL, to)
    expect(keyspace.shardOf('string').shard).toBe(to)
    expect(report.slots).toBeGreaterThan(0)
    expect(keyspace.getSync('string')).toBe('value')
    expect(keyspace.ttlSync('string')).toBeGreaterThan(40_000)
    expect(await keyspace.hash('hash').getAll()).toEqual({ a: '1', b: '2' })
    expect(await keyspace.hash('hash').ttl('a')).toBeGreaterThan(30_000)
    expect(await keyspace.list('list').range()).toEqual(['x', 'y', 'z'])
    expect((await keyspace.members('set').members()).sort()).toEqual(['m', 'n'])
    expect(await keyspace.zset('zset').range()).toEqual([
      { member: 'one', score: 1 },
      { member: 'two', score: 2 },
    ])
    expect(keyspace.getSync('large')?.length).toBe(1_000_000)
  }
})

test('what is written meanwhile is not lost, in order, and readers find every key at any time', async () => {
  const runtime = await testRuntime({ threads: 2, keyspace: { shards: 3 } })
  const { keyspace } = runtime
  await Promise.all(Array.from({ length: 2000 }, (_, i) => keyspace.set(`key:${i}`, `${i}`)))
  let isDone = false
  let missing = 0
  const counts = new Map<string, number>()
  const failures: unknown[] = []
  const write = async (): Promise<void> => {
    for (let round = 0; !isDone; round++) {
      const sent: Promise<unknown>[] = []
      for (let i = 0; i < 20; i++) {
        const key = `log:${i % 10}`
        const count = counts.get(key) ?? 0
        counts.set(key, count + 1)
        sent.push(keyspace.list(key).push(`${count}`))
        if (keyspace.getSync(`key:${(round * 7 + i) % 2000}`) === undefined) missing++
      }
      sent.push(keyspace.mset({ a: `${round}`, b: `${round}`, c: `${round}` }))
      for (const one of await Promise.allSettled(sent))
        if (one.status === 'rejected') failures.push(one.reason)
      const together = new Set(await keyspace.mget(['a', 'b', 'c']))
      if (together.size !== 1) failures.push([...together])
    }
  }
  const writing = write()
  for (let i = 0; i < 6; i++) {
    const report = await keyspace.moveSlots(
      ALL.filter((slot) => slot % 3 === i % 3),
      (i + 1 + Math.floor(i / 3)) % 3,
    )
    expect(report.slots).toBeGreaterThan(0)
    await sleep(20)
  }
  isDone = true
  await writing
  expect(failures).toEqual([])
  expect(missing).toBe(0)
  for (const [key, count] of counts) {
    expect(await keyspace.list(key).range()).toEqual(Array.from({ length: count }, (_, i) => `${i}`))
  }
  // What stayed behind is removed, so that every key is counted once again.
  for (let i = 0; i < 100 && (await keyspace.size()) !== 2000 + counts.size + 3; i++) await sleep(10)
  expect(await keyspace.size()).toBe(2000 + counts.size + 3)
})

test('a scan that slots move under gives every key', async () => {
  const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2 } })
  const { keyspace } = runtime
  await Promise.all(Array.from({ length: 1000 }, (_, i) => keyspace.set(`key:${i}`, `${i}`)))
  const found = new Set<string>()
  let steps = 0
  for await (const key of keyspace.scan({ count: 20 })) {
    found.add(key)
    if (++steps % 200 === 0) await keyspace.moveSlots(ALL, (steps / 200) % 2)
  }
  expect(found.size).toBe(1000)
})

test('who waits for a key follows it to where it goes', async () => {
  const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2 } })
  const { keyspace } = runtime
  const one = keyspace.list('queue').shiftWait()
  const several = keyspace.command('BLPOP', 'queue:a', 'queue:b', '0')
  await sleep(20)
  const { shard } = keyspace.shardOf('queue')
  await keyspace.moveSlots(ALL, 1 - shard)
  await sleep(20)
  await keyspace.list('queue').push('first')
  await keyspace.list('queue:b').push('second')
  expect(await one).toBe('first')
  expect(await several).toEqual(['queue:b', 'second'])
})

test('a hot slot is moved by measured load', async () => {
  const rebalance = { intervalMs: 50, ratio: 1.2, commandsMin: 50 }
  const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2, rebalance } })
  const { keyspace } = runtime
  const keys = Array.from({ length: 2000 }, (_, i) => `key:${i}`).filter(
    (key) => keyspace.shardOf(key).shard === 0,
  )
  const busy = keys.slice(0, 8)
  const end = performance.now() + 10_000
  const moved = (): number => busy.filter((key) => keyspace.shardOf(key).shard === 1).length
  while (moved() < 2 && performance.now() < end) {
    await Promise.all(busy.flatMap((key) => Array.from({ length: 20 }, () => keyspace.incrBy(key))))
  }
  expect(moved()).toBeGreaterThanOrEqual(2)
  expect(moved()).toBeLessThan(8)
})

test('what cannot be moved is refused, and said why', async () => {
  const runtime = await testRuntime({ threads: 1, keyspace: { shards: 2 } })
  const { keyspace } = runtime
  expect(await rejection(keyspace.moveSlots([16_384], 0))).toMatchObject({ code: 'SHL_OPTION_INVALID' })
  expect(await rejection(keyspace.moveSlots([0], 2))).toMatchObject({ code: 'SHL_OPTION_INVALID' })
  expect(await rejection(keyspace.moveSlots(undefined as never, 0))).toMatchObject({
    code: 'SHL_OPTION_INVALID',
  })
  expect(await keyspace.moveSlots([0], 0)).toMatchObject({ slots: 0 })
})

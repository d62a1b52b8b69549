/** Locks on real threads: who holds them, who waits, and what becomes of them when a thread stops or ends. */
import type { Runtime } from 'shardloom'
import type { KeyspaceLock } from 'shardloom/keyspace'
import { afterAll, expect, test } from 'vitest'
import {
  COUNT,
  closeWorld,
  INSIDE,
  INSIDE_MAX,
  nameOn,
  ownWorld,
  spawnLocker,
  world,
} from '../support/lockers.ts'
import { rejection, until } from '../support/runtime.ts'

afterAll(closeWorld)

/** Resolves when a lock is lost, also when it is already. */
function lossOf({ signal }: KeyspaceLock): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

test('one at a time is inside, and tokens only grow', async () => {
  const { keyspace, refs, words } = await world()
  const times = 15
  // The key lies on another shard than the lock.
  const key = nameOn({ keyspace } as Runtime, (shard) => shard !== keyspace.shardOf('door').shard)
  const message = { lock: 'door', key, times, words }
  const asked = [...refs, ...refs].map((ref) => ref.ask('count', message))
  const tokens = (await Promise.all(asked)) as bigint[][]
  expect(await keyspace.get(key)).toBe(String(6 * times))
  expect(words[INSIDE_MAX]).toBe(1)
  for (const own of tokens) expect([...own].sort((a, b) => Number(a - b))).toEqual(own)
  expect(new Set(tokens.flat()).size).toBe(6 * times)
  expect(await keyspace.locks({ match: 'door' })).toEqual([])
})

test('who was paused for longer than its lease cannot write, and knows it when it wakes', async () => {
  const { keyspace, refs, runtime } = await world()
  // Its own shard would stop with its thread.
  const sleeper = refs[2]!
  const name = nameOn(runtime, (shard) => shard === 0)
  const key = nameOn(runtime, (shard) => shard === 1)
  const started = new Int32Array(new SharedArrayBuffer(4))
  const paused = sleeper.ask('holdAndPause', { name, ttl: 100, ms: 500, key, started })
  await until(() => Atomics.load(started, 0) === 1, 'the lock is held')
  const next = await keyspace.lock(name)
  expect(await keyspace.set(key, 'mine', { fence: next })).toBe(true)
  const seen = (await paused) as Record<string, unknown>
  expect(seen).toMatchObject({
    isHeld: false,
    expiresInMs: 0,
    reason: 'SHL_LOCK_LOST',
    written: 'SHL_LOCK_FENCED',
    over: 'SHL_LOCK_FENCED',
    released: false,
    renewed: false,
  })
  expect(next.token).toBeGreaterThan(seen['token'] as bigint)
  expect(await keyspace.get(key)).toBe('mine')
  expect(await keyspace.has(`${key}:2`)).toBe(false)
  expect(next.isHeld).toBe(true)
  expect(await next.release()).toBe(true)
})

test('a heartbeat keeps a lock for as long as its holder lives', async () => {
  const { keyspace, refs } = await world()
  await refs[0]!.ask('hold', { name: 'kept', options: { ttl: 1500 } })
  let leftMs = Number.POSITIVE_INFINITY
  await until(async () => {
    const before = leftMs
    const { holders } = await keyspace.lockInfo('kept')
    leftMs = holders[0]!.remainingMs
    return leftMs > before
  }, 'it is renewed')
  expect(await refs[0]!.ask('release')).toBe(true)
  const lock = await keyspace.lock('kept', { ttl: 60, heartbeat: false })
  await lossOf(lock)
  expect(lock.signal.reason).toMatchObject({
    code: 'SHL_LOCK_LOST',
    details: { lock: 'kept', reason: 'expired' },
  })
  expect(await lock.release()).toBe(false)
})

test('the lock of a thread that is killed goes to the next one, with a greater token', async () => {
  const { keyspace, refs, runtime } = await ownWorld()
  const [first, , doomed] = refs
  const name = nameOn(runtime, (shard) => shard === 0)
  const token = (await doomed!.ask('hold', { name, options: { ttl: 1500 } })) as bigint
  // It waits for another one, too: its wait must end with it.
  await first!.ask('hold', { id: 'other', name: `{${name}}2` })
  const waiting = rejection(doomed!.ask('waitFor', { name: `{${name}}2`, options: {} }))
  await until(async () => (await keyspace.lockInfo(`{${name}}2`)).waiters.length === 1, 'it waits')
  const next = keyspace.lock(name)
  await until(async () => (await keyspace.lockInfo(name)).waiters.length === 1, 'the next one waits')
  await runtime.killThread(doomed!.thread)
  expect(await waiting).toMatchObject({ code: 'SHL_THREAD_LOST' })
  const lock = await next
  expect(lock.token).toBeGreaterThan(token)
  await until(async () => (await keyspace.lockInfo(`{${name}}2`)).waiters.length === 0, 'its wait has ended')
  await lock.release()
})

test('the lock of an actor that fails does not outlive it, though its thread goes on', async () => {
  const { keyspace, refs, runtime } = await world()
  const ref = await spawnLocker(runtime)
  const token = (await ref.ask('hold', { name: 'mortal', options: { ttl: 300 } })) as bigint
  await ref.stop()
  // Nobody waits for the end of the lease: its heartbeat notices first.
  const next = (await refs[0]!.ask('hold', { name: 'mortal' })) as bigint
  expect(next).toBeGreaterThan(token)
  expect(await refs[0]!.ask('release')).toBe(true)
  expect(await keyspace.lockInfo('mortal')).toMatchObject({ mode: 'free' })
})

test('a lock moves with its slot, with those who wait for it', async () => {
  const { keyspace, refs, runtime } = await ownWorld()
  const name = nameOn(runtime, (shard) => shard === 0)
  const { slot } = keyspace.shardOf(name)
  const lock = await keyspace.lock(name)
  const waiting = refs[0]!.ask('hold', { name }) as Promise<bigint>
  await until(async () => (await keyspace.lockInfo(name)).waiters.length === 1, 'somebody waits')
  for (const shard of [1, 2, 0, 2]) {
    await keyspace.moveSlots([slot], shard)
    expect(keyspace.shardOf(name).shard).toBe(shard)
    expect(await lock.renew()).toBe(true)
    expect(await keyspace.set('elsewhere', String(shard), { fence: lock })).toBe(true)
    expect(await keyspace.tryLock(name)).toBeUndefined()
    await until(async () => (await keyspace.lockInfo(name)).waiters.length === 1, 'it waits at the new place')
  }
  expect(await lock.release()).toBe(true)
  expect(await waiting).toBeGreaterThan(lock.token)
  expect(await rejection(keyspace.set('elsewhere', 'x', { fence: lock }))).toMatchObject({
    code: 'SHL_LOCK_FENCED',
  })
  // Now that slots have moved, several are taken slot by slot.
  const several = await keyspace.lock(['ant', 'bee', 'cat', 'dog', 'elk'])
  expect(several.tokens.length).toBe(5)
  expect(await several.release()).toBe(true)
})

test('a shard that is lost takes its locks along: holders are told, tokens go on growing', async () => {
  const { keyspace, refs, runtime } = await ownWorld()
  const name = nameOn(runtime, (shard) => shard === 2)
  const lock = await keyspace.lock(name, { ttl: 3000 })
  const waiting = refs[0]!.ask('hold', { name }) as Promise<bigint>
  await until(async () => (await keyspace.lockInfo(name)).waiters.length === 1, 'somebody waits')
  await runtime.killThread(refs[2]!.thread)
  const token = await waiting
  expect(token).toBeGreaterThan(lock.token)
  await lossOf(lock)
  expect(await rejection(keyspace.set(name, 'late', { fence: lock }))).toMatchObject({
    code: 'SHL_LOCK_FENCED',
  })
})

test('who came first is served first, on whatever thread it waits', async () => {
  const { keyspace, refs, words } = await world()
  const door = await keyspace.lock('fair')
  const served: Promise<unknown>[] = []
  for (let i = 0; i < 12; i++) {
    served.push(refs[i % 3]!.ask('queue', { name: 'fair', words }))
    await until(async () => (await keyspace.lockInfo('fair')).waiters.length === i + 1, 'it waits')
  }
  await door.release()
  const places = (await Promise.all(served)) as { place: number; token: bigint }[]
  expect(places.map(({ place }) => place)).toEqual(places.map((_, i) => i))
  const tokens = places.map(({ token }) => token)
  expect([...tokens].sort((a, b) => Number(a - b))).toEqual(tokens)
})

test('readers share a lock, writers do not, and readers do not overtake a writer', async () => {
  const { keyspace, refs, words } = await world()
  const shared = { shared: true }
  const readers = await Promise.all([1, 2, 3].map(() => keyspace.lock('book', shared)))
  expect(await keyspace.lockInfo('book')).toMatchObject({ mode: 'shared', holders: [{}, {}, {}] })
  expect(await keyspace.tryLock('book')).toBeUndefined()
  const writer = refs[0]!.ask('queue', { name: 'book', words }) as Promise<{ place: number }>
  await until(async () => (await keyspace.lockInfo('book')).waiters.length === 1, 'the writer waits')
  expect(await keyspace.tryLock('book', shared)).toBeUndefined()
  const late = refs.map((ref) => ref.ask('queue', { name: 'book', options: shared, words, forMs: 30 }))
  await until(async () => (await keyspace.lockInfo('book')).waiters.length === 4, 'all wait')
  expect((await keyspace.lockInfo('book')).waiters.map(({ mode }) => mode)).toEqual([
    'exclusive',
    ...['shared', 'shared', 'shared'],
  ])
  for (const reader of readers) await reader.release()
  expect((await writer).place).toBe(0)
  await Promise.all(late)
  expect(words[INSIDE]).toBe(0)
})

test('a semaphore lets in as many as it has places', async () => {
  const { keyspace, refs, words } = await world()
  const message = { name: 'pool', limit: 3, times: 6, words }
  await Promise.all([...refs, ...refs, ...refs].map((ref) => ref.ask('semaphore', message)))
  expect(words[INSIDE_MAX]).toBeGreaterThan(1)
  expect(words[INSIDE_MAX]).toBeLessThanOrEqual(3)
  const places = await Promise.all([1, 2, 3].map(() => keyspace.trySemaphore('pool', 3)))
  expect(places.every((place) => place !== undefined)).toBe(true)
  expect(await keyspace.trySemaphore('pool', 3)).toBeUndefined()
  expect(await rejection(keyspace.semaphore('pool', 4))).toMatchObject({ code: 'SHL_LOCK_MODE' })
  expect(await rejection(keyspace.semaphore('pool', 3, { waitMs: 5 }))).toMatchObject({
    code: 'SHL_LOCK_TIMEOUT',
  })
  await places[0]!.release()
  await (await keyspace.semaphore('pool', 3)).release()
})

test('several locks over several shards are taken by many in any order, without a deadlock', async () => {
  const { keyspace, refs, words } = await world()
  const names = ['ant', 'bee', 'cat', 'dog', 'elk', 'fox', 'gnu']
  expect(new Set(names.map((name) => keyspace.shardOf(name).shard)).size).toBe(3)
  let seed = 7
  const next = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed % below
  }
  const counts = new Map<string, number>()
  const orders = (): string[][] =>
    Array.from({ length: 8 }, () => {
      const some = [...names].sort(() => next(3) - 1).slice(0, 2 + next(4))
      for (const name of some) counts.set(name, (counts.get(name) ?? 0) + 1)
      return some
    })
  const asked = [...refs, ...refs, ...refs].map((ref) => ref.ask('countAll', { orders: orders(), words }))
  await Promise.all(asked)
  expect(words[COUNT]).toBe(9 * 8)
  for (const name of names) expect(await keyspace.get(`n:${name}`)).toBe(String(counts.get(name)))
  expect(await keyspace.locks({ match: '???' })).toEqual([])
})

test('several locks are had all or none', async () => {
  const { keyspace } = await world()
  const names = ['ape', 'bat', 'cow', 'doe', 'eel']
  const one = await keyspace.lock('doe')
  expect(await keyspace.tryLock(names)).toBeUndefined()
  const late = await rejection(keyspace.lock(names, { waitMs: 20 }))
  expect(late).toMatchObject({ code: 'SHL_LOCK_TIMEOUT', details: { waitMs: 20 } })
  expect((await keyspace.locks({ match: '[a-e]??' })).map(({ name }) => name)).toEqual(['doe'])
  await one.release()
  await using all = await keyspace.lock([...names, 'ape'])
  expect(all.names).toEqual(names)
  expect(all.tokens).toEqual(names.map((name) => all.fence(name).token))
  expect(() => all.fence('fox')).toThrow('name=fox')
})

test('a wait that is aborted leaves neither a waiter nor a lock behind', async () => {
  const { keyspace } = await world()
  const held = await keyspace.lock('busy')
  const stop = new AbortController()
  const waiting = rejection(keyspace.lock(['busy', 'busy-2', 'busy-3'], { signal: stop.signal }))
  await until(async () => (await keyspace.lockInfo('busy')).waiters.length === 1, 'it waits')
  stop.abort(new RangeError('enough'))
  expect(await waiting).toMatchObject({ code: 'SHL_LOCK_ABORTED', cause: { message: 'enough' } })
  await until(
    async () => (await keyspace.locks({ match: 'busy*' })).length === 1,
    'nothing but the first is left',
  )
  expect((await keyspace.lockInfo('busy')).waiters).toEqual([])
  expect(await rejection(keyspace.lock('busy', { signal: stop.signal }))).toMatchObject({
    code: 'SHL_LOCK_ABORTED',
  })
  // Aborts and grants that cross each other, in any order.
  for (let i = 0; i < 200; i++) {
    const cross = new AbortController()
    const next = keyspace.lock('busy', { signal: cross.signal }).catch(() => undefined)
    const first = i === 0 ? held : await keyspace.tryLock('busy')
    const freed = first?.release()
    if (i % 3 === 0) await freed
    cross.abort()
    await (await next)?.release()
    await freed
    await until(async () => (await keyspace.locks({ match: 'busy*' })).length === 0, 'it is free')
  }
})

test('an owner that has a name enters again, and leaves as often', async () => {
  const { keyspace, refs } = await world()
  const owner = 'Ada'
  const first = await keyspace.lock('again', { owner })
  const second = await keyspace.lock('again', { owner })
  expect(second.token).toBe(first.token)
  expect(await keyspace.lockInfo('again')).toMatchObject({ holders: [{ owner, entries: 2 }] })
  expect(await refs[0]!.ask('waitFor', { name: 'again', options: { waitMs: 5 } })).toBe('SHL_LOCK_TIMEOUT')
  expect(await first.release()).toBe(true)
  expect(await keyspace.set('x', '1', { fence: second })).toBe(true)
  expect(await second.release()).toBe(true)
  expect(await second.release()).toBe(false)
  expect(await keyspace.lockInfo('again')).toMatchObject({
    mode: 'free',
    holders: [],
    lastToken: first.token,
  })
})

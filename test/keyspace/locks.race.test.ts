/** Locks on real threads: who holds them, who waits, and what becomes of them when a thread stops or ends. */
import { type ActorRef, createRuntime, type Runtime } from 'shardloom'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { rejection, testRuntime, until } from '../support/runtime.ts'

const LOCKER = new URL('../support/actors/locker.mjs', import.meta.url)
const [INSIDE, INSIDE_MAX, COUNT] = [0, 1, 2]

interface World {
  readonly runtime: Runtime
  readonly keyspace: Runtime['keyspace']
  /** One per thread; the shard of the same index is on its thread. */
  readonly refs: readonly ActorRef[]
  readonly words: Int32Array<SharedArrayBuffer>
}

/** A runtime for a test that kills its threads. */
async function ownWorld(threads = 3): Promise<World> {
  return lockers(await testRuntime({ threads, keyspace: { shards: threads } }))
}

let common: Runtime | undefined

/** The runtime of all other tests: they use names of their own. */
async function world(): Promise<World> {
  common ??= await createRuntime({ threads: 3, keyspace: { shards: 3 } })
  return lockers(common)
}

afterAll(() => common?.close({ timeoutMs: 2000 }))

async function lockers(runtime: Runtime): Promise<World> {
  const refs = await Promise.all([1, 2, 3].map(() => spawn(runtime)))
  expect(refs.map((ref) => ref.thread).sort()).toEqual([1, 2, 3])
  refs.sort((a, b) => a.thread - b.thread)
  onTestFinished(async () => void (await Promise.all(refs.map((ref) => ref.stop()))))
  return { runtime, keyspace: runtime.keyspace, refs, words: new Int32Array(new SharedArrayBuffer(64)) }
}

function spawn(runtime: Runtime, options: object = {}): Promise<ActorRef> {
  return runtime.spawn(LOCKER, { export: 'locker', ...options }) as Promise<ActorRef>
}

/** A name whose shard is, or is not, this one. */
function nameOn({ keyspace }: Runtime, isFit: (shard: number) => boolean): string {
  for (let i = 0; ; i++) if (isFit(keyspace.shardOf(`name-${i}`).shard)) return `name-${i}`
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
  const lost = new Promise((resolve) => lock.signal.addEventListener('abort', resolve))
  await lost
  expect(lock.signal.reason).toMatchObject({
    code: 'SHL_LOCK_LOST',
    details: { lock: 'kept', reason: 'expired' },
  })
  expect(await lock.release()).toBe(false)
})

test('the lock of a thread that is killed goes to the next one after its lease, with a greater token', async () => {
  const { keyspace, refs, runtime } = await ownWorld()
  const [first, , doomed] = refs
  const name = nameOn(runtime, (shard) => shard === 0)
  const token = (await doomed!.ask('hold', { name, options: { ttl: 300 } })) as bigint
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
  const ref = await spawn(runtime)
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

test('a shard that is lost takes its locks with it: their holders are told, and tokens go on growing', async () => {
  const { keyspace, refs, runtime } = await ownWorld()
  const name = nameOn(runtime, (shard) => shard === 2)
  const lock = await keyspace.lock(name, { ttl: 150 })
  const waiting = refs[0]!.ask('hold', { name }) as Promise<bigint>
  await until(async () => (await keyspace.lockInfo(name)).waiters.length === 1, 'somebody waits')
  await runtime.killThread(refs[2]!.thread)
  const lost = new Promise((resolve) => lock.signal.addEventListener('abort', resolve))
  const token = await waiting
  expect(token).toBeGreaterThan(lock.token)
  await lost
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

test('a value is computed once for all who want it at the same time', async () => {
  const { keyspace, refs, words } = await world()
  const message = { key: 'page', words, forMs: 20, options: { ttl: 60_000 } }
  const asked = Array.from({ length: 50 }, (_, i) => refs[i % 3]!.ask('compute', message))
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['computed']))
  expect(words[COUNT]).toBe(1)
  expect(await keyspace.ttl('page')).toBeGreaterThan(50_000)
  expect(await keyspace.getOrCompute('page', () => 'not needed')).toBe('computed')
  const bytes = await keyspace.getOrComputeBuffer('bytes', () => new Uint8Array([0, 200, 255]))
  expect([...bytes]).toEqual([0, 200, 255])
})

test('when a computation fails, its own caller is told, and the next one computes', async () => {
  const { keyspace, refs, words } = await world()
  const failing = rejection(refs[0]!.ask('compute', { key: 'page-2', words, forMs: 30, fail: true }))
  await until(() => words[COUNT] === 1, 'the first computes')
  const others = Array.from({ length: 10 }, (_, i) =>
    refs[i % 3]!.ask('compute', { key: 'page-2', words, forMs: 1 }),
  )
  expect((await failing).message).toContain('cannot be computed')
  expect(new Set(await Promise.all(others))).toEqual(new Set(['computed']))
  expect(words[COUNT]).toBe(2)
  expect(await rejection(keyspace.getOrCompute('odd', () => 7 as never))).toMatchObject({
    code: 'SHL_OPTION_INVALID',
  })
})

test('when the thread that computes is killed, the next one computes', async () => {
  const { refs, words, runtime } = await ownWorld()
  const key = nameOn(runtime, (shard) => shard === 0)
  const options = { computeMs: 200 }
  const doomed = rejection(refs[2]!.ask('compute', { key, words, forMs: 60_000, options }))
  await until(() => words[COUNT] === 1, 'it computes')
  const others = [0, 1, 0, 1].map((i) => refs[i]!.ask('compute', { key, words, forMs: 1, options }))
  await runtime.killThread(refs[2]!.thread)
  expect(await doomed).toMatchObject({ code: 'SHL_THREAD_LOST' })
  expect(new Set(await Promise.all(others))).toEqual(new Set(['computed']))
  expect(words[COUNT]).toBe(2)
})

test('who computes is told when it takes too long, or nobody wants it any more', async () => {
  const { keyspace } = await world()
  const reasons: unknown[] = []
  const slow = keyspace.getOrCompute(
    'slow',
    async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      reasons.push(signal.reason)
      return 'late'
    },
    { computeMs: 20 },
  )
  // It is stored all the same, since nobody else has begun.
  expect(await slow).toBe('late')
  expect(keyspace.getSync('slow')).toBe('late')
  const stop = new AbortController()
  const unwanted = rejection(
    keyspace.getOrCompute(
      'unwanted',
      async ({ signal }) => {
        stop.abort()
        reasons.push(signal.reason)
        return 'never'
      },
      { signal: stop.signal },
    ),
  )
  expect(await unwanted).toMatchObject({ code: 'SHL_COMPUTE_ABORTED' })
  expect(await keyspace.getOrCompute('unwanted', () => 'wanted')).toBe('wanted')
  expect(reasons).toMatchObject([{ code: 'SHL_COMPUTE_LATE' }, { code: 'SHL_COMPUTE_ABORTED' }])
})

test('a limiter says how many may come, and when again', async () => {
  const { keyspace } = await world()
  const options = { burst: 2, count: 1, periodMs: 60_000 }
  const allowed = await Promise.all([1, 2, 3, 4].map(() => keyspace.limit('api', options)))
  expect(allowed.map((one) => one.allowed)).toEqual([true, true, true, false])
  expect(allowed.map((one) => one.remaining)).toEqual([2, 1, 0, 0])
  expect(allowed[3]!.limit).toBe(3)
  expect(allowed[3]!.retryAfterMs).toBeGreaterThan(50_000)
  expect(await keyspace.limit('api', { ...options, quantity: 4 })).toMatchObject({
    allowed: false,
    retryAfterMs: Number.POSITIVE_INFINITY,
  })
})

/** Limits, and the end of a client, for locks, semaphores, computed values and watches: of our own server. */
import { createRuntime } from 'shardloom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { freePort } from '../support/redis/redis-server.ts'

let runtime: Awaited<ReturnType<typeof createRuntime>>
let port = 0

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
  const server = await runtime.serve({ port: 0 })
  port = server.address.port
})

afterAll(() => runtime?.close())

const SOON_MS = 100
const nobodyWaits = (name: string) =>
  until(async () => (await runtime.keyspace.lockInfo(name)).waiters.length === 0, 'nobody waits')

test.each([
  ['deadline', () => ({ timeoutMs: SOON_MS }), 'TIMEOUT'],
  ['signal', () => ({ signal: AbortSignal.timeout(SOON_MS) }), 'ABORTED'],
])(
  'the %s ends waits for locks, places and values, and nobody is left in line',
  async (kind, limits, end) => {
    const { keyspace } = testKeyspace(port)
    const [lock, places, key] = [`lock-${kind}`, `places-${kind}`, `value-${kind}`]
    const held = [await runtime.keyspace.lock(lock), await runtime.keyspace.semaphore(places, 1)]
    const wait = { waitMs: 60_000, signal: new AbortController().signal }
    const code = `SHL_LOCK_${end}`
    expect(await failureOf(keyspace.within(limits()).lock(lock, wait))).toMatchObject({ code })
    expect(await failureOf(keyspace.within(limits()).semaphore(places, 1))).toMatchObject({ code })
    await Promise.all([nobodyWaits(lock), nobodyWaits(places)])
    for (const one of held) await one.release()
    const never = () => new Promise<string>(() => undefined)
    const value = await failureOf(keyspace.within(limits()).getOrCompute(key, never))
    expect(value).toMatchObject({ code: `SHL_COMPUTE_${end}` })
    // Its place was given back: the next one computes at once.
    expect(await keyspace.getOrCompute(key, () => 'made', { waitMs: 5000 })).toBe('made')
  },
)

test('a lock outlives the limits under which it was taken', async () => {
  const { keyspace } = testKeyspace(port)
  const stop = new AbortController()
  const limited = keyspace.within({ signal: stop.signal, timeoutMs: 2000 })
  const lock = await limited.lock('outlives', { ttl: 300 })
  const other = await limited.tryLock('outlives-2')
  expect(await limited.tryLock('outlives')).toBeUndefined()
  stop.abort()
  await sleep(450)
  expect(lock.isHeld).toBe(true)
  expect(await lock.release()).toBe(true)
  expect(await other?.release()).toBe(true)
  expect(await failureOf(limited.lock('outlives'))).toMatchObject({ code: 'SHL_LOCK_ABORTED' })
  expect(await failureOf(limited.tryLock('outlives'))).toMatchObject({ code: 'SHL_LOCK_ABORTED' })
  expect((await runtime.keyspace.lockInfo('outlives')).mode).toBe('free')
})

test('where there is no server, that is why a lock was not to be had', async () => {
  const { keyspace } = testKeyspace(await freePort(), { breaker: { failures: 1000 } })
  const failure = await failureOf(keyspace.within({ timeoutMs: 200 }).lock('none'))
  expect(failure).toMatchObject({ code: 'SHL_CONNECTION_FAILED', details: { isSent: false } })
})

test('the time in line for a connection counts for locks and values', async () => {
  const { keyspace, client } = testKeyspace(port, { exclusiveMax: 1 })
  const held = await runtime.keyspace.lock('line')
  const beganMs = performance.now()
  const waitMs = 400
  const never = () => new Promise<string>(() => undefined)
  const late = [
    ...Array.from({ length: 3 }, () => failureOf(keyspace.lock('line', { waitMs }))),
    failureOf(keyspace.lock(['line', 'line-2'], { waitMs })),
    failureOf(keyspace.semaphore('line', 1, { waitMs })),
  ]
  const value = failureOf(keyspace.getOrCompute('line-value', never, { waitMs }))
  const raw = keyspace.command('LOCK.ACQUIRE', 'line', 'WAIT', 'PX', '1000', 'WAIT', String(waitMs))
  for (const one of late) expect(await one).toMatchObject({ code: 'SHL_LOCK_TIMEOUT', details: { waitMs } })
  expect(await value).toMatchObject({ code: 'SHL_COMPUTE_TIMEOUT', details: { waitMs } })
  expect(await raw).toBe(null)
  expect(performance.now() - beganMs).toBeGreaterThan(waitMs - 10)
  expect(performance.now() - beganMs).toBeLessThan(waitMs * 3)
  await nobodyWaits('line')
  // After half of its time it has the connection, and the lock when it is free.
  const first = failureOf(keyspace.lock('line', { waitMs: 200 }))
  const second = keyspace.lock('line', { waitMs: 3000 })
  expect(await first).toMatchObject({ code: 'SHL_LOCK_TIMEOUT' })
  await until(async () => (await runtime.keyspace.lockInfo('line')).waiters.length === 1, 'it waits')
  await held.release()
  expect(await (await second).release()).toBe(true)
  expect(client.pool.open).toBe(1)
})

test('watches end with the signal, which is no error', async () => {
  const { keyspace } = testKeyspace(port)
  const stop = new AbortController()
  const limited = keyspace.within({ signal: stop.signal })
  const [watch, events] = [limited.watch('w*'), limited.events()]
  await Promise.all([watch.ready, events.ready])
  await keyspace.set('w1', '1')
  expect((await watch.next()).value).toMatchObject({ type: 'changes' })
  expect((await events.next()).value).toMatchObject({ type: 'event', key: 'w1' })
  const ends = [watch.next(), events.next()]
  stop.abort()
  for (const end of ends) expect(await end).toMatchObject({ done: true })
})

test('a client that closes gives up its waits for locks, and what it held for them', async () => {
  const { keyspace } = testKeyspace(port)
  const held = [await runtime.keyspace.lock('c1'), await runtime.keyspace.lock('c2')]
  const wait = failureOf(keyspace.lock('c1'))
  // It holds whichever it has got, and waits for the other ones.
  const several = failureOf(keyspace.lock(['c2', 'c3', 'c4', 'c5', 'c6']))
  await until(async () => (await runtime.keyspace.lockInfo('c1')).waiters.length === 1, 'it waits')
  await until(async () => (await runtime.keyspace.lockInfo('c2')).waiters.length === 1, 'it waits')
  await keyspace.close()
  expect(await wait).toMatchObject({ code: 'SHL_CONNECTION_CLOSED' })
  expect(await several).toMatchObject({ code: 'SHL_CONNECTION_CLOSED' })
  for (const name of ['c1', 'c2']) {
    expect((await runtime.keyspace.lockInfo(name)).waiters).toEqual([])
  }
  // Not by the end of their leases.
  const others = await runtime.keyspace.lock(['c3', 'c4', 'c5', 'c6'], { waitMs: 1000 })
  for (const lock of [...held, others]) await lock.release()
})

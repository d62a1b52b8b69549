/** Values that are computed once for all threads, and rate limiters. */
import { afterAll, expect, test } from 'vitest'
import { COUNT, closeWorld, nameOn, ownWorld, world } from '../support/lockers.ts'
import { rejection, until } from '../support/runtime.ts'

afterAll(closeWorld)

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
  const slow = rejection(
    keyspace.getOrCompute(
      'slow',
      async ({ signal }) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        reasons.push(signal.reason)
        return 'late'
      },
      { computeMs: 20 },
    ),
  )
  // Nobody waits for a computation that is late, and what it gives is not stored.
  expect(await slow).toMatchObject({ code: 'SHL_COMPUTE_LATE', details: { key: 'slow', computeMs: 20 } })
  expect(keyspace.getSync('slow')).toBeUndefined()
  expect(await keyspace.getOrCompute('slow', () => 'in time')).toBe('in time')
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

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { FaultProxy, failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

async function lab(options: Parameters<typeof testKeyspace>[1] = {}) {
  await redis!.client.call('FLUSHALL')
  return testKeyspace(redis!.port, { timeoutMs: 3000, ...options })
}

test('a callback works on the keys that it names, and gives what it returns', async () => {
  const { keyspace } = await lab()
  await keyspace.set('from', '100')
  const left = await keyspace.transaction(['from', 'to'], (tx) => {
    tx.incrBy('to', 30)
    return tx.incrBy('from', -30)
  })
  expect(left).toBe(70)
  expect(await keyspace.mget(['from', 'to'])).toEqual(['70', '30'])
})

test('times to live go in and out', async () => {
  const { keyspace } = await lab()
  await keyspace.set('a', '1', { ttl: 100_000 })
  await keyspace.transaction(['a', 'b'], (tx) => {
    expect(Number(tx.command('PTTL', 'a'))).toBeGreaterThan(90_000)
    tx.incrBy('a', 1)
    tx.set('b', 'x', { ttl: 50_000 })
  })
  expect(await keyspace.get('a')).toBe('2')
  expect(await keyspace.ttl('a')).toBeGreaterThan(90_000)
  expect(await keyspace.ttl('b')).toBeLessThanOrEqual(50_000)
  expect(await keyspace.ttl('b')).toBeGreaterThan(40_000)
})

test('it runs again when somebody has changed a key meanwhile: no increment is lost', async () => {
  const { keyspace } = await lab()
  const { keyspace: other } = testKeyspace(redis!.port)
  let runs = 0
  const one = async (who: typeof keyspace): Promise<void> => {
    for (let i = 0; i < 15; i++) {
      await who.transaction(['n'], (tx) => {
        runs++
        tx.set('n', String(Number(tx.get('n') ?? 0) + 1))
      })
    }
  }
  await Promise.all([one(keyspace), one(other), one(keyspace)])
  expect(await keyspace.get('n')).toBe('45')
  expect(runs).toBeGreaterThanOrEqual(45)
})

test('what it throws undoes everything', async () => {
  const { keyspace, client } = await lab()
  await keyspace.set('a', '1')
  const failure = keyspace.transaction(['a'], (tx) => {
    tx.set('a', '2')
    throw new RangeError('no')
  })
  await expect(failure).rejects.toThrow(new RangeError('no'))
  expect(await keyspace.get('a')).toBe('1')
  expect(client.pool.open).toBe(1)
})

test('a key that it does not name, and a function that waits, are refused', async () => {
  const { keyspace } = await lab()
  const stranger = failureOf(keyspace.transaction(['a'], (tx) => tx.get('b')))
  expect(await stranger).toMatchObject({ code: 'SHL_TRANSACTION_KEY' })
  const waits = failureOf(keyspace.transaction(['a'], async (tx) => tx.get('a')))
  expect(await waits).toMatchObject({ code: 'SHL_OPTION_INVALID' })
  expect(await failureOf(keyspace.transaction([], () => 1))).toMatchObject({ code: 'SHL_OPTION_INVALID' })
})

test('it gives up in time when others are always quicker', async () => {
  const { keyspace } = await lab()
  // It is to find a connection that is open.
  await keyspace.transaction(['b'], (tx) => void tx.incrBy('b', 1))
  const failure = failureOf(
    keyspace.transaction(
      ['a'],
      (tx) => {
        // Before anybody can wait for it.
        void redis!.client.call('INCR', 'a')
        tx.incrBy('a', 1)
        const endMs = performance.now() + 5
        while (performance.now() < endMs);
      },
      { timeoutMs: 150 },
    ),
  )
  expect((await failure).code).toMatch(/SHL_TRANSACTION_REFUSED|SHL_ASK_TIMEOUT/)
})

test('a connection that is lost before the end costs nothing, one at the end leaves it unknown', async () => {
  await redis!.client.call('FLUSHALL')
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port, { backoff: { minMs: 5, maxMs: 20 }, timeoutMs: 2000 })
  let reads = 0
  proxy.onRequest = (bytes) => {
    if (bytes.includes('WATCH') && ++reads === 1) proxy.cut()
  }
  expect(await keyspace.transaction(['a'], (tx) => tx.incrBy('a', 1))).toBe(1)
  expect(reads).toBe(2)
  proxy.onRequest = (bytes) => {
    if (bytes.includes('EXEC')) proxy.mode = 'swallowReplies'
  }
  const failure = failureOf(keyspace.transaction(['a'], (tx) => tx.incrBy('a', 1)))
  await until(() => proxy.mode === 'swallowReplies', 'it is at its end')
  await sleep(10)
  proxy.onRequest = undefined
  proxy.mode = 'pass'
  proxy.cut()
  expect(await failure).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
  expect(await keyspace.get('a')).toBe('2')
})

test('a signal ends it', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port)
  await keyspace.ready()
  proxy.mode = 'swallowReplies'
  const stop = new AbortController()
  const failure = failureOf(keyspace.transaction(['a'], (tx) => tx.get('a'), { signal: stop.signal }))
  await sleep(20)
  stop.abort(new Error('enough'))
  expect((await failure).message).toMatch(/enough|aborted/)
})

/** The client against our own server: what Redis has not. */
import { createRuntime } from 'shardloom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultProxy, failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'

let runtime: Awaited<ReturnType<typeof createRuntime>>
let port = 0

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
  const server = await runtime.serve({ port: 0 })
  port = server.address.port
})

afterAll(() => runtime?.close())

const QUICK = { backoff: { minMs: 5, maxMs: 20 } }

test('the same calls as in the process, seen from both', async () => {
  const { keyspace } = testKeyspace(port)
  await keyspace.set('a', 'ä')
  expect(runtime.keyspace.getSync('a')).toBe('ä')
  await runtime.keyspace.hash('h').set({ f: '1', g: '2' })
  expect(await keyspace.hash('h').getAll()).toEqual({ f: '1', g: '2' })
  await keyspace.zset('z').add({ x: 0.1, y: 2 })
  expect(await keyspace.zset('z').range()).toEqual(await runtime.keyspace.zset('z').range())
  await keyspace.mset({ k1: '1', k2: '2', k3: '3' })
  expect(await keyspace.mget(['k1', 'k2', 'k3', 'none'])).toEqual(['1', '2', '3', undefined])
  const keys: string[] = []
  for await (const key of keyspace.scan({ match: 'k*' })) keys.push(key)
  expect(keys.sort()).toEqual(['k1', 'k2', 'k3'])
  expect(
    await keyspace.batch([
      ['SET', 'k1', 'x'],
      ['GET', 'k2'],
      ['LPUSH', 'k3', 'y'],
    ]),
  ).toMatchObject([...['OK', '2', { code: 'SHL_WRONG_TYPE' }]])
})

test('a transaction over all types and several shards', async () => {
  const { keyspace } = testKeyspace(port)
  await keyspace.hash('t:h').set({ a: 1 })
  await keyspace.list('t:l').push('x', 'y')
  await keyspace.members('t:s').add('m')
  await keyspace.zset('t:z').add('m', 1.5)
  const seen = await keyspace.transaction(['t:h', 't:l', 't:s', 't:z', 't:new'], (tx) => {
    tx.command('HINCRBY', 't:h', 'a', 5)
    tx.command('LPUSH', 't:l', 'w')
    tx.command('SADD', 't:s', 'n')
    tx.command('ZINCRBY', 't:z', 1, 'm')
    tx.set('t:new', 'new', { ttl: 60_000 })
    return tx.command('LRANGE', 't:l', 0, -1)
  })
  expect(seen).toEqual(['w', 'x', 'y'])
  expect(await keyspace.hash('t:h').getAll()).toEqual({ a: '6' })
  expect(await keyspace.list('t:l').range()).toEqual(['w', 'x', 'y'])
  expect((await keyspace.members('t:s').members()).sort()).toEqual(['m', 'n'])
  expect(await keyspace.zset('t:z').score('m')).toBe(2.5)
  expect(await keyspace.ttl('t:new')).toBeGreaterThan(50_000)
})

describe('locks', () => {
  test('one holds it, and the next one waits', async () => {
    const { keyspace: one } = testKeyspace(port)
    const { keyspace: two } = testKeyspace(port)
    const lock = await one.lock('l1', { ttl: 5000 })
    expect(lock.isHeld).toBe(true)
    expect(await two.tryLock('l1')).toBeUndefined()
    expect(await failureOf(two.lock('l1', { waitMs: 20 }))).toMatchObject({ code: 'SHL_LOCK_TIMEOUT' })
    const next = two.lock('l1', { waitMs: 5000 })
    await until(async () => (await one.lockInfo('l1')).waiters.length === 1, 'it waits')
    expect(await lock.release()).toBe(true)
    const later = await next
    expect(later.token).toBeGreaterThan(lock.token)
    expect((await one.lockInfo('l1')).holders).toMatchObject([{ owner: later.owner, token: later.token }])
    expect((await one.locks()).map(({ name }) => name)).toContain('l1')
    await later.release()
    expect(await runtime.keyspace.tryLock('l1')).toBeDefined()
  })

  test('a fence keeps out who has lost it', async () => {
    const { keyspace } = testKeyspace(port)
    const lock = await keyspace.lock('l2')
    expect(await keyspace.set('l2:data', '1', { fence: lock })).toBe(true)
    await lock.release()
    const failure = await failureOf(keyspace.set('l2:data', '2', { fence: lock }))
    expect(failure).toMatchObject({ code: 'SHL_LOCK_FENCED' })
    expect(await keyspace.get('l2:data')).toBe('1')
  })

  test('a heartbeat keeps it, and a signal tells when it is lost', async () => {
    const proxy = await FaultProxy.start(port)
    const { keyspace } = testKeyspace(proxy.port, { ...QUICK, timeoutMs: 100 })
    await keyspace.within({ timeoutMs: 2000 }).ready()
    const lock = await keyspace.lock('l3', { ttl: 300 })
    await sleep(450)
    expect(lock.isHeld).toBe(true)
    expect(await runtime.keyspace.tryLock('l3')).toBeUndefined()
    proxy.mode = 'swallowAll'
    await until(() => lock.signal.aborted, 'it is lost')
    expect(lock.signal.reason).toMatchObject({ code: 'SHL_LOCK_LOST' })
    await until(async () => (await runtime.keyspace.tryLock('l3')) !== undefined, 'somebody else has it')
  })

  test('a wait that is aborted leaves nothing behind', async () => {
    const { keyspace } = testKeyspace(port)
    const held = await runtime.keyspace.lock('l4')
    const stop = new AbortController()
    const wait = failureOf(keyspace.lock('l4', { signal: stop.signal }))
    await until(async () => (await runtime.keyspace.lockInfo('l4')).waiters.length === 1, 'it waits')
    stop.abort()
    expect(await wait).toMatchObject({ code: 'SHL_LOCK_ABORTED' })
    await until(async () => (await runtime.keyspace.lockInfo('l4')).waiters.length === 0, 'nobody waits')
    await held.release()
    expect((await runtime.keyspace.lockInfo('l4')).mode).toBe('free')
  })

  test('several at once, by many in any order, without a deadlock', async () => {
    const clients = Array.from({ length: 4 }, () => testKeyspace(port).keyspace)
    const names = ['m1', 'm2', 'm3', 'm4', 'm5']
    let inside = 0
    await Promise.all(
      clients.map(async (keyspace, i) => {
        for (let round = 0; round < 4; round++) {
          const wanted = names.filter((_, at) => (at + i + round) % 2 === 0).reverse()
          const lock = await keyspace.lock([...wanted, 'm3'], { waitMs: 10_000 })
          expect(++inside).toBe(1)
          await sleep(1)
          inside--
          await lock.release()
        }
      }),
    )
  })

  test('a lost connection during a wait is made again, and the wait goes on', async () => {
    const proxy = await FaultProxy.start(port)
    const { keyspace } = testKeyspace(proxy.port, QUICK)
    const held = await runtime.keyspace.lock('l5')
    const wait = keyspace.lock('l5', { waitMs: 5000 })
    await until(async () => (await runtime.keyspace.lockInfo('l5')).waiters.length === 1, 'it waits')
    proxy.cut()
    await sleep(60)
    await held.release()
    const lock = await wait
    expect(lock.isHeld).toBe(true)
    await lock.release()
  })

  test('a lock that was granted as its connection broke is given back before the next attempt', async () => {
    const proxy = await FaultProxy.start(port)
    const { keyspace } = testKeyspace(proxy.port, QUICK)
    await keyspace.ready()
    proxy.onRequest = (bytes) => {
      if (bytes.includes('LOCK.ACQUIRE')) proxy.mode = 'swallowReplies'
    }
    const wait = keyspace.lock(['l6', 'l7'], { waitMs: 5000, ttl: 60_000 })
    await until(
      async () => (await runtime.keyspace.locks({ match: 'l[67]' })).length === 1,
      'one was granted',
    )
    proxy.onRequest = undefined
    proxy.mode = 'pass'
    proxy.cut()
    const lock = await wait
    expect(lock.isHeld).toBe(true)
    expect((await keyspace.lockInfo('l6')).holders).toMatchObject([{ owner: lock.owner }])
    await lock.release()
  })

  test('semaphores and limits', async () => {
    const { keyspace } = testKeyspace(port)
    const places = [await keyspace.semaphore('sem', 2), await keyspace.semaphore('sem', 2)]
    expect(await keyspace.trySemaphore('sem', 2)).toBeUndefined()
    await places[0]!.release()
    expect(await keyspace.trySemaphore('sem', 2)).toBeDefined()
    const views = []
    for (let i = 0; i < 3; i++)
      views.push(await keyspace.limit('lim', { count: 1, periodMs: 60_000, burst: 1 }))
    expect(views.map(({ allowed }) => allowed)).toEqual([true, true, false])
  })
})

test('a value is computed once for all clients', async () => {
  const { keyspace: one } = testKeyspace(port)
  const { keyspace: two } = testKeyspace(port)
  let runs = 0
  const compute = async (): Promise<string> => {
    runs++
    await sleep(20)
    return 'made'
  }
  const values = await Promise.all([
    ...[one, two, one, two].map((keyspace) => keyspace.getOrCompute('made', compute)),
    runtime.keyspace.getOrCompute('made', compute),
  ])
  expect(new Set(values)).toEqual(new Set(['made']))
  expect(runs).toBe(1)
})

test('a revision sees to it that a write is done once, however the network fails', async () => {
  const proxy = await FaultProxy.start(port)
  const { keyspace } = testKeyspace(proxy.port, { ...QUICK, connections: 1 })
  await keyspace.set('rev', '0')
  const revision = (await keyspace.revision('rev')) as number
  expect(await keyspace.set('rev', 'x', { ifRevision: revision + 1000 })).toBe(false)
  proxy.mode = 'swallowRequests'
  const written = keyspace.set('rev', '1', { ifRevision: revision })
  await sleep(20)
  proxy.mode = 'pass'
  proxy.cut()
  // The first one never came, and this one did: that is certain.
  expect(await written).toBe(true)
  const next = (await keyspace.revision('rev')) as number
  proxy.mode = 'swallowReplies'
  const unknown = failureOf(keyspace.set('rev', '2', { ifRevision: next }))
  await until(() => runtime.keyspace.getSync('rev') === '2', 'it was done')
  proxy.mode = 'pass'
  proxy.cut()
  // Refused because of itself: nobody can tell.
  expect(await unknown).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
})

test('what is kept is taken out when somebody writes, from anywhere', async () => {
  const { keyspace, client } = testKeyspace(port, { cache: {} })
  await keyspace.ready()
  await until(() => client.metrics.connections === 2, 'both connections are there')
  await runtime.keyspace.set('cached', '1')
  // A word about the first write may come a moment after it.
  await until(async () => {
    expect(await keyspace.get('cached')).toBe('1')
    return client.metrics.cache!.hits > 0
  }, 'it is kept')
  await runtime.keyspace.set('cached', '2')
  await until(async () => (await keyspace.get('cached')) === '2', 'it is seen')
  await keyspace.hash('cached:h').set({ f: '1' })
  expect(await keyspace.hash('cached:h').get('f')).toBe('1')
  await runtime.keyspace.delete('cached:h')
  await until(async () => (await keyspace.hash('cached:h').get('f')) === undefined, 'it is seen')
})

test('subscriptions, from one client to another and to the process', async () => {
  const { keyspace } = testKeyspace(port)
  const remote = keyspace.subscribe('chan')
  const local = runtime.keyspace.subscribe('chan')
  await Promise.all([remote.ready, local.ready])
  await keyspace.publish('chan', 'one')
  await runtime.keyspace.publish('chan', 'two')
  for (const subscription of [remote, local]) {
    expect(await subscription.next()).toMatchObject({ value: { channel: 'chan', message: 'one' } })
    expect(await subscription.next()).toMatchObject({ value: { message: 'two' } })
    await subscription.return()
  }
})

test('a watch misses nothing, over lost connections', async () => {
  const proxy = await FaultProxy.start(port)
  const { keyspace } = testKeyspace(proxy.port, QUICK)
  const watch = keyspace.watch('w*', { values: true })
  await watch.ready
  const seen: number[] = []
  const watching = (async () => {
    for await (const { changes } of watch) {
      for (const { key, event, type, value } of changes) {
        expect([key, event, type]).toEqual(['w', 'set', 'string'])
        seen.push(Number(value))
      }
      if (seen.length >= 100) break
    }
  })()
  for (let i = 0; i < 100; i++) {
    await runtime.keyspace.set('w', String(i))
    if (i % 20 === 10) proxy.cut()
    if (i % 10 === 0) await sleep(5)
  }
  await watching
  expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i))
})

/** Commands that wait: none keeps others waiting, and nothing that was popped is lost. */
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

test('many wait, and nobody else waits behind them', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  const waits = Array.from({ length: 10 }, (_, i) => keyspace.list(`w${i}`).shiftWait({ timeoutMs: 5000 }))
  await until(() => client.pool.open === 10, 'all wait')
  expect(await keyspace.set('a', '1')).toBe(true)
  for (let i = 0; i < 10; i++) await keyspace.list(`w${i}`).push(`e${i}`)
  expect(await Promise.all(waits)).toEqual(Array.from({ length: 10 }, (_, i) => `e${i}`))
  // Their connections are used again.
  await keyspace.list('w0').shiftWait({ timeoutMs: 5 })
  expect(client.pool.open).toBe(10)
})

test('a wait ends by itself, and that is no error', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  expect(await keyspace.list('none').shiftWait({ timeoutMs: 20 })).toBeUndefined()
  expect(await keyspace.command('BLPOP', 'none', '0.02')).toBe(null)
  expect((await failureOf(keyspace.command('BLPOP', 'none', 'soon'))).message).toMatch(
    /timeout is not a float/,
  )
})

test('a signal ends a wait, whose connection is used again', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  await keyspace.list('none').shiftWait({ timeoutMs: 1 })
  for (let i = 0; i < 3; i++) {
    const stop = new AbortController()
    const wait = failureOf(keyspace.list('none').shiftWait({ signal: stop.signal }))
    await sleep(10)
    stop.abort(new Error('enough'))
    expect(await wait).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  }
  expect(client.pool.open).toBe(1)
  // In the turn of its call, when the connection is just being handed over.
  const hasty = new AbortController()
  const atOnce = failureOf(keyspace.list('none').shiftWait({ signal: hasty.signal }))
  hasty.abort()
  expect(await atOnce).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: false } })
  const stopped = AbortSignal.abort()
  const before = await failureOf(keyspace.list('none').shiftWait({ signal: stopped }))
  expect(before).toMatchObject({ code: 'SHL_ASK_ABORTED' })
})

test('what comes in the moment of the end is given: no element is lost', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  let given = 0
  for (let i = 0; i < 20; i++) {
    const stop = new AbortController()
    const wait = keyspace
      .list('race')
      .shiftWait({ signal: stop.signal })
      .then(
        () => given++,
        () => undefined,
      )
    await sleep(i % 4)
    const pushed = keyspace.list('race').push(`e${i}`)
    stop.abort()
    await Promise.all([wait, pushed])
  }
  expect(given + (await keyspace.list('race').length())).toBe(20)
})

test('a wait whose connection is lost may have taken something: it says so', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port)
  const wait = failureOf(keyspace.list('none').shiftWait())
  await proxy.heard('BLPOP')
  proxy.cut()
  expect(await wait).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
})

test('an answer that is overdue ends the connection', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port, { timeoutMs: 300 })
  await keyspace.within({ timeoutMs: 2000 }).ready()
  expect(await keyspace.list('none').shiftWait({ timeoutMs: 1 })).toBeUndefined()
  proxy.mode = 'swallowReplies'
  const late = await failureOf(keyspace.list('none').shiftWait({ timeoutMs: 20 }))
  expect(late).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { isSent: true } })
})

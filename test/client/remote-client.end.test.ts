/** The end of a client with calls that wait: they are given up in order, and nothing is lost. */
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

/** Waits until so many are waited for by the server. */
const blocked = (count: number) =>
  until(async () => {
    const list = String(await redis!.client.call('CLIENT', 'LIST'))
    return (list.match(/ flags=b /g) ?? []).length === count
  }, 'they wait')

const CLOSED = { code: 'SHL_CONNECTION_CLOSED', details: { outcome: 'nothing was done' } }

test('waits are given up at once, whether they were sent, or not yet', async () => {
  const { keyspace } = testKeyspace(redis!.port, { exclusiveMax: 2 })
  const session = keyspace.session()
  await session.call(['SELECT', '1'])
  const waits = [
    failureOf(keyspace.list('none').shiftWait()),
    failureOf(session.call(['BLPOP', 'none', '0'])),
  ]
  await blocked(2)
  const inLine = failureOf(keyspace.list('none').shiftWait())
  const began = performance.now()
  await keyspace.close()
  // Not by its deadline.
  expect(performance.now() - began).toBeLessThan(4000)
  for (const wait of waits) expect(await wait).toMatchObject({ ...CLOSED, details: { isSent: true } })
  expect(await inLine).toMatchObject({ ...CLOSED, details: { isSent: false } })
  expect(await failureOf(session.call(['PING']))).toMatchObject(CLOSED)
})

test('what comes in the moment of the end is given: no element is lost', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  let given = 0
  let refused = 0
  for (let i = 0; i < 20; i++) {
    const { keyspace: closing } = testKeyspace(redis!.port)
    await closing.list('ended').shiftWait({ timeoutMs: 1 })
    const wait = closing
      .list('ended')
      .shiftWait()
      .then(
        () => given++,
        (error) => {
          expect(error.code).toBe('SHL_CONNECTION_CLOSED')
          refused++
        },
      )
    await sleep(i % 4)
    const pushed = keyspace.list('ended').push(`e${i}`)
    await closing.close()
    await Promise.all([wait, pushed])
    // Settled before the end was.
    expect(given + refused).toBe(i + 1)
  }
  expect(given + (await keyspace.list('ended').length())).toBe(20)
})

test('close waits for transactions, and for calls of sessions', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port)
  const session = keyspace.session()
  await session.call(['PING'])
  await keyspace.transaction(['t'], (tx) => tx.set('t', '1'))
  proxy.delayMs = 30
  const under = [
    keyspace.transaction(['t'], (tx) => tx.set('t', '2')),
    session.call(['SET', 'under', '1']),
  ] as const
  await keyspace.close()
  await Promise.all(under)
  expect(String(await redis!.client.call('GET', 't'))).toMatch(/2/)
  await until(() => proxy.open === 0, 'no connection is left')
})

test('a wait that the server does not give up ends with the client: its outcome is unknown', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port)
  const wait = failureOf(keyspace.list('none').shiftWait())
  await blocked(1)
  proxy.mode = 'swallowAll'
  await keyspace.close({ timeoutMs: 50 })
  expect(await wait).toMatchObject({ code: 'SHL_CONNECTION_LOST', details: { isSent: true } })
})

test('closed twice is closed once, and both know when', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  await keyspace.ready()
  const wait = failureOf(keyspace.list('none').shiftWait())
  await blocked(1)
  void keyspace.close()
  let isOver = false
  void wait.then(() => {
    isOver = true
  })
  await keyspace.close()
  expect(isOver).toBe(true)
  expect(() => keyspace.close(null as never)).toThrowError(/options/)
})

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { OK, QUEUED } from '../../src/keyspace/engine/index.ts'
import { FaultProxy, failureOf, sleep, testKeyspace } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

test('it has a database and a transaction of its own', async () => {
  await redis!.client.call('FLUSHALL')
  const { keyspace } = testKeyspace(redis!.port)
  await using session = keyspace.session()
  expect(await session.call(['SELECT', '2'])).toEqual(OK)
  expect(session.db).toBe(2)
  expect(await session.call(['MULTI'])).toEqual(OK)
  expect(session.isInTransaction).toBe(true)
  expect(await session.call(['SET', 'a', '1'])).toEqual(QUEUED)
  expect(await session.call(['SELECT', '3'])).toEqual(QUEUED)
  expect(session.db).toBe(2)
  expect(await session.call(['EXEC'])).toEqual([OK, OK])
  expect([session.db, session.isInTransaction]).toEqual([3, false])
  expect(await session.call(['GET', 'a'])).toBe(null)
  expect(await keyspace.get('a')).toBeUndefined()
})

test('watched keys that change make EXEC do nothing', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  await using session = keyspace.session()
  await session.call(['WATCH', 'w'])
  await keyspace.set('w', 'other')
  await session.call(['MULTI'])
  await session.call(['SET', 'w', 'mine'])
  expect(await session.call(['EXEC'])).toBe(null)
  expect(await keyspace.get('w')).toBe('other')
  expect(await session.call(['EXEC'])).toMatchObject({ code: 'ERR' })
})

test('what it had set up is gone with its connection', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port, { backoff: { minMs: 5, maxMs: 20 } })
  await using session = keyspace.session()
  await session.call(['SELECT', '4'])
  await session.call(['MULTI'])
  proxy.mode = 'swallowReplies'
  const failure = failureOf(session.call(['SET', 'a', '1']))
  await sleep(10)
  proxy.mode = 'pass'
  proxy.cut()
  expect(await failure).toMatchObject({ code: 'SHL_CONNECTION_LOST' })
  await sleep(10)
  expect(await session.call(['PING'])).toMatchObject({ text: 'PONG' })
  expect([session.db, session.isInTransaction]).toEqual([0, false])
})

test('a call ends in time, and the connection with it, since its state is unknown', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace, client } = testKeyspace(proxy.port)
  const session = keyspace.session()
  await session.call(['PING'])
  proxy.mode = 'swallowReplies'
  const late = await failureOf(session.call(['INCR', 'n'], { timeoutMs: 40 }))
  expect(late).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { isSent: true } })
  expect(client.pool.open).toBe(0)
  proxy.mode = 'pass'
  await session.close()
  expect(await failureOf(session.call(['PING']))).toMatchObject({ code: 'SHL_CONNECTION_CLOSED' })
})

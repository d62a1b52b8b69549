/** MIGRATE from a real Redis into ours: keys of every type that we have arrive, with their expiry. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import type { Resp2Form } from '../../support/resp2.mjs'
import { type TestServer, testServer } from '../../support/server.ts'

const TIMEOUT_MS = '10000'
const NUMBERS = Array.from({ length: 1000 }, (_, i) => String(i))

/** Name → how it is made, in each form in which Redis 7.0 keeps that type. */
const MADE: Readonly<Record<string, readonly string[]>> = {
  'string number': ['SET', 'string number', '-12345'],
  'string short': ['SET', 'string short', 'gr\xfcn \x00\r\n\xff'],
  'string long': ['SET', 'string long', 'abc'.repeat(50_000)],
  'string empty': ['SET', 'string empty', ''],
  'list short': ['RPUSH', 'list short', 'a', '', '7', '\xff'],
  'list long': ['RPUSH', 'list long', ...NUMBERS, 'x'.repeat(10_000)],
  'set of numbers': ['SADD', 'set of numbers', '1', '-70000', '5000000000'],
  'set of words': ['SADD', 'set of words', 'a', 'b', '3'],
  'set long': ['SADD', 'set long', ...NUMBERS.map((n) => `m${n}`)],
  'hash short': ['HSET', 'hash short', 'f', 'v', '1', '2', '', ''],
  'hash long': ['HSET', 'hash long', ...NUMBERS.flatMap((n) => [`f${n}`, n])],
  'zset short': ['ZADD', 'zset short', '1', 'a', '-2.5', 'b', '+inf', 'c'],
  'zset long': ['ZADD', 'zset long', ...NUMBERS.flatMap((n) => [`${n}.25`, `m${n}`])],
}
const NAMES = Object.keys(MADE)

let redis: RedisServer | undefined
let server: TestServer
let ours: RespClient

beforeAll(async () => {
  redis = await startRedis()
  server = await testServer({ serve: { user: ['mover on >secret ~* +@all'] } })
  ours = await RespClient.connect(server.port)
})
afterAll(async () => {
  ours?.close()
  await redis?.stop()
  await server?.close()
})
beforeEach(async () => {
  await ours.call('FLUSHALL')
  await redis?.client.pipeline([['FLUSHALL'], ...Object.values(MADE)])
})

/** What a key holds, in an order that is its own. */
async function contentOf(from: RespClient, name: string): Promise<Resp2Form> {
  const type = String(await from.call('TYPE', name))
  switch (type) {
    case '+string':
      return [type, await from.call('GET', name)]
    case '+list':
      return [type, await from.call('LRANGE', name, '0', '-1')]
    case '+set':
      return [type, ...((await from.call('SMEMBERS', name)) as string[]).sort()]
    case '+zset':
      return [type, await from.call('ZRANGE', name, '0', '-1', 'WITHSCORES')]
    case '+hash': {
      const flat = (await from.call('HGETALL', name)) as string[]
      const pairs = flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]!]] : []))
      return [type, ...pairs.sort(([one = ''], [other = '']) => (one < other ? -1 : 1))]
    }
    default:
      return type
  }
}

const contents = (from: RespClient): Promise<Resp2Form[]> =>
  Promise.all(NAMES.map((name) => contentOf(from, name)))

const migrate = ({ client }: RedisServer, key: string, ...options: string[]): Promise<Resp2Form> =>
  client.call('MIGRATE', '127.0.0.1', String(server.port), key, '0', TIMEOUT_MS, ...options)

test('keys of every type arrive as they were, over both shards, and leave Redis', async ({ skip }) => {
  if (redis === undefined) return skip('needs redis-server')
  const before = await contents(redis.client)
  expect(new Set(before.map(([type]) => type))).toEqual(
    new Set(['+string', '+list', '+set', '+hash', '+zset']),
  )
  expect(await migrate(redis, '', 'COPY', 'KEYS', ...NAMES)).toBe('+OK')
  expect(await contents(ours)).toEqual(before)
  expect(await redis.client.call('DBSIZE')).toBe(`:${NAMES.length}`)
  // A key that is there is not written over, unless that is said.
  expect(await migrate(redis, 'string short')).toMatch(/^-ERR Target instance replied with error: BUSYKEY /)
  await ours.call('SET', 'string short', 'ours')
  expect(await migrate(redis, '', 'REPLACE', 'KEYS', ...NAMES)).toBe('+OK')
  expect(await contents(ours)).toEqual(before)
  expect(await redis.client.call('DBSIZE')).toBe(':0')
  expect(await migrate(redis, 'string short')).toBe('+NOKEY')
  // Commands that change them find them whole.
  expect(await ours.call('RPUSH', 'list long', 'more')).toBe(':1002')
  expect(await ours.call('ZADD', 'zset long', '0', 'm999')).toBe(':0')
  expect(await ours.call('INCR', 'string number')).toBe(':-12344')
})

test('an expiry goes along, and a user and a database may be named', async ({ skip }) => {
  if (redis === undefined) return skip('needs redis-server')
  await redis.client.call('PEXPIRE', 'hash short', '500000')
  expect(await migrate(redis, 'hash short', 'AUTH2', 'mover', 'secret')).toBe('+OK')
  const left = Number(String(await ours.call('PTTL', 'hash short')).slice(1))
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(500_000)
  expect(await ours.call('PTTL', 'set long')).toBe(':-2')
  const { client } = redis
  const words = ['MIGRATE', '127.0.0.1', String(server.port), 'set long', '5', TIMEOUT_MS]
  expect(await client.call(...words, 'AUTH2', 'mover', 'wrong')).toMatch(/^-ERR Target .*WRONGPASS/)
  // All is sent in one stretch: who is refused so goes on as the user that it was, here the default one.
  expect(await client.call(...words, 'REPLACE')).toBe('+OK')
  expect(await ours.call('DBSIZE')).toBe(':1')
  await ours.call('SELECT', '5')
  expect([await ours.call('SCARD', 'set long'), await ours.call('PTTL', 'set long')]).toEqual([
    ':1000',
    ':-1',
  ])
  await ours.call('SELECT', '0')
})

test('a type that we do not have stays where it is', async ({ skip }) => {
  if (redis === undefined) return skip('needs redis-server')
  await redis.client.call('XADD', 'stream', '*', 'field', 'value')
  expect(await migrate(redis, '', 'KEYS', 'stream', 'list short')).toMatch(
    /^-ERR Target instance replied with/,
  )
  expect(await redis.client.call('XLEN', 'stream')).toBe(':1')
  expect(await ours.call('EXISTS', 'stream')).toBe(':0')
  // As with Redis, what stands beside it goes.
  expect(await redis.client.call('EXISTS', 'list short')).toBe(':0')
  expect(await ours.call('LRANGE', 'list short', '0', '-1')).toEqual(['$a', '$', '$7', '$\xff'])
})

/**
 * SWAPDB over two shards, by several clients: who has selected a database then sees the other, all at once.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { infoFields } from '../../support/info-fields.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import type { Resp2Form } from '../../support/resp2.mjs'
import { keysOf } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const KEYS = [...keysOf(0, 2, 4), ...keysOf(1, 2, 4)]
const SWAPS = 40

let redis: RedisServer | undefined
let server: TestServer
let open: RespClient[] = []

beforeAll(async () => {
  redis = await startRedis()
  server = await testServer()
})
afterAll(async () => {
  for (const client of open) client.close()
  await redis?.stop()
  await server?.close()
})
beforeEach(async () => {
  for (const client of open.splice(0)) client.close()
})

async function clientsOf(port: number, count: number): Promise<RespClient[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => RespClient.connect(port)))
  await clients[0]!.call('FLUSHALL')
  open = [...open, ...clients]
  return clients
}

/** What clients of either database are told, one step after the other. */
async function story(port: number): Promise<Resp2Form[]> {
  const [zero, one, waiter, watcher] = (await clientsOf(port, 4)) as [
    RespClient,
    RespClient,
    RespClient,
    RespClient,
  ]
  const told: Resp2Form[] = []
  const tell = async (client: RespClient, ...words: string[]): Promise<void> => {
    told.push(await client.call(...words))
  }
  for (const client of [one, waiter, watcher]) await tell(client, 'SELECT', '1')
  for (const key of KEYS) await tell(zero, 'SET', key, 'of zero')
  await tell(one, 'MSET', ...KEYS.slice(2).flatMap((key) => [key, 'of one']))
  await tell(one, 'EXPIRE', KEYS[2]!, '1000')
  await tell(watcher, 'WATCH', KEYS[0]!)
  const waits = waiter.call('BLPOP', 'list', '0')
  await until(async () => (await infoFields(zero, 'clients')).get('blocked_clients') === '1')
  await tell(zero, 'RPUSH', 'list', 'pushed in zero')
  await tell(zero, 'SWAPDB', '0', '1')
  told.push(await waits)
  await tell(zero, 'MGET', ...KEYS)
  await tell(one, 'MGET', ...KEYS)
  await tell(zero, 'PERSIST', KEYS[2]!)
  for (const client of [zero, one]) await tell(client, 'DBSIZE')
  // The database of the one that watches holds the key now.
  await tell(watcher, 'MULTI')
  await tell(watcher, 'PING')
  await tell(watcher, 'EXEC')
  await tell(one, 'SWAPDB', '1', '0')
  await tell(one, 'MGET', ...KEYS)
  await tell(one, 'SWAPDB', '3', '3')
  await tell(zero, 'SWAPDB', '0', '16')
  await tell(zero, 'SWAPDB', 'x', '1')
  await tell(zero, 'SWAPDB', '0', 'x')
  await tell(zero, 'SWAPDB', '0')
  for (const words of [['MULTI'], ['SWAPDB', '0', '1'], ['SET', 'late', 'v'], ['EXEC']]) {
    await tell(zero, ...words)
  }
  await tell(zero, 'GET', 'late')
  await tell(one, 'GET', 'late')
  return told
}

test('each sees what the other had, with what waits and what is watched, as Redis has it', async ({
  skip,
}) => {
  const ours = await story(server.port)
  expect(ours).toContainEqual(['$list', '$pushed in zero'])
  expect(ours.at(-2)).toBe('$v')
  if (redis === undefined) return skip('the rest is compared with Redis')
  expect(ours).toEqual(await story(redis.port))
})

test('swaps of two clients are seen as a whole, over all shards', async () => {
  const [one, other, reader, second] = (await clientsOf(server.port, 4)) as [
    RespClient,
    RespClient,
    RespClient,
    RespClient,
  ]
  await second.call('SELECT', '1')
  await reader.call('MSET', ...KEYS.flatMap((key) => [key, 'zero']))
  await second.call('MSET', ...KEYS.flatMap((key) => [key, 'one']))
  const seen = new Set<string>()
  let isOver = false
  const reads = [reader, second].map(async (client) => {
    while (!isOver) {
      const values = (await client.call('MGET', ...KEYS)) as readonly string[]
      expect(new Set(values).size).toBe(1)
      seen.add(values[0]!)
    }
  })
  const swaps = [one, other].map(async (client) => {
    for (let i = 0; i < SWAPS; i++) expect(await client.call('SWAPDB', '0', '1')).toBe('+OK')
  })
  await Promise.all(swaps)
  isOver = true
  await Promise.all(reads)
  expect(seen).toEqual(new Set(['$zero', '$one']))
  // There were as many as bring all back.
  expect(new Set((await reader.call('MGET', ...KEYS)) as string[])).toEqual(new Set(['$zero']))
})

/**
 * A live server under bytes that are no requests, or nearly: it goes on, others are answered rightly, and
 * its memory does not grow with what was sent. What is found is repeated by its seed.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { Mutator } from '../../support/fuzz/mutator.ts'
import { clientCount, eventually } from '../../support/robust/client-list.ts'
import { type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { request, type TestServer, testServer } from '../../support/server.ts'

const MB = 1024 * 1024
const isSoak = process.env['SHL_SOAK'] !== undefined
const CONNECTIONS = isSoak ? 20_000 : 400
const SEED = isSoak ? Math.floor(performance.timeOrigin) % 2 ** 31 : 1
const AT_A_TIME = 20
const INPUTS_MAX = 6
const GROWTH_BYTES_MAX = (isSoak ? 320 : 160) * MB

/** One of each way to be taken, and what looks like more than it is. */
const SEEDS = [
  request('PING'),
  request('GET', 'a'),
  request('SET', 'a', 'x'.repeat(200)),
  request('SET', 'b', 'y'.repeat(40_000)),
  request('MSET', 'a', '1', 'b', '2', 'c', '3'),
  request('MGET', 'a', 'b', 'c', 'd'),
  request('INCRBY', 'n', 10),
  request('LPUSH', 'l', 'a', 'b'),
  request('BLPOP', 'l', 'm', '0.01'),
  request('HSET', 'h', 'f', 'v'),
  request('ZADD', 'z', '1.5', 'm'),
  request('SCAN', 0, 'MATCH', '*', 'COUNT', 10),
  request('SUBSCRIBE', 'news'),
  request('HELLO', 3),
  request('CLIENT', 'SETNAME', 'x'),
  request('OBJECT', 'ENCODING', 'a'),
  request('LOCK.ACQUIRE', 'k', 'me', 'PX', 100),
  Buffer.concat([request('MULTI'), request('SET', 'a', '1'), request('INCR', 'b'), request('EXEC')]),
  Buffer.concat([request('WATCH', 'a', 'b'), request('MULTI'), request('GET', 'a'), request('EXEC')]),
  Buffer.from('PING\r\nGET a\r\n SET "a" \'b\'\r\n\r\n'),
  Buffer.from('*2\r\n$3\r\nGET\r\n$536870912\r\nx'),
  Buffer.from('*1048576\r\n$1\r\nx\r\n'),
  Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
]
const DICTIONARY = [
  '*1\r\n',
  '*-1\r\n',
  '$0\r\n\r\n',
  '$-1\r\n',
  '\r\n',
  '\n',
  '\0',
  '"',
  '$',
  '*',
  '-1',
  'MULTI',
]

let server: TestServer
let clients: WireClients
let calm: WireClient

beforeAll(async () => {
  server = await testServer()
  clients = new WireClients(server.port)
  calm = await clients.one()
})
afterAll(async () => {
  clients.close()
  await server.close()
})

/** Sends some inputs, cut anywhere, and goes in one way or another. */
async function beRude(random: Random, mutator: Mutator): Promise<void> {
  const client = await clients.one()
  const bytes: Buffer[] = []
  for (let i = random.below(INPUTS_MAX) + 1; i > 0; i--) {
    const [one, other] = [SEEDS[random.below(SEEDS.length)]!, SEEDS[random.below(SEEDS.length)]!]
    const isNoise = random.below(8) === 0
    const noise = () => Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256)))
    bytes.push(isNoise ? noise() : mutator.mutate(one, other))
  }
  const all = Buffer.concat(bytes)
  const cut = random.below(all.length + 1)
  client.write(all.subarray(0, cut))
  await new Promise((resolve) => setImmediate(resolve))
  client.write(all.subarray(cut))
  await new Promise((resolve) => setImmediate(resolve))
  const way = random.below(4)
  if (way === 0) client.reset()
  else if (way === 1) client.destroy()
  else client.end()
}

test(`whatever is sent, nobody else notices (seed ${SEED})`, async () => {
  const random = seededRandom(SEED)
  const mutator = new Mutator(random, DICTIONARY)
  const before = process.memoryUsage().rss
  let isOver = false
  const own = ['calm:0', 'calm:1', 'calm:2', 'calm:3']
  /** Counted, not timed: every answer is the right one. */
  const beCalm = async (): Promise<number> => {
    let rounds = 0
    while (!isOver || rounds < 100) {
      rounds++
      const key = own[rounds % own.length]!
      calm.send(
        ['SET', key, rounds],
        ['GET', key],
        ['PING', rounds],
        ['MGET', own[0]!, key],
        ['INCR', 'calm:n'],
      )
      const [set, got, ponged, all, count] = await calm.take(5)
      expect([set, got, ponged, count]).toEqual(['OK', `${rounds}`, `${rounds}`, rounds])
      expect((all as readonly unknown[])[1]).toBe(`${rounds}`)
    }
    return rounds
  }
  const rounds = beCalm()
  for (let i = 0; i < CONNECTIONS; i += AT_A_TIME) {
    await Promise.all(Array.from({ length: AT_A_TIME }, () => beRude(random, mutator)))
  }
  isOver = true
  expect(await rounds).toBeGreaterThanOrEqual(100)
  await eventually(
    async () => (await clientCount(calm)) === 1,
    () => 'all have gone',
  )
  expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX)
}, 600_000)

test('lengths that are announced and never sent reserve nothing', async () => {
  const before = process.memoryUsage().rss
  const rude = await clients.several(isSoak ? 1000 : 200)
  for (const [i, client] of rude.entries()) {
    client.write(i % 2 === 0 ? '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$536000000\r\nx' : '*1048576\r\n$536000000\r\n')
  }
  await eventually(
    async () => (await clientCount(calm)) === rude.length + 1,
    () => 'all are there',
  )
  const list = String(await calm.call('CLIENT', 'LIST'))
  const sizes = [...list.matchAll(/ qbuf=(\d+)/g)].map(([, bytes]) => Number(bytes))
  expect(Math.max(...sizes)).toBeLessThan(1000)
  expect(process.memoryUsage().rss - before).toBeLessThan(64 * MB)
  for (const client of rude) client.reset()
  await eventually(
    async () => (await clientCount(calm)) === 1,
    () => 'all have gone',
  )
})

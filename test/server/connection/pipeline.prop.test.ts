/**
 * The same bytes to a real Redis and to a server with two shards on two threads, cut at random places, in
 * either version of the protocol: the same bytes come back.
 *
 * Requests of all kinds follow each other without waiting: for one key, for keys of several shards,
 * transactions, waits that are over at once, wrong ones.
 */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { exchange, request, type TestServer, testServer } from '../../support/server.ts'

const RUNS = process.env['SHL_SOAK'] === undefined ? 60 : 3000

let redis: RedisServer | undefined
let ours: TestServer

beforeAll(async () => {
  redis = await startRedis()
  ours = await testServer()
})
afterAll(async () => {
  await redis?.stop()
  await ours?.close()
})

const key = fc.constantFrom('a', 'b', 'c', 'd', '{t}1', '{t}2')
const word = fc.constantFrom('x', '1', '-7', '', 'some longer value', 'y'.repeat(300))
const command = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('SET', 'APPEND', 'LPUSH', 'rpush', 'SETNX'), key, word) },
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constantFrom('GET', 'INCR', 'strlen', 'LPOP', 'TYPE', 'LLEN', 'DECR', 'RPOP'),
      key,
    ),
  },
  fc.tuple(fc.constant('LRANGE'), key, fc.constant('0'), fc.constant('-1')),
  fc.tuple(fc.constant('ZADD'), fc.constantFrom('z', 'z2'), fc.constantFrom('1', '2.5', 'x'), word),
  fc.tuple(fc.constant('ZRANGE'), fc.constantFrom('z', 'z2'), ...words('0', '-1', 'WITHSCORES')),
  // Short ones: the order of the fields of a hash table is nobody's promise.
  fc.tuple(fc.constant('HSET'), fc.constant('h'), fc.constantFrom('x', '1', ''), fc.constantFrom('v', '')),
  fc.tuple(fc.constantFrom('HGETALL', 'HLEN'), fc.constant('h')),
  fc.tuple(fc.constantFrom('SADD', 'SISMEMBER', 'SREM'), fc.constantFrom('s', 'a'), word),
  fc.tuple(fc.constantFrom('RPUSH', 'LPUSHX'), key, word, word),
  fc.tuple(fc.constant('MSET'), key, word, key, word),
  fc.tuple(fc.constantFrom('MGET', 'DEL', 'EXISTS', 'UNLINK'), key, key, key),
  fc.tuple(fc.constant('BLPOP'), key, key, fc.constant('0.01')),
  fc.tuple(fc.constant('BLMOVE'), key, key, ...words('LEFT', 'RIGHT', '0.01')),
  fc.tuple(fc.constant('RENAME'), key, key),
  fc.tuple(fc.constant('SELECT'), fc.constantFrom('0', '1', '0', '16', 'x')),
  fc.constantFrom(['MULTI'], ['EXEC'], ['DISCARD'], ['UNWATCH'], ['PING'], ['DBSIZE'], ['RESET']),
  fc.constantFrom(
    ['PING', 'hello'],
    ['ECHO', 'x'],
    ['GET'],
    ['NOPE', 'a'],
    ['SET', 'a', 'b', 'c'],
    ['EXEC', 'a'],
  ),
  fc.tuple(fc.constant('WATCH'), key, key),
  fc.constantFrom(['HELLO', '4'], ['HELLO', 'x'], ['AUTH', 'wrong'], ['AUTH', 'a', 'b'], ['SELECT']),
)

function words(...all: readonly string[]) {
  return all.map((one) => fc.constant(one))
}

const stream = fc.record({
  isThird: fc.boolean(),
  commands: fc.array(command, { minLength: 1, maxLength: 60 }),
  cuts: fc.array(fc.nat(2000), { maxLength: 4 }),
})

test('whatever is sent in one stretch is answered as Redis answers it', { timeout: 600_000 }, async ({
  skip,
}) => {
  if (redis === undefined) return skip()
  const { port } = redis
  await fc.assert(
    fc.asyncProperty(stream, async ({ isThird, commands, cuts }) => {
      const pieces = cutAt(bytesOf(isThird, commands), cuts)
      const [theirs, answered] = [await exchange(port, pieces), await exchange(ours.port, pieces)]
      expect(withoutHello(answered)).toBe(withoutHello(theirs))
    }),
    { numRuns: RUNS },
  )
})

/** RESET goes back to version 2, so that a greeting in the middle says which it is. */
function bytesOf(isThird: boolean, commands: readonly (readonly string[])[]): Buffer {
  return Buffer.concat([
    request('FLUSHALL'),
    ...(isThird ? [request('HELLO', 3)] : []),
    ...commands.map((argv) => request(...argv)),
    // What is open ends: a transaction that nobody executed.
    request('RESET'),
    request('QUIT'),
  ])
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((one, other) => one - other)
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length))
}

/** What a greeting says differs: the version, and the client's number. */
function withoutHello(bytes: string): string {
  return bytes.replace(/%7\r\n\$6\r\nserver[\s\S]*?modules\r\n\*0\r\n/g, 'hello')
}

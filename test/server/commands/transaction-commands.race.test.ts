/** Transactions of clients, over two shards on two threads. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RespClient } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let one: RespClient
let other: RespClient

beforeAll(async () => {
  server = await testServer()
  one = await RespClient.connect(server.port)
  other = await RespClient.connect(server.port)
})
afterAll(async () => {
  one.close()
  other.close()
  await server.close()
})

test('what is queued for several shards runs as one, and commands of the server in their order', async () => {
  expect(
    await one.pipeline([
      ['MULTI'],
      ['SET', 'a', '1'],
      ['INCR', 'b'],
      ['CLIENT', 'SETNAME', 'in-exec'],
      ['SELECT', '4'],
      ['SET', 'a', 'of 4'],
      ['PING'],
      ['MGET', 'a', 'b'],
      ['EXEC'],
      ['GET', 'a'],
      ['SELECT', '0'],
      ['GET', 'a'],
      ['CLIENT', 'GETNAME'],
    ]),
  ).toEqual([
    ...['+OK', '+QUEUED', '+QUEUED', '+QUEUED', '+QUEUED', '+QUEUED', '+QUEUED', '+QUEUED'],
    ['+OK', ':1', '+OK', '+OK', '+OK', '+PONG', ['$of 4', '_']],
    ...['$of 4', '+OK', '$1', '$in-exec'],
  ])
})

test('a watched key that somebody has changed lets nothing run, on whichever shard it is', async () => {
  for (const key of ['w1', 'w2', 'w3', 'w4']) {
    expect(await one.call('WATCH', key, 'elsewhere')).toBe('+OK')
    await other.call('SET', key, 'changed')
    expect(await one.pipeline([['MULTI'], ['SET', 'ran', key], ['EXEC']])).toEqual(['+OK', '+QUEUED', '*_'])
    expect(await one.call('GET', 'ran')).toBe('_')
  }
  await one.call('WATCH', 'w1')
  await one.call('UNWATCH')
  await other.call('SET', 'w1', 'again')
  expect(await one.pipeline([['MULTI'], ['GET', 'w1'], ['EXEC']])).toEqual(['+OK', '+QUEUED', ['$again']])
})

test('what is refused while it is queued fails the transaction, what fails in it does not', async () => {
  expect(
    await one.pipeline([['MULTI'], ['NOPE'], ['SET', 'never', '1'], ['EXEC'], ['GET', 'never']]),
  ).toEqual([
    '+OK',
    "-ERR unknown command 'NOPE', with args beginning with: ",
    '+QUEUED',
    '-EXECABORT Transaction discarded because of previous errors.',
    '_',
  ])
  expect(
    await one.pipeline([['MULTI'], ['SET', 's', 'text'], ['LPUSH', 's', 'x'], ['SET', 't', '2'], ['EXEC']]),
  ).toEqual([
    ...['+OK', '+QUEUED', '+QUEUED', '+QUEUED'],
    ['+OK', '-WRONGTYPE Operation against a key holding the wrong kind of value', '+OK'],
  ])
})

test('at the ceiling of memory commands are refused when they are queued, or else by EXEC', async () => {
  const OOM = "OOM command not allowed when used memory > 'maxmemory'."
  const setCeiling = (bytes: string): Promise<unknown> => other.call('CONFIG', 'SET', 'maxmemory', bytes)
  const keys = ['full', 'full2', 'full3', 'full4']
  await one.call('MSET', ...keys.flatMap((key) => [key, '1']))
  await setCeiling('1')
  for (const key of keys) {
    expect(await one.pipeline([['MULTI'], ['SET', key, '2'], ['PING'], ['EXEC'], ['GET', key]])).toEqual([
      ...['+OK', `-${OOM}`, '+QUEUED', '-EXECABORT Transaction discarded because of previous errors.', '$1'],
    ])
  }
  expect(await one.pipeline([['MULTI'], ['SET', 'full', '2'], ['DISCARD']])).toEqual([
    '+OK',
    `-${OOM}`,
    '+OK',
  ])
  await setCeiling('0')
  expect(await one.pipeline([['MULTI'], ['GET', 'full'], ['SET', 'full', '2']])).toEqual([
    ...['+OK', '+QUEUED', '+QUEUED'],
  ])
  await setCeiling('1')
  expect(await one.call('EXEC')).toBe(`-EXECABORT Transaction discarded because of: ${OOM}`)
  await setCeiling('0')
  expect(await one.pipeline([['MULTI'], ['GET', 'full']])).toEqual(['+OK', '+QUEUED'])
  await setCeiling('1')
  // What needs none runs; where something can be thrown out, there is room.
  expect(await one.call('EXEC')).toEqual(['$1'])
  await other.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random')
  await other.call('CONFIG', 'SET', 'maxmemory', '10000000')
  expect(await one.pipeline([['MULTI'], ['SET', 'full', '3'], ['EXEC']])).toEqual(['+OK', '+QUEUED', ['+OK']])
  await other.call('CONFIG', 'RESETSTAT')
  await other.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  await setCeiling('1')
  expect(await one.call('SET', 'full', '4')).toBe(`-${OOM}`)
  await setCeiling('0')
  const stats = String(await other.call('INFO', 'commandstats', 'errorstats'))
  expect(stats).toMatch(/cmdstat_set:calls=0,.*,rejected_calls=1,failed_calls=0/)
  expect(stats).toContain('errorstat_OOM:count=1')
})

test('MONITOR is no command of a transaction, whose client expects a reply for each', async () => {
  const replies = await one.pipeline([['MULTI'], ['MONITOR'], ['EXEC'], ['PING']])
  const refused = "-ERR MONITOR isn't allowed for DENY BLOCKING client"
  expect(replies).toEqual(['+OK', '+QUEUED', [refused], '+PONG'])
})

test('sums over shards are never seen in the middle', async () => {
  await one.call('MSET', 'left', '100', 'right', '0')
  const movers = await Promise.all([1, 2, 3].map(() => RespClient.connect(server.port)))
  const moves = movers.map(async (client) => {
    for (let i = 0; i < 40; i++) {
      await client.pipeline([['MULTI'], ['DECRBY', 'left', '1'], ['INCRBY', 'right', '1'], ['EXEC']])
    }
  })
  let isDone = false
  const reads = (async () => {
    while (!isDone) {
      const [left, right] = (await other.call('MGET', 'left', 'right')) as [string, string]
      expect(Number(left.slice(1)) + Number(right.slice(1))).toBe(100)
    }
  })()
  await Promise.all(moves)
  isDone = true
  await reads
  expect(await other.call('MGET', 'left', 'right')).toEqual(['$-20', '$120'])
  for (const client of movers) client.close()
})

test('a database that is refused within a transaction is not that of what comes behind', async () => {
  expect(
    await one.pipeline([
      ['MULTI'],
      ['SELECT', '0x5'],
      ['SET', 'behind', '1'],
      ['EXEC'],
      ['EXISTS', 'behind'],
      ['SELECT', '5'],
      ['EXISTS', 'behind'],
      ['SELECT', '0'],
    ]),
  ).toEqual([
    ...['+OK', '+QUEUED', '+QUEUED', ['-ERR value is not an integer or out of range', '+OK']],
    ...[':1', '+OK', ':0', '+OK'],
  ])
})

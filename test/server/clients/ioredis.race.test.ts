/** ioredis, as it comes from npm, against a server. */
import { Redis, type RedisOptions } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
const open: Redis[] = []

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
})
afterAll(() => server.close())
beforeEach(() => server.runtime.keyspace.command('FLUSHALL'))
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect()
})

function client(options: RedisOptions = {}): Redis {
  const redis = new Redis(server.port, '127.0.0.1', options as object)
  open.push(redis)
  return redis
}

describe.each([2, 3] as const)('in RESP%i', (protocol) => {
  const make = (options: RedisOptions = {}): Redis => client({ protocol, ...options })

  test('commands of every type', async () => {
    const redis = make()
    expect(await redis.set('k', 'v', 'PX', 10_000, 'NX')).toBe('OK')
    expect(await redis.set('k', 'w', 'NX')).toBe(null)
    expect(await redis.getBuffer('k')).toEqual(Buffer.from('v'))
    expect(await redis.hset('h', { a: 1, b: 'two' })).toBe(2)
    expect(await redis.hgetall('h')).toEqual({ a: '1', b: 'two' })
    expect(await redis.rpush('l', 1, 2, 3)).toBe(3)
    expect(await redis.lrange('l', 0, -1)).toEqual(['1', '2', '3'])
    expect(await redis.sadd('s', 'x', 'y')).toBe(2)
    expect((await redis.smembers('s')).sort()).toEqual(['x', 'y'])
    expect(await redis.zadd('z', 1, 'one', 2.5, 'two')).toBe(2)
    expect(String(await redis.zscore('z', 'two'))).toBe('2.5')
    expect((await redis.mget('k', 'none')) as unknown).toEqual(['v', null])
    await expect(redis.incr('l')).rejects.toThrow(/^WRONGTYPE Operation against a key/)
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    await redis.set(bytes, bytes)
    expect(await redis.getBuffer(bytes)).toEqual(bytes)
  })

  test('a pipeline, with an error in it, in order', async () => {
    const redis = make()
    const replies = await redis.pipeline().set('a', 1).incr('a').lpush('a', 'x').mget('a', 'b').exec()
    expect(replies?.map(([error, reply]) => error?.message ?? reply)).toEqual([
      ...['OK', 2, 'WRONGTYPE Operation against a key holding the wrong kind of value', ['2', null]],
    ])
    const many = redis.pipeline()
    for (let i = 0; i < 2000; i++) many.incr(`n${i % 7}`)
    expect((await many.exec())?.at(-1)).toEqual([null, 286])
  })

  test('MULTI, WATCH and what they refuse', async () => {
    const redis = make()
    const done = await redis.multi().set('a', 1).set('b', 2).mget('a', 'b').exec()
    expect(done?.map(([, reply]) => reply)).toEqual(['OK', 'OK', ['1', '2']])
    await redis.watch('a')
    await make().set('a', 'changed')
    expect(await redis.multi().set('b', 3).exec()).toBe(null)
    expect(await redis.get('b')).toBe('2')
    await expect(redis.multi().set('a', 1).call('NOSUCH').exec()).rejects.toThrow(
      'EXECABORT Transaction discarded because of previous errors.',
    )
    await redis.multi({ pipeline: false })
    expect(await redis.set('c', 1)).toBe('QUEUED')
    expect(await redis.exec()).toEqual([[null, 'OK']])
  })

  test('blocking pops over both shards', async () => {
    const waiting = make().blpop('x', 'y', 'z', 5)
    const other = make()
    await until(async () => /blocked_clients:1/.test(await other.info('clients')))
    await other.rpush('y', 'found')
    expect(await waiting).toEqual(['y', 'found'])
    expect(await other.bzpopmin('nothing', 0.01)).toBe(null)
  })

  test('subscriptions, by pattern too', async () => {
    const [subscriber, publisher] = [make(), make()]
    const got: unknown[] = []
    subscriber.on('message', (...message) => got.push(message))
    subscriber.on('pmessage', (...message) => got.push(message))
    expect(await subscriber.subscribe('news', 'sports')).toBe(2)
    expect(await subscriber.psubscribe('n*')).toBe(3)
    expect(await publisher.publish('news', 'one')).toBe(2)
    expect(await publisher.publish('sports', 'two')).toBe(1)
    await until(() => got.length === 3)
    expect(got).toContainEqual(['n*', 'news', 'one'])
    expect(got).toContainEqual(['sports', 'two'])
    expect(await subscriber.unsubscribe('news', 'sports')).toBe(1)
    expect(await subscriber.punsubscribe('n*')).toBe(0)
    expect(await subscriber.get('k')).toBe(null)
  })

  test('autopipelining', async () => {
    const redis = make({ enableAutoPipelining: true })
    const replies = await Promise.all(Array.from({ length: 500 }, (_, i) => redis.set(`k${i}`, i)))
    expect(new Set(replies)).toEqual(new Set(['OK']))
    expect(await Promise.all([redis.get('k7'), redis.get('k499'), redis.get('k500')])).toEqual([
      ...['7', '499', null],
    ])
  })

  test('scan streams meet every key once, with a prefix too', async () => {
    const redis = make({ keyPrefix: 'app:' })
    await redis.mset(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])))
    await redis.hset('h', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, i])))
    expect(await redis.get('k12')).toBe('12')
    expect(await make().get('app:k12')).toBe('12')
    const keys = await collect(make().scanStream({ match: 'app:k*', count: 50 }))
    expect(keys).toHaveLength(300)
    expect(new Set(keys).size).toBe(300)
    expect(await collect(redis.hscanStream('h', { count: 50 }))).toHaveLength(600)
  })

  test('it connects again when its connection was closed, and answers what was asked meanwhile', async () => {
    const redis = make({ retryStrategy: () => 5 })
    await redis.subscribe('news')
    await redis.unsubscribe('news')
    const id = await redis.client('ID')
    expect(await make().client('KILL', 'ID', id)).toBe(1)
    expect(await redis.set('k', 'after')).toBe('OK')
    expect(await redis.client('ID')).toBeGreaterThan(id)
    const subscriber = make({ retryStrategy: () => 5 })
    const got: string[] = []
    subscriber.on('message', (_channel, message) => got.push(message))
    await subscriber.subscribe('news')
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    await until(async () => (await redis.publish('news', 'again')) === 1)
    await until(() => got.length > 0)
  })

  test('names, databases, MONITOR and errors', async () => {
    const redis = make({ connectionName: 'tester', db: 5 })
    expect(await redis.client('GETNAME')).toBe('tester')
    expect(await redis.client('INFO')).toMatch(/name=tester .*db=5 .*lib-name=ioredis/)
    await redis.set('k', 1)
    expect(await make().get('k')).toBe(null)
    const monitor = await make().monitor()
    const seen: string[][] = []
    monitor.on('monitor', (_time: string, args: string[]) => seen.push(args))
    await redis.get('k')
    await until(() => seen.some((args) => args.join(' ').toLowerCase() === 'get k'))
    monitor.disconnect()
    const lost = make({ db: 99, lazyConnect: true })
    const errors: Error[] = []
    lost.on('error', (error) => errors.push(error))
    await lost.connect()
    await until(() => errors.length > 0)
    expect(errors[0]?.message).toBe('ERR DB index is out of range')
  })

  test('locks with fencing, by name', async () => {
    const redis = make()
    const [token, lease] = (await redis.call('LOCK.ACQUIRE', 'l', 'me', 'PX', 5000)) as [number, number]
    expect(lease).toBe(5000)
    expect(await redis.call('SET', 'k', 'v', 'FENCE', 'l', token)).toBe('OK')
    expect(await redis.call('LOCK.RELEASE', 'l', 'me', token)).toBe(1)
    await expect(redis.call('SET', 'k', 'w', 'FENCE', 'l', token)).rejects.toThrow(/^FENCED /)
  })
})

async function collect(stream: AsyncIterable<string[]>): Promise<string[]> {
  const all: string[] = []
  for await (const some of stream) all.push(...some)
  return all
}

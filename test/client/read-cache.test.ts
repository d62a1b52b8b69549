import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ReadCache } from '../../src/client/read-cache.ts'
import { profileOf } from '../../src/client/retry-rules.ts'
import type { Reply } from '../../src/keyspace/engine/index.ts'
import { FaultProxy, failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

describe('what is kept', () => {
  const LIMITS = { maxBytes: 4000, maxEntries: 8, maxAgeMs: 1000, silentMs: 400 }

  function lab() {
    const clock = new ManualClock()
    const cache = new ReadCache(LIMITS, { clock, address: 'test', tell: () => undefined })
    const connection = { heardMs: clock.nowMs(), send: () => Promise.resolve(null), mark: () => null }
    cache.onConnection(0, connection as never)
    const read = (...argv: string[]) => cache.read(profileOf(argv), argv)
    const get = (argv: string[], reply: Reply): Reply => {
      const asked = read(...argv)!
      return asked.reply === undefined ? asked.keep(reply) : asked.reply
    }
    const told = (...keys: string[]) =>
      cache.wish.onPush!([Buffer.from('invalidate'), keys.map((key) => Buffer.from(key))])
    return { clock, cache, connection, read, get, told }
  }

  test('a reply is given until the server speaks of its key', () => {
    const { read, get, told, cache } = lab()
    expect(get(['GET', 'a'], 'one')).toBe('one')
    expect(read('get', 'a')?.reply).toBe('one')
    expect(read('GET', 'b')?.reply).toBeUndefined()
    told('b')
    expect(read('GET', 'a')?.reply).toBe('one')
    told('a')
    expect(read('GET', 'a')?.reply).toBeUndefined()
    expect(cache.metrics).toMatchObject({ hits: 2, invalidations: 2 })
  })

  test('of several keys, each may end it', () => {
    const { read, get, told } = lab()
    get(['MGET', 'a', 'b'], ['1', null])
    expect(read('MGET', 'a', 'b')?.reply).toEqual(['1', null])
    expect(read('MGET', 'b', 'a')?.reply).toBeUndefined()
    told('b')
    expect(read('MGET', 'a', 'b')?.reply).toBeUndefined()
  })

  test('requests that look alike are told apart', () => {
    const { read, get } = lab()
    get(['HGET', 'a', 'b c'], 'x')
    expect(read('HGET', 'a b', 'c')?.reply).toBeUndefined()
    expect(read('HGET', 'a', 'b c')?.reply).toBe('x')
  })

  test('an answer that was overtaken by a word about its key is not kept', () => {
    const { read, told } = lab()
    const asked = read('GET', 'a')!
    told('a')
    expect(asked.keep('old')).toBe('old')
    expect(read('GET', 'a')?.reply).toBeUndefined()
  })

  test('own writes are known at once', () => {
    const { read, get, cache } = lab()
    const written = (...argv: string[]) => cache.written(profileOf(argv), argv)
    get(['GET', 'a'], '1')
    get(['GET', 'b'], '1')
    expect(written('GET', 'a')).toBe(false)
    expect(written('SET', 'a', '2')).toBe(true)
    expect(read('GET', 'a')?.reply).toBeUndefined()
    expect(read('GET', 'b')?.reply).toBe('1')
    expect(written('CLIENT', 'UNBLOCK', '1')).toBe(false)
    expect(written('EVAL', 'x', '0')).toBe(true)
    expect(read('GET', 'b')?.reply).toBeUndefined()
  })

  test('only what depends on its keys alone is kept', () => {
    const { read } = lab()
    const others = [['PTTL', 'a'], ['SCAN', '0'], ['SRANDMEMBER', 'a'], ['SET', 'a', '1'], ['PING'], ['GET']]
    for (const argv of others) expect(read(...argv)).toBeUndefined()
  })

  test('bytes and entries are bounded: what was used longest ago goes first', () => {
    const { read, get, cache } = lab()
    for (let i = 0; i < 8; i++) get(['GET', `k${i}`], 'x')
    expect(read('GET', 'k0')?.reply).toBe('x')
    get(['GET', 'k8'], 'x')
    expect(read('GET', 'k0')?.reply).toBe('x')
    expect(read('GET', 'k1')?.reply).toBeUndefined()
    get(['GET', 'large'], 'x'.repeat(1500))
    expect(cache.metrics.bytes).toBeLessThanOrEqual(4000)
    get(['GET', 'too large'], 'x'.repeat(3000))
    expect(read('GET', 'too large')?.reply).toBeUndefined()
    cache.onConnection(0, undefined)
    expect(cache.metrics).toMatchObject({ entries: 0, bytes: 0 })
  })

  test('nothing is given when it is old, or the server has been silent', () => {
    const { clock, connection, read, get } = lab()
    get(['GET', 'a'], '1')
    clock.advance(399)
    expect(read('GET', 'a')?.reply).toBe('1')
    clock.advance(2)
    expect(read('GET', 'a')).toBeUndefined()
    connection.heardMs = clock.nowMs()
    expect(read('GET', 'a')?.reply).toBe('1')
    clock.advance(700)
    connection.heardMs = clock.nowMs()
    expect(read('GET', 'a')?.reply).toBeUndefined()
  })
})

describe('with a server', () => {
  beforeEach(({ skip }) => {
    if (redis === undefined) skip()
  })

  const options = { cache: { silentMs: 200 }, backoff: { minMs: 5, maxMs: 20 } }

  test('what somebody else writes is seen, and reads in between ask nobody', async () => {
    const proxy = await FaultProxy.start(redis!.port)
    const { keyspace, client } = testKeyspace(proxy.port, { ...options, cache: {} })
    await keyspace.ready()
    await until(() => client.metrics.connections === 2, 'both connections are there')
    const { keyspace: other } = testKeyspace(redis!.port)
    await other.set('a', '1')
    await other.hash('h').set({ f: '1' })
    expect(await keyspace.get('a')).toBe('1')
    expect(await keyspace.hash('h').getAll()).toEqual({ f: '1' })
    const before = proxy.requestBytes
    for (let i = 0; i < 100; i++) {
      expect(await keyspace.get('a')).toBe('1')
      expect(await keyspace.hash('h').getAll()).toEqual({ f: '1' })
    }
    expect(proxy.requestBytes - before).toBeLessThan(200)
    expect(client.metrics.cache!.hits).toBe(200)
    await other.set('a', '2')
    await other.hash('h').set({ f: '2' })
    await until(async () => (await keyspace.get('a')) === '2', 'it is seen')
    await until(async () => (await keyspace.hash('h').get('f')) === '2', 'it is seen')
  })

  test('after a silence in which nothing was kept, reads are kept again', async () => {
    const { keyspace, client } = testKeyspace(redis!.port, { ...options, cache: { silentMs: 50 } })
    await redis!.client.call('SET', 'a', '1')
    await until(() => client.metrics.connections === 2, 'both connections are there')
    await sleep(80)
    // One connection has the key, and no other command goes over the other one.
    const isKept = async () => (await keyspace.get('a')) === '1' && client.metrics.cache!.hits > 0
    await until(isKept, 'it is given from here')
  })

  test('who writes reads what it wrote', async () => {
    const { keyspace } = testKeyspace(redis!.port, options)
    for (let i = 0; i < 50; i++) {
      await keyspace.set('own', String(i))
      expect(await keyspace.get('own')).toBe(String(i))
      void keyspace.set('own', `${i}!`)
      expect(await keyspace.get('own')).toBe(`${i}!`)
      await keyspace.transaction(['own'], (tx) => tx.set('own', `${i}?`))
      expect(await keyspace.get('own')).toBe(`${i}?`)
    }
  })

  test('readers never see time run backwards while somebody writes', async () => {
    const { keyspace } = testKeyspace(redis!.port, options)
    const { keyspace: writer } = testKeyspace(redis!.port)
    await writer.set('count', '0')
    let last = 0
    let isOver = false
    const reading = (async () => {
      while (!isOver) {
        const seen = Number(await keyspace.get('count'))
        expect(seen).toBeGreaterThanOrEqual(last)
        last = seen
        // A cached read takes no time: the server must get a word in.
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let i = 1; i <= 300; i++) await writer.set('count', String(i))
    await until(() => last === 300, 'the last one is seen')
    isOver = true
    await reading
  })

  test('a lost connection empties it, and nothing is given while the server is silent', async () => {
    const proxy = await FaultProxy.start(redis!.port)
    const { keyspace, client, events } = testKeyspace(proxy.port, { ...options, timeoutMs: 1000 })
    await redis!.client.call('SET', 'a', '1')
    await until(
      async () => (await keyspace.get('a')) === '1' && client.metrics.cache!.entries > 0,
      'it is kept',
    )
    proxy.cut()
    await until(() => events.some(({ type }) => type === 'cacheEmptied'), 'it is empty')
    await until(async () => (await keyspace.get('a')) === '1', 'it is there again')
    proxy.mode = 'swallowAll'
    await redis!.client.call('SET', 'a', '2')
    await sleep(220)
    expect((await failureOf(keyspace.within({ timeoutMs: 100 }).get('a'))).code).toMatch(
      /SHL_ASK_TIMEOUT|SHL_CONNECTION/,
    )
  })
})

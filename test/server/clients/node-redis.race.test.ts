/** node-redis (`redis` on npm), as it comes, against a server. */
import { createClient, createClientPool, WatchError } from 'redis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
const open: { destroy(): void }[] = []

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
})
afterAll(() => server.close())
beforeEach(() => server.runtime.keyspace.command('FLUSHALL'))
afterEach(() => {
  for (const client of open.splice(0)) client.destroy()
})

describe.each([2, 3] as const)('in RESP%i', (RESP) => {
  async function connected(options: object = {}) {
    const client = createClient({
      socket: { port: server.port, host: '127.0.0.1', reconnectStrategy: () => 5 },
      RESP,
      ...options,
    })
    client.on('error', () => undefined)
    await client.connect()
    open.push({ destroy: () => client.isOpen && client.destroy() })
    return client
  }

  test('commands of every type', async () => {
    const client = await connected()
    expect(await client.set('k', 'v', { expiration: { type: 'PX', value: 10_000 }, condition: 'NX' })).toBe(
      'OK',
    )
    expect(await client.set('k', 'w', { condition: 'NX' })).toBe(null)
    expect(await client.pTTL('k')).toBeGreaterThan(0)
    expect(await client.hSet('h', { a: 1, b: 'two' })).toBe(2)
    expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: 'two' })
    expect(await client.rPush('l', ['1', '2', '3'])).toBe(3)
    expect(await client.lRange('l', 0, -1)).toEqual(['1', '2', '3'])
    expect(await client.sAdd('s', ['x', 'y'])).toBe(2)
    expect([...(await client.sMembers('s'))].sort()).toEqual(['x', 'y'])
    expect(
      await client.zAdd('z', [
        { score: 1, value: 'one' },
        { score: 2.5, value: 'two' },
      ]),
    ).toBe(2)
    expect(await client.zScore('z', 'two')).toBe(2.5)
    expect(await client.zRangeWithScores('z', 0, -1)).toEqual([
      { value: 'one', score: 1 },
      { value: 'two', score: 2.5 },
    ])
    expect(await client.mGet(['k', 'none'])).toEqual(['v', null])
    await expect(client.incr('l')).rejects.toThrow(/^WRONGTYPE Operation against a key/)
    expect(await client.hExpire('h', 'a', 100)).toEqual([1])
  })

  test('what it asks of the server itself', async () => {
    const client = await connected({ name: 'tester', database: 2 })
    expect(await client.clientGetName()).toBe('tester')
    const info = await client.clientInfo()
    expect([info.name, info.db, info.resp]).toEqual(['tester', 2, RESP])
    expect((await client.clientList()).some(({ id }) => id === info.id)).toBe(true)
    expect(await client.info('server')).toContain('redis_version:7.')
    expect({ ...(await client.configGet('maxmemory')) }).toEqual({ maxmemory: '0' })
    expect(await client.commandCount()).toBeGreaterThan(150)
    const [get] = await client.commandInfo(['get'])
    expect(get).toMatchObject({ name: 'get', arity: 2, firstKeyIndex: 1, lastKeyIndex: 1, step: 1 })
    expect(await client.memoryUsage('none')).toBe(null)
    expect(await client.aclWhoAmI()).toBe('default')
    expect((await client.time()).length).toBe(2)
    expect(await client.functionFlush()).toBe('OK')
  })

  test('what is asked at once goes as one pipeline', async () => {
    const client = await connected()
    const replies = await Promise.all(Array.from({ length: 2000 }, (_, i) => client.incr(`n${i % 7}`)))
    expect(replies.at(-1)).toBe(286)
  })

  test('MULTI and WATCH', async () => {
    const [client, other] = [await connected(), await connected()]
    expect(await client.multi().set('a', '1').set('b', '2').mGet(['a', 'b']).exec()).toEqual([
      ...['OK', 'OK', ['1', '2']],
    ])
    await client.watch('a')
    await other.set('a', 'changed')
    await expect(client.multi().set('b', '3').exec()).rejects.toThrow(WatchError)
    expect(await client.get('b')).toBe('2')
    await expect(client.multi().set('a', '1').addCommand(['NOSUCH']).exec()).rejects.toThrow(
      /^ERR unknown command 'NOSUCH'/,
    )
    await expect(client.multi().set('a', 'x').incr('a').exec()).rejects.toThrow(/1 commands failed/)
  })

  test('subscriptions of all three kinds, on one connection', async () => {
    const [subscriber, publisher] = [await connected(), await connected()]
    const got: string[] = []
    await subscriber.subscribe('news', (message, channel) => void got.push(`${channel}:${message}`))
    await subscriber.pSubscribe('n*', (message, channel) => void got.push(`n*:${channel}:${message}`))
    await subscriber.sSubscribe('news', (message, channel) => void got.push(`s:${channel}:${message}`))
    expect(await publisher.publish('news', 'one')).toBe(2)
    expect(await publisher.sPublish('news', 'two')).toBe(1)
    await until(() => got.length === 3)
    expect(got.sort()).toEqual(['n*:news:one', 'news:one', 's:news:two'])
    expect(await publisher.pubSubChannels()).toEqual(['news'])
    if (RESP === 3) expect(await subscriber.get('k')).toBe(null)
    await subscriber.unsubscribe()
    await subscriber.pUnsubscribe()
    await subscriber.sUnsubscribe()
    expect(await publisher.publish('news', 'three')).toBe(0)
    expect(await subscriber.get('k')).toBe(null)
  })

  test('it connects again and listens again', async () => {
    const [client, other] = [await connected(), await connected()]
    const got: string[] = []
    await client.subscribe('news', (message) => void got.push(message))
    await other.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await until(async () => (await other.publish('news', 'again')) === 1)
    await until(() => got.length > 0)
    const id = await other.clientId()
    const ready = new Promise((resolve) => other.once('ready', resolve))
    await (await connected()).sendCommand(['CLIENT', 'KILL', 'ID', String(id)])
    await ready
    expect(await other.clientId()).toBeGreaterThan(id)
  })

  test('a pool takes connections for what waits', async () => {
    const pool = createClientPool({ socket: { port: server.port, host: '127.0.0.1' }, RESP }, { maximum: 4 })
    open.push(pool)
    await pool.connect()
    const waits = [pool.blPop('a', 5), pool.blPop('b', 5)]
    await until(async () => /blocked_clients:2/.test(await pool.info('clients')))
    expect(await pool.multi().rPush('a', '1').rPush('b', '2').exec()).toEqual([1, 1])
    expect(await Promise.all(waits)).toEqual([
      { key: 'a', element: '1' },
      { key: 'b', element: '2' },
    ])
  })

  test('iterators meet every key, field and member once', async () => {
    const client = await connected()
    const names = Array.from({ length: 300 }, (_, i) => `k${i}`)
    await client.mSet(Object.fromEntries(names.map((name) => [name, name])))
    await client.hSet('h', Object.fromEntries(names.map((name) => [name, name])))
    await client.sAdd('s', names)
    const found: string[] = []
    for await (const keys of client.scanIterator({ MATCH: 'k*', COUNT: 50 })) found.push(...keys)
    expect(found.sort()).toEqual([...names].sort())
    let fields = 0
    for await (const entries of client.hScanIterator('h')) fields += entries.length
    let members = 0
    for await (const some of client.sScanIterator('s')) members += some.length
    expect([fields, members]).toEqual([300, 300])
  })

  test('MONITOR shows what others do', async () => {
    const [client, other] = [await connected(), await connected()]
    const lines: string[] = []
    await client.monitor((line) => void lines.push(String(line)))
    await other.set('k', 'v')
    await until(() => lines.some((line) => /^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "v"$/.test(line)))
  })

  test('locks with fencing and limits, by name', async () => {
    const client = await connected()
    const reply = await client.sendCommand(['LOCK.ACQUIRE', 'l', 'me', 'PX', '5000'])
    const token = String((reply as unknown as number[])[0])
    expect(await client.sendCommand(['SET', 'k', 'v', 'FENCE', 'l', token])).toBe('OK')
    expect(await client.sendCommand(['LOCK.RELEASE', 'l', 'me', token])).toBe(1)
    await expect(client.sendCommand(['SET', 'k', 'w', 'FENCE', 'l', token])).rejects.toThrow(/^FENCED /)
    expect(await client.sendCommand(['LIMIT', 'ip', '1', '2', '1000'])).toHaveLength(5)
  })
})

test('the cache of its own: what others change is forgotten', async () => {
  const options = { socket: { port: server.port, host: '127.0.0.1' } }
  const other = await createClient(options).connect()
  const client = createClient({ ...options, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0 } })
  await client.connect()
  open.push(client, other)
  await other.set('k', 'one')
  expect([await client.get('k'), await client.get('k')]).toEqual(['one', 'one'])
  const asked = /cmdstat_get:calls=(\d+)/
  const calls = async () => Number(asked.exec(await other.info('commandstats'))?.[1])
  const before = await calls()
  for (let i = 0; i < 10; i++) expect(await client.get('k')).toBe('one')
  expect(await calls()).toBe(before)
  await other.set('k', 'two')
  await until(async () => (await client.get('k')) === 'two')
})

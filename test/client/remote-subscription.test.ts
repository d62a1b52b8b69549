import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { FaultProxy, failureOf, hastyClock, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

const QUICK = { backoff: { minMs: 5, maxMs: 20 }, timeoutMs: 2000 }

async function take<T>(from: AsyncIterator<T, undefined>, count: number): Promise<T[]> {
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push((await from.next()).value as T)
  return items
}

test('messages of channels and of patterns, in order, as text or as bytes', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  const text = keyspace.subscribe(['a', 'ä'])
  const bytes = keyspace.subscribe('a', { form: 'buffer' })
  const pattern = keyspace.psubscribe('x*')
  await Promise.all([text.ready, bytes.ready, pattern.ready])
  expect(await keyspace.publish('a', 'one')).toBe(2)
  await keyspace.publish('ä', 'zwö')
  await keyspace.publish('xyz', new Uint8Array([0xff]))
  expect(await take(text, 2)).toEqual([
    { type: 'message', channel: 'a', message: 'one' },
    { type: 'message', channel: 'ä', message: 'zwö' },
  ])
  expect(await take(bytes, 1)).toEqual([
    { type: 'message', channel: 'a', message: new Uint8Array(Buffer.from('one')) },
  ])
  expect(await take(pattern, 1)).toEqual([
    { type: 'message', channel: 'xyz', pattern: 'x*', message: '\ufffd' },
  ])
  expect(client.pool.open).toBe(3)
  for (const one of [text, bytes, pattern]) await one.return()
  expect(await text.next()).toEqual({ done: true, value: undefined })
  expect(client.pool.open).toBe(0)
})

test('a lost connection ends it with an error, or is told in an item, as was asked for', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port, QUICK)
  const cut = keyspace.subscribe('c')
  const drop = keyspace.subscribe('c', { whenSlow: 'drop' })
  await Promise.all([cut.ready, drop.ready])
  await keyspace.publish('c', '1')
  await sleep(20)
  proxy.cut()
  expect(await take(cut, 1)).toMatchObject([{ message: '1' }])
  expect(await failureOf(cut.next())).toMatchObject({ code: 'SHL_CONNECTION_LOST' })
  expect(await take(drop, 2)).toEqual([
    { type: 'message', channel: 'c', message: '1' },
    { type: 'lost', count: undefined },
  ])
  const { keyspace: other } = testKeyspace(redis!.port)
  await until(async () => (await other.publish('c', '2')) === 1, 'it has subscribed again')
  expect(await take(drop, 1)).toMatchObject([{ message: '2' }])
})

function pushOf(...words: string[]): string {
  const parts = words.map((word) => (/^\d/.test(word) ? `:${word}\r\n` : `$${word.length}\r\n${word}\r\n`))
  return `>${parts.length}\r\n${parts.join('')}`
}

test('what comes before a connection is lost again, half subscribed, is followed by a loss', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  let round = 0
  proxy.answer = (request) => {
    if (!request.includes('subscribe')) return undefined
    let answer = ''
    if (request.includes('c1')) {
      answer += pushOf('subscribe', 'c1', '1')
      if (++round === 2) answer += pushOf('message', 'c1', 'between')
    }
    if (!request.includes('c2')) return answer
    if (round === 2) setTimeout(() => proxy.cut(), 20)
    else answer += pushOf('subscribe', 'c2', '2')
    return answer
  }
  const { keyspace } = testKeyspace(proxy.port, QUICK)
  const subscription = keyspace.subscribe(['c1', 'c2'], { whenSlow: 'drop' })
  await subscription.ready
  proxy.say(pushOf('message', 'c1', 'first'), 'subscribe')
  await sleep(10)
  proxy.cut()
  await until(() => round === 3, 'it has subscribed again')
  await sleep(20)
  proxy.say(pushOf('message', 'c1', 'last'), 'subscribe')
  const items = await take(subscription, 5)
  const told = items.map((item) => (item.type === 'message' ? item.message : item.type))
  expect(told).toEqual(['first', 'lost', 'between', 'lost', 'last'])
})

test('a server that does not answer, or ends each connection, is told of in time', async () => {
  const silent = await FaultProxy.start(redis!.port)
  const clock = hastyClock()
  silent.answer = (request) => {
    if (!request.includes('subscribe')) return undefined
    clock.hurry(1000)
    return ''
  }
  const { keyspace } = testKeyspace(silent.port, { timeoutMs: 60_000 }, clock)
  expect(await failureOf(keyspace.subscribe('c').ready)).toMatchObject({ code: 'SHL_ASK_TIMEOUT' })
  const rude = await FaultProxy.start(redis!.port)
  rude.onRequest = (bytes) => bytes.includes('subscribe') && rude.cut()
  // The time would be over before the next attempt.
  const backoff = { minMs: 20_000, maxMs: 20_000 }
  const { keyspace: other } = testKeyspace(rude.port, { backoff, timeoutMs: 10_000 })
  expect(await failureOf(other.subscribe('c').ready)).toMatchObject({ code: 'SHL_CONNECTION_LOST' })
})

test('who is too slow is ended, or told how much is missing', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const cut = keyspace.subscribe('s', { queueMax: 3 })
  const drop = keyspace.subscribe('s', { queueMax: 3, whenSlow: 'drop' })
  await Promise.all([cut.ready, drop.ready])
  for (let i = 0; i < 10; i++) await keyspace.publish('s', String(i))
  await sleep(20)
  const items = await take(drop, 3)
  expect(items[0]).toEqual({ type: 'lost', count: 8 })
  expect(items.slice(1)).toMatchObject([{ message: '8' }, { message: '9' }])
  expect(await take(cut, 3)).toMatchObject([{ message: '0' }, { message: '1' }, { message: '2' }])
  await take(cut, 1)
  expect(await failureOf(cut.next())).toMatchObject({ code: 'SHL_SUBSCRIBER_SLOW' })
})

test('the newest message stays, however little may wait, and one may be larger than all', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  const one = keyspace.subscribe('n', { queueMax: 1, whenSlow: 'drop' })
  const large = keyspace.subscribe('n', { queueBytesMax: 1024 })
  const few = keyspace.subscribe('n', { queueBytesMax: 1024, whenSlow: 'drop' })
  await Promise.all([one.ready, large.ready, few.ready])
  const text = 'x'.repeat(2000)
  await keyspace.publish('n', text)
  expect(await take(large, 1)).toMatchObject([{ message: text }])
  for (const message of ['1', '2', text]) await keyspace.publish('n', message)
  await until(() => client.streams.size === 2, 'one is too slow')
  expect(await failureOf(take(large, 4))).toMatchObject({ code: 'SHL_SUBSCRIBER_SLOW' })
  await sleep(20)
  for (const slow of [one, few]) {
    expect(await take(slow, 2)).toEqual([
      { type: 'lost', count: 3 },
      { type: 'message', channel: 'n', message: text },
    ])
  }
})

test('a signal, a break, and the end of the client end it without an error', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  const stop = new AbortController()
  const signalled = keyspace.subscribe('e', { signal: stop.signal })
  await signalled.ready
  stop.abort()
  expect(await signalled.next()).toEqual({ done: true, value: undefined })
  const closed = keyspace.subscribe('e')
  const next = closed.next()
  await closed.ready
  await keyspace.close()
  expect(await next).toEqual({ done: true, value: undefined })
  expect(client.pool.open).toBe(0)
  expect(() => keyspace.subscribe([])).toThrowError(/channels/)
})

test('a server that is not there is told of in time', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  proxy.mode = 'refuse'
  const breaker = { failures: 100 }
  const { keyspace } = testKeyspace(proxy.port, { ...QUICK, breaker, timeoutMs: 100 })
  const subscription = keyspace.subscribe('c')
  expect(await failureOf(subscription.ready)).toMatchObject({ code: 'SHL_CONNECTION_FAILED' })
  expect(await failureOf(subscription.next())).toMatchObject({ code: 'SHL_CONNECTION_FAILED' })
})

/** `within`: its limits hold for everything that waits, too, and nothing is lost by them. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { FaultProxy, failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

/** Waits until so many are waited for by the server. */
const blocked = (count: number) =>
  until(async () => {
    const list = String(await redis!.client.call('CLIENT', 'LIST'))
    return (list.match(/ flags=b /g) ?? []).length === count
  }, 'they wait')

const SOON_MS = 100
const abortSoon = () => ({ signal: AbortSignal.timeout(SOON_MS) })

test.each([
  ['its deadline', () => ({ timeoutMs: SOON_MS }), 'SHL_ASK_TIMEOUT'],
  ['its signal', abortSoon, 'SHL_ASK_ABORTED'],
])('%s ends waits, which had been sent, and their connections are used again', async (_, limits, code) => {
  const { keyspace, client } = testKeyspace(redis!.port)
  await keyspace.list('none').shiftWait({ timeoutMs: 1 })
  const ended = { code, details: { isSent: true, outcome: 'nothing was done', type: 'blpop' } }
  expect(await failureOf(keyspace.within(limits()).command('BLPOP', 'none', '0'))).toMatchObject(ended)
  expect(await failureOf(keyspace.within(limits()).list('none').shiftWait())).toMatchObject(ended)
  const own = keyspace.within(limits()).list('none').shiftWait({ signal: new AbortController().signal })
  expect(await failureOf(own)).toMatchObject(ended)
  expect(client.pool.open).toBe(1)
  await keyspace.list('none').push('kept')
  expect(await keyspace.list('none').shift()).toBe('kept')
})

test('a wait that is shorter than the limits ends by itself', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const limited = keyspace.within({ timeoutMs: 5000, signal: new AbortController().signal })
  expect(await limited.list('none').shiftWait({ timeoutMs: 10 })).toBeUndefined()
})

test('the signal of a call ends it within a keyspace that has another', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const limited = keyspace.within({ signal: new AbortController().signal })
  const wait = failureOf(limited.list('none').shiftWait({ signal: AbortSignal.timeout(20) }))
  expect(await wait).toMatchObject({ code: 'SHL_ASK_ABORTED' })
})

test('what comes in the moment of the deadline is given: no element is lost', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const list = keyspace.list('race')
  let given = 0
  for (let i = 0; i < 20; i++) {
    const limited = keyspace.within({ timeoutMs: 5 }).list('race')
    const wait = limited.shiftWait().then(
      () => given++,
      () => undefined,
    )
    await sleep(3 + (i % 4))
    await Promise.all([wait, list.push(`e${i}`)])
  }
  expect(given + (await list.length())).toBe(20)
})

test('one that had not left says so', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const { signal } = new AbortController()
  const before = keyspace.within({ signal: AbortSignal.abort() }).command('BLPOP', 'none', '0')
  expect(await failureOf(before)).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: false } })
  const one = testKeyspace(redis!.port, { exclusiveMax: 1 }).keyspace
  await one.list('none').shiftWait({ timeoutMs: 1 })
  const taken = failureOf(one.within({ timeoutMs: 1000, signal }).list('none').shiftWait())
  await blocked(1)
  const inLine = failureOf(one.within(abortSoon()).list('none').shiftWait())
  expect(await inLine).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: false } })
  expect(await taken).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { isSent: true } })
})

test('the time in line for a connection counts towards the time of a wait', async () => {
  const { keyspace, client } = testKeyspace(redis!.port, { exclusiveMax: 1 })
  const beganMs = performance.now()
  const tookMs: number[] = []
  const timed = async (wait: Promise<unknown>) => {
    const given = await wait
    tookMs.push(performance.now() - beganMs)
    return given
  }
  const list = keyspace.list('none')
  const waits = Array.from({ length: 5 }, () => timed(list.shiftWait({ timeoutMs: 300 })))
  const others = [
    timed(keyspace.command('BZPOPMIN', 'none-z', '0.3')),
    timed(keyspace.command('BLMPOP', '0.3', '1', 'none', 'LEFT')),
    timed(keyspace.command('BLMOVE', 'none', 'other', 'LEFT', 'LEFT', '0.3')),
  ]
  const wrong = failureOf(keyspace.command('BLPOP', 'none', '-1'))
  expect(await Promise.all(waits)).toEqual(Array.from({ length: 5 }, () => undefined))
  expect(await Promise.all(others)).toEqual([null, null, null])
  expect(Math.min(...tookMs)).toBeGreaterThan(290)
  expect(Math.max(...tookMs)).toBeLessThan(1000)
  expect((await wrong).message).toMatch(/timeout is negative/)
  await keyspace.list('none').push('kept')
  expect(await keyspace.list('none').shiftWait({ timeoutMs: 300 })).toBe('kept')
  expect(client.pool.open).toBe(1)
})

test('who gets a connection late asks for what is left, in turn; without a time for ever', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const asked: string[] = []
  proxy.onRequest = (bytes) => {
    const [, time] = String(bytes).match(/BLPOP.*\r\n([\d.]+)\r\n$/s) ?? []
    if (time !== undefined) asked.push(time)
  }
  const { keyspace } = testKeyspace(proxy.port, { exclusiveMax: 1 })
  const list = keyspace.list('turns')
  const first = list.shiftWait({ timeoutMs: 200 })
  const second = list.shiftWait({ timeoutMs: 400 })
  const third = list.shiftWait()
  expect(await first).toBeUndefined()
  expect(await second).toBeUndefined()
  await redis!.client.call('RPUSH', 'turns', 'e')
  expect(await third).toBe('e')
  expect(asked).toHaveLength(3)
  const [, left, forEver] = asked.map(Number)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThanOrEqual(0.21)
  expect(forEver).toBe(0)
})

test('what comes when the time in line is over is not lost', async () => {
  const { keyspace } = testKeyspace(redis!.port, { exclusiveMax: 1 })
  const list = keyspace.list('line')
  let given = 0
  for (let i = 0; i < 20; i++) {
    const waits = [5, 6, 7, 8].map((timeoutMs) => list.shiftWait({ timeoutMs }))
    await sleep(3 + (i % 5))
    await list.push(`e${i}`)
    given += (await Promise.all(waits)).filter((one) => one !== undefined).length
  }
  expect(given + (await list.length())).toBe(20)
})

test('a server that says nothing holds up nobody for long, and the outcome is unknown', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace, client } = testKeyspace(proxy.port, { timeoutMs: 2000, breaker: { failures: 1000 } })
  await keyspace.list('none').shiftWait({ timeoutMs: 1 })
  const began = performance.now()
  const stop = new AbortController()
  const wait = failureOf(keyspace.list('none').shiftWait({ signal: stop.signal }))
  await blocked(1)
  proxy.mode = 'swallowAll'
  stop.abort(new Error('enough'))
  const { code, details } = await wait
  expect([code, details['isSent'], details['outcome']]).toEqual(['SHL_ASK_ABORTED', true, undefined])
  expect(performance.now() - began).toBeLessThan(5000)
  expect(client.pool.open).toBe(0)
})

test('a session has the limits of its keyspace; one that waited goes on with its state', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  await using late = keyspace.within({ timeoutMs: 1000 }).session()
  await late.call(['SELECT', '3'])
  const wait = await failureOf(late.call(['BLPOP', 'none', '0']))
  expect(wait).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { isSent: true } })
  expect(String(await late.call(['CLIENT', 'INFO']))).toMatch(/ db=3 /)
  const own = failureOf(late.call(['BLPOP', 'none', '0'], { signal: AbortSignal.timeout(20) }))
  expect(await own).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  await late.call(['RPUSH', 'none', 'kept'])
  expect(await late.call(['BLPOP', 'none', '0'])).toEqual(['none', 'kept'])
  const stop = new AbortController()
  await using aborted = keyspace.within({ signal: stop.signal }).session()
  await aborted.call(['PING'])
  const ended = failureOf(aborted.call(['BLPOP', 'none', '0']))
  await sleep(10)
  stop.abort(new Error('enough'))
  expect(await ended).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: true } })
  expect(await failureOf(aborted.call(['PING']))).toMatchObject({
    ...{ code: 'SHL_ASK_ABORTED', details: { isSent: false } },
  })
})

test('subscriptions end with the signal, which is no error, and with their own', async () => {
  const { keyspace, client } = testKeyspace(redis!.port)
  const stop = new AbortController()
  const limited = keyspace.within({ signal: stop.signal, timeoutMs: 2000 })
  const streams = [limited.subscribe('c'), limited.psubscribe('c*')]
  await Promise.all(streams.map(({ ready }) => ready))
  const own = limited.subscribe('c', abortSoon())
  expect(await own.next()).toEqual({ done: true, value: undefined })
  await keyspace.publish('c', 'one')
  for (const stream of streams) expect((await stream.next()).value).toMatchObject({ message: 'one' })
  const ends = streams.map((stream) => stream.next())
  stop.abort()
  for (const end of ends) expect(await end).toEqual({ done: true, value: undefined })
  expect(await limited.subscribe('c').next()).toEqual({ done: true, value: undefined })
  await until(() => client.pool.open === 0, 'no connection is left')
})

test('a subscription has the time of the limits to begin', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  proxy.mode = 'swallowAll'
  const { keyspace } = testKeyspace(proxy.port, { connectTimeoutMs: 20, breaker: { failures: 1000 } })
  const stream = keyspace.within({ timeoutMs: 60 }).subscribe('c')
  expect(await failureOf(stream.next())).toMatchObject({ code: 'SHL_CONNECTION_FAILED' })
})

test('batches and transactions end by the first deadline and signal', async () => {
  const proxy = await FaultProxy.start(redis!.port)
  const { keyspace } = testKeyspace(proxy.port)
  await keyspace.transaction(['a'], (tx) => tx.set('a', '1'))
  proxy.mode = 'swallowAll'
  const limited = keyspace.within({ timeoutMs: 60 })
  const batch = limited.batch([['PING']], { timeoutMs: 4000 })
  expect(await failureOf(batch)).toMatchObject({ code: 'SHL_ASK_TIMEOUT', details: { timeoutMs: 60 } })
  const transaction = keyspace
    .within({ signal: AbortSignal.timeout(60) })
    .transaction(['a'], (tx) => tx.set('a', '2'), { signal: new AbortController().signal })
  expect(await failureOf(transaction)).toMatchObject({ code: 'SHL_ASK_ABORTED' })
})

test.each([
  [null, 'SHL_OPTION_INVALID'],
  [{ signal: 'now' }, 'SHL_OPTION_INVALID'],
  [{ timeoutMs: 0 }, 'SHL_OPTION_INVALID'],
])('limits %o are refused', (limits, code) => {
  const { keyspace } = testKeyspace(redis!.port)
  expect(() => keyspace.within(limits as never)).toThrowError(expect.objectContaining({ code }))
})

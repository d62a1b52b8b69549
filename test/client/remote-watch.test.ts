/** A watch over the wire, as WATCHREV is agreed to look: a proxy in front of a Redis answers it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Clock } from '../../src/base/index.ts'
import type { ConnectOptions } from '../../src/client/connect-options.ts'
import type { KeyspaceChangesLost } from '../../src/keyspace/index.ts'
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

type Change = readonly [key: string, event: string, value?: string | null, type?: string]

const QUICK = { backoff: { minMs: 5, maxMs: 20 }, timeoutMs: 2000 }

const bulk = (text: string | null): string =>
  text === null ? '_\r\n' : `$${Buffer.byteLength(text)}\r\n${text}\r\n`

function pushOf(revision: number, changes: readonly Change[], db = 0): string {
  const items = changes.map(([key, event, value = null, type]) => {
    const words = [
      `:${db}\r\n`,
      bulk(key),
      bulk(event),
      bulk(value),
      ...(type === undefined ? [] : [bulk(type)]),
    ]
    return `*${words.length}\r\n${words.join('')}`
  })
  return `>3\r\n${bulk('watchrev')}:${revision}\r\n*${items.length}\r\n${items.join('')}`
}

/**
 * A server that answers each WATCHREV with the next of `answers`, and notes what was asked. Which of several
 * watches asks first after a cut is chance: each is to have a lab of its own.
 */
async function lab(answers: string[], options: ConnectOptions = {}, clock?: Clock) {
  const proxy = await FaultProxy.start(redis!.port)
  const asked: string[][] = []
  proxy.answer = (request) => {
    if (!request.includes('WATCHREV')) return undefined
    asked.push(request.split('\r\n').filter((_, i) => i > 0 && i % 2 === 0))
    return answers.shift() ?? ':0\r\n'
  }
  const { keyspace } = testKeyspace(proxy.port, { ...QUICK, ...options }, clock)
  const say = (revision: number, changes: readonly Change[], db?: number): void =>
    proxy.say(pushOf(revision, changes, db), 'WATCHREV')
  return { proxy, asked, keyspace, say }
}

async function take<T>(from: AsyncIterator<T, undefined>, count: number): Promise<T[]> {
  const items: T[] = []
  for (let i = 0; i < count; i++) items.push((await from.next()).value as T)
  return items
}

test('changes come by revision, with values when they are wanted', async () => {
  const { keyspace, asked, say } = await lab([':5\r\n'])
  const watch = keyspace.watch('a*', { values: true })
  expect(await watch.ready).toBe(5)
  expect(asked).toEqual([['WATCHREV', 'a*', 'VALUES']])
  say(7, [
    ['a', 'set', 'ä'],
    ['ab', 'hset', null, 'hash'],
  ])
  say(9, [['a', 'del']])
  expect(await take(watch, 2)).toEqual([
    {
      type: 'changes',
      revision: 7,
      changes: [
        { key: 'a', event: 'set', type: 'string', value: 'ä' },
        { key: 'ab', event: 'hset', type: 'hash' },
      ],
    },
    { type: 'changes', revision: 9, changes: [{ key: 'a', event: 'del', type: 'none' }] },
  ])
  expect(watch.revision).toBe(9)
  await watch.return()
  expect(await watch.next()).toEqual({ done: true, value: undefined })
})

test('pushes in the packet of the answer are not lost, and others are left out', async () => {
  const { keyspace, say } = await lab([`:5\r\n${pushOf(6, [['b', 'set']])}${pushOf(7, [['x', 'set']])}`])
  const watch = keyspace.watch(['a', 'b*'])
  expect(await take(watch, 1)).toMatchObject([{ revision: 6, changes: [{ key: 'b' }] }])
  say(8, [['bb', 'set']], 3)
  say(9, [
    ['x', 'set'],
    ['a', 'set'],
  ])
  expect(await take(watch, 1)).toMatchObject([{ revision: 9, changes: [{ key: 'a' }] }])
})

test('keys that are words of the command, and marks of how far the server is', async () => {
  const { keyspace, proxy, asked, say } = await lab([':5\r\n', ':40\r\n'])
  const watch = keyspace.watch(['since', 'a', 'Keys'])
  await watch.ready
  expect(asked).toEqual([['WATCHREV', '[s]ince', 'a', '[K]eys']])
  say(40, [])
  await until(() => watch.revision === 40, 'it knows')
  // What the server has forgotten it says when it is asked again.
  proxy.say('>2\r\n$13\r\nwatchrev-lost\r\n:50\r\n', 'WATCHREV')
  await until(() => asked.length === 2, 'it asks again')
  expect(asked[1]).toEqual(['WATCHREV', '[s]ince', 'a', '[K]eys', 'SINCE', '40'])
  await sleep(10)
  say(41, [['since', 'set']])
  expect(await take(watch, 1)).toMatchObject([{ revision: 41 }])
})

test('a lost connection is made again, and it goes on where it was', async () => {
  const { keyspace, proxy, asked, say } = await lab([':5\r\n', `:7\r\n${pushOf(7, [['a', 'set']])}`])
  const watch = keyspace.watch('a', { since: 5 })
  await watch.ready
  say(7, [['a', 'set']])
  expect(await take(watch, 1)).toMatchObject([{ revision: 7 }])
  proxy.cut()
  await until(() => asked.length === 2, 'it watches again')
  expect(asked).toEqual([
    ['WATCHREV', 'a', 'SINCE', '5'],
    ['WATCHREV', 'a', 'SINCE', '7'],
  ])
  await sleep(10)
  say(8, [['a', 'set']])
  expect(await take(watch, 1)).toMatchObject([{ revision: 8 }])
})

test('what the server has forgotten ends it, or is told in an item, as was asked for', async () => {
  const compacted = '-COMPACTED oldest=20 what was before is gone\r\n'
  const first = await lab([compacted])
  const early = first.keyspace.watch('a', { since: 3, whenSlow: 'drop' })
  expect(await failureOf(early.ready)).toMatchObject({
    ...{ code: 'SHL_WATCH_COMPACTED', details: { since: 3, oldest: 20 } },
  })
  const second = await lab([':5\r\n', compacted])
  const { keyspace, proxy, asked, say } = await lab([':5\r\n', compacted, ':20\r\n'])
  const cut = second.keyspace.watch('a')
  const drop = keyspace.watch('a', { whenSlow: 'drop' })
  await Promise.all([cut.ready, drop.ready])
  second.proxy.cut()
  proxy.cut()
  expect(await failureOf(cut.next())).toMatchObject({ code: 'SHL_WATCH_COMPACTED', details: { oldest: 20 } })
  expect(await take(drop, 1)).toEqual([{ type: 'lost', from: 6, to: 20 }])
  await until(() => second.asked.length + asked.length === 5, 'it watches again')
  await sleep(10)
  say(21, [['a', 'set']])
  expect(await take(drop, 1)).toMatchObject([{ revision: 21 }])
})

test('a server that forgets again and again is asked with pauses, and that is told in one item', async () => {
  const forgets = Array.from(
    { length: 400 },
    (_, i) => `-COMPACTED oldest=${i + 2} what was before is gone\r\n`,
  )
  // The first of them are of a server that has begun anew.
  const { keyspace, proxy, asked } = await lab([':100\r\n', ...forgets], {
    backoff: { minMs: 20, maxMs: 20 },
  })
  const watch = keyspace.watch('a', { whenSlow: 'drop', queueMax: 2 })
  await watch.ready
  proxy.say([101, 102].map((revision) => pushOf(revision, [['a', 'set']])).join(''), 'WATCHREV')
  await until(() => watch.revision === 0, 'they wait')
  const sinceMs = performance.now()
  proxy.cut()
  await until(() => asked.length >= 6, 'it asks again')
  await sleep(30)
  // Two between pauses, each of which is a quarter of 20 ms at least.
  expect(asked.length).toBeLessThanOrEqual(3 + (2 * (performance.now() - sinceMs)) / 4)
  const last = asked.length
  const items = await take(watch, 3)
  expect(items).toMatchObject([
    { type: 'lost', from: 101, to: 101 },
    { type: 'changes', revision: 102 },
    { type: 'lost', from: 2 },
  ])
  // The last answer may be on its way.
  expect((items[2] as KeyspaceChangesLost).to).toBeGreaterThanOrEqual(last - 1)
})

test('a server that does not answer is given up: told soon at first, asked anew later', async () => {
  const clock = hastyClock()
  const { keyspace, proxy, asked, say } = await lab(
    ['', ':5\r\n', '', ':5\r\n'],
    // By a clock so fast, a busy machine takes its time to connect.
    { timeoutMs: 60_000, connectTimeoutMs: 5_000_000 },
    clock,
  )
  const failure = failureOf(keyspace.watch('a').ready)
  await until(() => asked.length === 1, 'it asks')
  clock.hurry(1000)
  expect(await failure).toMatchObject({ code: 'SHL_ASK_TIMEOUT' })
  clock.hurry(1)
  const watch = keyspace.watch('a')
  await watch.ready
  proxy.cut()
  await until(() => asked.length === 3, 'it asks again')
  const sinceMs = clock.nowMs()
  clock.hurry(1000)
  await until(() => asked.length === 4, 'it gives up, and asks anew')
  clock.hurry(1)
  // One that may be waiting in line there is given more time.
  expect(clock.nowMs() - sinceMs).toBeGreaterThan(65_000)
  await sleep(10)
  say(6, [['a', 'set']])
  expect(await take(watch, 1)).toMatchObject([{ revision: 6 }])
})

test('who is too slow is ended, or told which revisions are missing', async () => {
  const { keyspace, proxy } = await lab(Array.from({ length: 4 }, () => ':0\r\n'))
  const cut = keyspace.watch('a', { queueMax: 3 })
  const drop = keyspace.watch('a', { queueMax: 3, whenSlow: 'drop' })
  const least = keyspace.watch('a', { queueMax: 1, whenSlow: 'drop' })
  await Promise.all([cut.ready, drop.ready, least.ready])
  // Told last: when it has heard all, the others will have, a moment later.
  const witness = keyspace.watch('a')
  await witness.ready
  const pushes = Array.from({ length: 6 }, (_, i) => pushOf(i + 1, [['a', 'set']]))
  proxy.say(pushes.join(''), 'WATCHREV')
  await take(witness, 6)
  await sleep(100)
  const slow = await failureOf(cut.next())
  expect(slow).toMatchObject({ code: 'SHL_WATCH_SLOW', details: { queueMax: 3 } })
  expect(await take(drop, 2)).toMatchObject([{ type: 'lost', from: 1 }, { type: 'changes' }])
  expect(await take(least, 2)).toMatchObject([
    { type: 'lost', from: 1, to: 5 },
    { type: 'changes', revision: 6 },
  ])
})

test('events come one by one, of the classes that are wanted', async () => {
  const { keyspace, asked, say } = await lab([':1\r\n'])
  const events = keyspace.events({ classes: ['string', 'expired'], pattern: 'a*' })
  await events.ready
  expect(asked).toEqual([['WATCHREV', 'a*']])
  say(2, [
    ['a', 'set'],
    ['a', 'del'],
    ['ab', 'expired'],
  ])
  expect(await take(events, 2)).toEqual([
    { type: 'event', key: 'a', event: 'set', revision: 2 },
    { type: 'event', key: 'ab', event: 'expired', revision: 2 },
  ])
})

test('a server that has no such command ends it', async () => {
  const { keyspace } = testKeyspace(redis!.port)
  const watch = keyspace.watch('a')
  expect(await failureOf(watch.next())).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  expect(() => keyspace.watch([])).toThrowError(/pattern/)
  expect(() => keyspace.watch('a', { since: -1 })).toThrowError(/since/)
})

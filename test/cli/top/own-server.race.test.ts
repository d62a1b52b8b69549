/** `shardloom top` at our own server: the panels that a plain Redis leaves empty. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { topCommand } from '../../../src/cli/top/top-command.ts'
import type { TopView } from '../../../src/cli/top/view.ts'
import { until } from '../../support/clients/until.ts'
import { infoFields } from '../../support/info-fields.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'
import { top } from '../prompt/captured-cli.ts'
import { FakeTerminal } from '../prompt/fake-terminal.ts'

const SLOW = ['SORT', 'big list', 'BY', 'nosort']
const CALLS_AT_ONCE = 200

let server: TestServer
let client: RespClient
let waiter: RespClient
let isBusy = true
let traffic: Promise<void>

beforeAll(async () => {
  server = await testServer()
  client = await RespClient.connect(server.port)
  waiter = await RespClient.connect(server.port)
  await client.call('MSET', ...Array.from({ length: 100 }, (_, i) => [`k:${i}`, 'v']).flat())
  await client.pipeline([
    ['CONFIG', 'SET', 'slowlog-log-slower-than', '0'],
    SLOW,
    ['CONFIG', 'SET', 'slowlog-log-slower-than', '-1'],
    ['LOCK.ACQUIRE', 'orders', 'me', 'PX', '600000'],
    ['LOCK.ACQUIRE', 'report', 'one', 'PX', '600000', 'SHARED'],
    ['LOCK.ACQUIRE', 'report', 'other', 'PX', '600000', 'SHARED'],
  ])
  waiter.call('LOCK.ACQUIRE', 'orders', 'you', 'PX', '1000', 'WAIT', '600000').catch(() => undefined)
  await until(async () => (await infoFields(client, 'locks')).get('lock_waiters') === '1')
  traffic = makeTraffic()
}, 30_000)

afterAll(async () => {
  isBusy = false
  await traffic
  client?.close()
  waiter?.close()
  await server?.close()
})

/** Asks for one key more often than for others, for as long as the tests run. */
async function makeTraffic(): Promise<void> {
  const asking = await RespClient.connect(server.port)
  const gets = Array.from({ length: CALLS_AT_ONCE }, (_, i) => [
    'GET',
    i % 10 === 0 ? `k:${i / 10}` : 'hot key',
  ])
  while (isBusy) {
    await asking.pipeline(gets)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  asking.close()
}

async function read(): Promise<TopView> {
  const { out } = await top(['-p', String(server.port), '--once', '--json', '-i', '0.1'])
  return JSON.parse(out) as TopView
}

/** Everybody is asked for something, and a key is hot: by what was asked in a whole second. */
function isUnderWay({ hotKeys, shards }: TopView): boolean {
  if ('missing' in hotKeys || hotKeys.rows[0]?.key !== 'hot key') return false
  return 'rows' in shards && shards.rows.every(({ commandsPerSecond = 0 }) => commandsPerSecond > 0)
}

test('its figures as JSON are those of the server', async () => {
  let view = await read()
  await until(async () => {
    if (isUnderWay(view)) return true
    view = await read()
    return false
  })
  const some = expect.any(Number)
  expect(view.server).toMatchObject({ name: 'shardloom', keys: 100, blocked: 1 })
  expect(view.server.commandsPerSecond).toBeGreaterThan(0)
  const shard = { thread: some, keys: some, usedMemory: some, slots: 8192, blocked: some }
  expect(view.shards).toMatchObject({
    rows: [
      { ...shard, id: 0 },
      { ...shard, id: 1 },
    ],
  })
  const shards = 'rows' in view.shards ? view.shards.rows : []
  expect(shards.reduce((sum, { keys = 0 }) => sum + keys, 0)).toBe(100)
  expect(shards.reduce((sum, { blocked = 0 }) => sum + blocked, 0)).toBe(1)
  const threads = 'rows' in view.threads ? view.threads.rows : []
  expect(new Set(threads.map(({ id }) => id))).toEqual(new Set(shards.map(({ thread }) => thread)))
  expect(threads.reduce((sum, { connections = 0 }) => sum + connections, 0)).toBe(view.server.connections)
  expect(threads).toMatchObject(Array(2).fill({ utilization: some, heapBytes: some }))
  const hot = 'rows' in view.hotKeys ? view.hotKeys.rows[0] : undefined
  expect(hot).toMatchObject({ key: 'hot key', db: 0 })
  expect(shards.map(({ id }) => id)).toContain(hot?.shard)
  expect(hot?.callsPerSecond).toBeGreaterThan(0)
  expect(view.slow).toMatchObject({ rows: expect.arrayContaining([expect.objectContaining({ argv: SLOW })]) })
  const locks = 'rows' in view.locks ? view.locks.rows : []
  expect(locks.toSorted((one, other) => (one.key < other.key ? -1 : 1))).toEqual([
    {
      ...{ key: 'orders', mode: 'exclusive', holders: 1, owner: 'me', token: some, remainingMs: some },
      ...{ waiters: 1, waitingMs: some },
    },
    {
      ...{ key: 'report', mode: 'shared', holders: 2, owner: 'one', token: some, remainingMs: some },
      ...{ waiters: 0, waitingMs: 0 },
    },
  ])
})

test('its panels on a terminal have a row for each', async () => {
  const t = new FakeTerminal(160, 44)
  const end = topCommand(['-p', String(server.port), '-i', '0.1'], t.streams)
  await t.shows(/▸ shards 2 +threads 2$/m)
  await t.shows(/^ +0 +[\d,]+ +\d+ .* 8,?192 +\d+ +[\d,]+ +[\d.]+ % /m)
  await t.shows(/ {2}hot keys \d+$/m)
  await t.shows(/ [\d,]+ {2}"hot key" +0 +[01]$/m)
  await t.shows(/^ {2}slow commands \d+ +locks 2$/m)
  await t.shows(/SORT "big list" BY nosort/)
  await t.shows(/ 1 {2}orders +exclusive +me /m)
  await t.shows(/ 0 {2}report +shared +2 owners /m)
  t.type('q')
  expect(await end).toBe(0)
})

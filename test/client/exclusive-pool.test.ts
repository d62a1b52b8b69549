import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { failureOf, sleep, testKeyspace, until } from '../support/client-lab.ts'
import { freePort, type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

function lab(exclusiveMax: number) {
  const { client } = testKeyspace(redis!.port, { exclusiveMax })
  const { pool, clock } = client
  return { client, pool, limits: (ms: number) => ({ endMs: clock.nowMs() + ms }) }
}

test('a connection that is given back is taken again', async () => {
  const { pool, limits } = lab(3)
  const one = await pool.take(limits(2000))
  const other = await pool.take(limits(2000))
  expect(other).not.toBe(one)
  pool.giveBack(one)
  expect(await pool.take(limits(2000))).toBe(one)
  expect(pool.open).toBe(2)
})

test('who asks when all are taken waits in line, within the deadline', async () => {
  const { pool, limits } = lab(1)
  const one = await pool.take(limits(2000))
  expect(await failureOf(pool.take(limits(20)))).toMatchObject({
    code: 'SHL_CONNECTION_LIMIT',
    details: { open: 1, exclusiveMax: 1, isSent: false },
  })
  const order: string[] = []
  const first = pool.take(limits(2000)).then((connection) => {
    order.push('first')
    return connection
  })
  await sleep(1)
  const second = pool.take(limits(2000)).then((connection) => {
    order.push('second')
    return connection
  })
  await sleep(1)
  pool.giveBack(one)
  pool.giveBack(await first)
  pool.giveBack(await second)
  expect(order).toEqual(['first', 'second'])
  expect(pool.open).toBe(1)
})

test('the time in line may be less than that for all of it, and ends nothing but the line', async () => {
  const { client, pool, limits } = lab(1)
  const soon = (ms: number) => ({ ...limits(5000), turnEndMs: client.clock.nowMs() + ms })
  // There is room: it is made, however long that takes.
  const one = await pool.take(soon(0))
  const beganMs = performance.now()
  const inLine = [20, 40, 20].map((ms) => failureOf(pool.take(soon(ms))))
  const last = pool.take(limits(5000))
  for (const late of inLine) expect(await late).toMatchObject({ code: 'SHL_CONNECTION_LIMIT' })
  expect(performance.now() - beganMs).toBeLessThan(2000)
  pool.giveBack(one)
  expect((await last).error).toBeUndefined()
  expect(pool.open).toBe(1)
})

test('one that has ended makes room', async () => {
  const { pool, limits } = lab(1)
  const one = await pool.take(limits(2000))
  const waiting = pool.take(limits(2000))
  one.end(new Error('cut'))
  expect((await waiting).error).toBeUndefined()
  expect(pool.open).toBe(1)
})

test('one that is given back with something under way is ended', async () => {
  const { pool, limits } = lab(2)
  const one = await pool.take(limits(2000))
  const asked = one.send(['PING'], one.mark()).catch((error: Error) => error)
  pool.giveBack(one)
  expect(one.error).toBeDefined()
  expect(await asked).toBeInstanceOf(Error)
  expect(pool.open).toBe(0)
})

test('a signal ends the wait, and the end of the client does', async () => {
  const { client, pool, limits } = lab(1)
  await pool.take(limits(2000))
  const stop = new AbortController()
  const waiting = failureOf(pool.take({ ...limits(2000), signal: stop.signal }))
  const other = failureOf(pool.take(limits(2000)))
  stop.abort(new Error('enough'))
  expect(await waiting).toMatchObject({ code: 'SHL_ASK_ABORTED', cause: { message: 'enough' } })
  await client.close(0)
  expect(await other).toMatchObject({ code: 'SHL_CONNECTION_CLOSED' })
})

test('for who has given up already nobody dials', async () => {
  const { client } = testKeyspace(await freePort())
  const stopped = failureOf(
    client.pool.take({ endMs: Number.POSITIVE_INFINITY, signal: AbortSignal.abort() }),
  )
  expect(await stopped).toMatchObject({ code: 'SHL_ASK_ABORTED', details: { isSent: false } })
  expect([client.pool.open, client.metrics.connectFailures]).toEqual([0, 0])
})

test('a signal ends the wait between two attempts to connect', async () => {
  const { client } = testKeyspace(await freePort(), { backoff: { minMs: 60_000, maxMs: 60_000 } })
  const stop = new AbortController()
  const wait = failureOf(client.pool.take({ endMs: Number.POSITIVE_INFINITY, signal: stop.signal }))
  await until(() => client.metrics.connectFailures > 0, 'it tried')
  await sleep(5)
  stop.abort()
  expect(await wait).toMatchObject({ code: 'SHL_ASK_ABORTED' })
  expect(client.pool.open).toBe(0)
})

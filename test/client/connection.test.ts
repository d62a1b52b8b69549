import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/base/index.ts'
import { clientSettings } from '../../src/client/connect-options.ts'
import { Connection } from '../../src/client/connection.ts'
import { closeLater, FaultProxy, failureOf, until } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

async function open(
  port: number,
  more: {
    readonly setup?: string[][]
    readonly onPush?: (push: readonly unknown[]) => boolean
    readonly connectTimeoutMs?: number
  } = {},
): Promise<Connection> {
  const { address, tls, name } = clientSettings(`shardloom://127.0.0.1:${port}/1`)
  const { connectTimeoutMs = 10_000 } = more
  const connection = await Connection.open({
    ...{ address, tls, name, clock: systemClock(), connectTimeoutMs, purpose: 'commands' },
    ...{ setup: more.setup ?? [], onPush: more.onPush ?? (() => false) },
  })
  closeLater({ close: async () => connection.end(new Error('test is over')) })
  return connection
}

test('it has a name, a database, and the third protocol', async () => {
  const connection = await open(redis!.port, { setup: [['CLIENT', 'ID']] })
  expect(connection.setupReplies).toEqual([expect.any(Number)])
  const info = String(await connection.send(['CLIENT', 'INFO'], connection.mark()))
  expect(info).toMatch(/ name=shardloom .* db=1 .* resp=3/)
})

test('refusals are replies, and pushes come to who wants them', async () => {
  const pushes: unknown[] = []
  const connection = await open(redis!.port, {
    setup: [['CLIENT', 'TRACKING', 'ON']],
    onPush: (push) => pushes.push(push) > 0,
  })
  const mark = connection.mark()
  const [, refusal] = await connection.sendAll(
    [['GET', 'pushed'], ['LPUSH'], ['SET', 'pushed', '1']],
    [mark, connection.mark(), connection.mark()],
  )
  expect(refusal).toMatchObject({ code: 'ERR' })
  expect(mark.isSent).toBe(true)
  await until(() => pushes.length === 1, 'it was told')
  expect(String((pushes as unknown[][])[0]![0])).toBe('invalidate')
})

test('a setup that the server refuses, and a server that says nothing, are no connection', async () => {
  const refused = await failureOf(open(redis!.port, { setup: [['NOSUCH']] }))
  expect(refused).toMatchObject({ code: 'SHL_CONNECTION_FAILED', details: { isRefused: true } })
  const proxy = await FaultProxy.start(redis!.port)
  proxy.mode = 'swallowAll'
  const silent = await failureOf(open(proxy.port, { connectTimeoutMs: 200 }))
  expect(silent).toMatchObject({ code: 'SHL_CONNECTION_FAILED', details: { isRefused: false } })
  await until(() => proxy.open === 0, 'it is not left behind')
})

test('it ends once, and whatever waits is told', async () => {
  const connection = await open(redis!.port)
  const ends: string[] = []
  connection.onEnd((error) => ends.push(error.message))
  const [sent, late] = [connection.mark(), connection.mark()]
  const waits = connection.send(['BLPOP', 'none', '0'], sent).catch((error: Error) => error)
  await until(() => sent.isSent, 'it was written')
  const behind = connection.send(['SET', 'late', '1'], late).catch((error: Error) => error)
  connection.end(new Error('first'))
  connection.end(new Error('second'))
  expect(await waits).toBeInstanceOf(Error)
  expect(await behind).toBeInstanceOf(Error)
  expect([sent.isSent, late.isSent]).toEqual([true, false])
  expect(ends).toEqual(['first'])
  connection.onEnd((error) => ends.push(error.message))
  expect(ends).toEqual(['first', 'first'])
  expect(connection.pending).toBe(0)
})

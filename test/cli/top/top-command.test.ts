/** `shardloom top` at a real Redis: one picture for scripts, and the live view on a terminal. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { topCommand } from '../../../src/cli/top/top-command.ts'
import { closedPort, type PortedRedis, startPorted, top } from '../prompt/captured-cli.ts'
import { FakeTerminal } from '../prompt/fake-terminal.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

afterAll(() => redis?.server.stop())

test('--once prints a picture, or its figures as JSON', async ({ skip }) => {
  if (redis === undefined) return skip()
  const words = ['-p', String(redis.port), '--once', '-i', '0.1']
  const { code, out } = await top([...words, '--json'])
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({
    server: { name: 'redis', connections: 2, commandsPerSecond: expect.any(Number) },
    shards: { missing: expect.any(String) },
    clients: { rows: expect.arrayContaining([expect.objectContaining({ db: 0 })]) },
  })
  const picture = await top(words)
  expect(Buffer.from(picture.out, 'latin1').toString()).toMatch(
    /^shardloom top {3}127\.0\.0\.1:\d+ {3}redis 7\./,
  )
})

test('the live view draws, takes keys and sizes, and puts the terminal back', async ({ skip }) => {
  if (redis === undefined) return skip()
  const t = new FakeTerminal(120, 40)
  const end = topCommand(['-p', String(redis.port), '-i', '0.1'], t.streams)
  await t.shows('▸ shards')
  await t.shows(/commands \d+\/s/)
  expect(t.isOther).toBe(true)
  t.type('\x1b[C')
  await t.shows('▸ threads')
  t.type('p')
  await t.shows(/paused$/m)
  t.type('\r')
  await t.shows(/ shards {2}threads {2}commands /)
  t.resize(60, 10)
  await t.shows('q quit   p pause   s sort   arrows choose and scroll   enter')
  t.type('q')
  expect(await end).toBe(0)
  expect(t.isOther).toBe(false)
})

test('a server that comes back is shown again', async ({ skip }) => {
  if (redis === undefined) return skip()
  const t = new FakeTerminal(120, 40)
  const end = topCommand(['-p', String(redis.port), '-i', '0.1'], t.streams)
  await t.shows(/commands \d+\/s/)
  await redis.server.client.call('CLIENT', 'KILL', 'TYPE', 'normal')
  await t.shows(/commands -\/s/)
  await t.shows(/commands \d+\/s/)
  t.type('\x03')
  expect(await end).toBe(0)
})

test('what is wrong with the command line, and with the server', async () => {
  expect(await top(['--nope'])).toMatchObject({ code: 2, err: /unknown option: --nope/ })
  expect(await top(['now'])).toMatchObject({ code: 2, err: /it takes no words: now/ })
  expect(await top(['--json'])).toMatchObject({ code: 2, err: /--json goes with --once/ })
  expect(await top([])).toMatchObject({ code: 2, err: /there is no terminal: --once prints one picture/ })
  expect(await top(['-i', '0'])).toMatchObject({ code: 2, err: /-i 0: allowed is seconds from 0.1 to 3600/ })
  expect(await top(['-p', String(await closedPort()), '--once'])).toMatchObject({
    code: 1,
    err: /connection refused/,
  })
  expect((await top(['--help'])).out).toMatch(/^usage: shardloom top/)
  expect((await top(['-h'])).out).toMatch(/^usage: shardloom top/)
})

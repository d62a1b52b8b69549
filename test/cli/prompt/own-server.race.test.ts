/**
 * `shardloom cli` at our own server: what it learns of commands that Redis does not have, and their replies.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cliCommand } from '../../../src/cli/prompt/cli-command.ts'
import { type CommandDocs, NO_DOCS } from '../../../src/cli/prompt/command-docs.ts'
import { completionsFor, hintFor } from '../../../src/cli/prompt/hints.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'
import { cli, docsOf } from './captured-cli.ts'
import { FakeTerminal } from './fake-terminal.ts'

let server: TestServer
let client: RespClient
let docs: CommandDocs = NO_DOCS

beforeAll(async () => {
  server = await testServer()
  client = await RespClient.connect(server.port)
  docs = await docsOf(server)
})

afterAll(async () => {
  client?.close()
  await server?.close()
})

const said = async (...words: string[]): Promise<string> =>
  (await cli(['-p', String(server.port), ...words])).out

const ACQUIRE_OPTIONS = '[SHARED] [WAIT milliseconds] [LIMIT count]'
const WATCH_OPTIONS =
  '[KEYS key [key ...]] [PREFIX prefix [prefix ...]] [SINCE revision] [VALUES] [PROGRESS milliseconds] ' +
  '[ID name]'

describe('a hint continues the line', () => {
  test.each([
    ['lock.acquire', ` key owner PX milliseconds ${ACQUIRE_OPTIONS}`],
    ['LOCK.ACQUIRE orders me ', `PX milliseconds ${ACQUIRE_OPTIONS}`],
    ['lock.acquire orders me px', ` milliseconds ${ACQUIRE_OPTIONS}`],
    ['lock.acquire orders me px 1000 ', ACQUIRE_OPTIONS],
    ['lock.acquire orders me px 1000 w', 'ait milliseconds [SHARED] [LIMIT count]'],
    ['lock.acquire orders me px 1000 wait 5 ', '[SHARED] [LIMIT count]'],
    ['limit ', 'key max-burst count-per-period period-milliseconds [quantity]'],
    ['limit k 1 2 ', 'period-milliseconds [quantity]'],
    ['limit k 1 2 1000 1', ''],
    ['watchrev ', `pattern [pattern ...] ${WATCH_OPTIONS}`],
    ['WATCHREV order:* ', `[pattern ...] ${WATCH_OPTIONS}`],
  ])('%j', (line, text) => {
    expect(hintFor(docs, line).text).toBe(text)
  })

  test('and says what the command does', () => {
    expect(hintFor(docs, 'lock.acquire ').summary).toMatch(/^Takes a lock, and answers its fencing token/)
    expect(hintFor(docs, 'limit ').summary).toMatch(/^Limits a rate: /)
    expect(hintFor(docs, 'watchrev ').summary).toMatch(/^Sends every change of keys that fit/)
  })
})

describe('Tab offers', () => {
  test.each([
    ['LOCK.ACQ', ['LOCK.ACQUIRE', 'LOCK.ACQUIREALL']],
    ['lock.re', ['lock.release', 'lock.renew']],
    ['lim', ['limit']],
    ['watch', ['watch', 'watchrev']],
    ['help WATCHR', ['WATCHREV']],
    ['lock.acquire orders me ', ['px']],
    ['lock.acquire orders me px 1000 ', ['limit', 'shared', 'wait']],
    ['WATCHREV order:* P', ['PREFIX', 'PROGRESS']],
  ])('%j', (line, offers) => {
    expect([...completionsFor(docs, line).offers].sort()).toEqual(offers)
  })
})

test('a nested reply is shown in its shape: as people read it, in both protocols, and as JSON', async () => {
  await client.call('LOCK.ACQUIRE', 'orders', 'me', 'PX', '60000')
  const steady = async (...words: string[]): Promise<string> =>
    (await said(...words, 'lock.info', 'orders')).replace(/\b[1-6]\d{4}\b/, 'MS')
  expect(await steady('--no-raw')).toBe(
    ` 1) "mode"
 2) "exclusive"
 3) "limit"
 4) (integer) 0
 5) "last-token"
 6) (integer) 1
 7) "holders"
 8) 1) 1) "owner"
       2) "me"
       3) "token"
       4) (integer) 1
       5) "remaining-ms"
       6) (integer) MS
       7) "entries"
       8) (integer) 1
 9) "waiters"
10) (empty array)
`,
  )
  expect(await steady('--no-raw', '-3')).toBe(
    `1# "mode" => "exclusive"
2# "limit" => (integer) 0
3# "last-token" => (integer) 1
4# "holders" => 
   1) 1# "owner" => "me"
      2# "token" => (integer) 1
      3# "remaining-ms" => (integer) MS
      4# "entries" => (integer) 1
5# "waiters" => (empty array)
`,
  )
  expect(JSON.parse(await said('--json', 'lock.info', 'orders'))).toEqual({
    mode: 'exclusive',
    limit: 0,
    'last-token': 1,
    holders: [{ owner: 'me', token: 1, 'remaining-ms': expect.any(Number), entries: 1 }],
    waiters: [],
  })
  await client.call('LOCK.RELEASE', 'orders', 'me', '1')
})

test('on a terminal: Tab, a hint, help, and what a watch sends', async () => {
  const t = new FakeTerminal(110)
  const end = cliCommand(['-p', String(server.port)], t.streams)
  await t.shows('>')
  // A hint can only come of what the server said of its commands.
  t.type('limit k')
  await t.shows('> limit k max-burst count-per-period period-milliseconds [quantity]\nLimits a rate: ')
  t.type(' 2 1 1000\r')
  await t.shows('> limit k 2 1 1000\n1) (integer) 0\n2) (integer) 3\n3) (integer) 2\n')
  t.type('help watchr\t')
  await t.shows('> help watchrev')
  t.type('\r')
  await t.shows(/\n {2}WATCHREV pattern \[pattern \.\.\.\] \[KEYS/)
  await t.shows(/>$/)
  t.type('watchr\t')
  await t.shows('> watchrev pattern [pattern ...] [KEYS')
  t.type('order:* values id mine\r')
  await t.shows(/> watchrev order:\* values id mine\nReading .*\n\(integer\) \d+\n/)
  await client.call('SET', 'order:1', 'paid')
  await t.shows(/"order:1"[\s\S]*"set"[\s\S]*"paid"/)
  t.type('\x03')
  await t.shows(/\^C\n127.*>$/)
  t.type('\x04')
  expect(await end).toBe(0)
})

/** The prompt, on a terminal that is made of streams, at a real server. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainPaint } from '../../../src/cli/connection/paint.ts'
import { cliCommand } from '../../../src/cli/prompt/cli-command.ts'
import { drawnHint } from '../../../src/cli/prompt/hint-line.ts'
import { type PortedRedis, startPorted } from './captured-cli.ts'
import { FakeTerminal } from './fake-terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-prompt-'))
let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

afterAll(async () => {
  await redis?.server.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A prompt that has learnt the commands of its server. */
async function open(
  words: readonly string[] = [],
  history = '',
  columns = 100,
): Promise<{ t: FakeTerminal; end: Promise<number> }> {
  const t = new FakeTerminal(columns)
  const streams = { ...t.streams, env: { NO_COLOR: '1', SHARDLOOM_HISTORY: history } }
  const end = cliCommand(['-p', String(redis?.port), ...words], streams)
  await t.shows('>')
  // A hint can only come of what the server said of its commands.
  t.type('get ')
  await t.shows('> get key\nGet the value of a key')
  t.type('\x15')
  await t.shows(/>$/)
  return { t, end }
}

/** What the screen shows when something was typed and run. */
async function typed(t: FakeTerminal, line: string, shown: string): Promise<void> {
  t.type(`${line}\r`)
  await t.shows(`> ${line}\n${shown}`)
  await t.shows(/>$/)
}

test('a command is typed with a hint, run, and its reply shown', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open()
  t.type('set k ')
  await t.shows(/> set k value \[NX\|XX\] \[GET\] \[EX seconds\|.*…\nSet the string value of a key$/)
  t.type('v\r')
  await t.shows('> set k v\nOK\n')
  await typed(t, 'get k', '"v"\n')
  await typed(t, '3 incr n', '(integer) 1\n(integer) 2\n(integer) 3\n')
  await typed(t, 'nope', '(error) ERR unknown command')
  await typed(t, 'get "a"b', 'Invalid argument(s)\n')
  t.type('set k "two\r')
  await t.shows('> set k "two\n...')
  t.type('lines"\r')
  await t.shows('... lines"\nOK\n')
  await typed(t, 'get k', '"two\\nlines"\n')
  t.type('exit\r')
  expect(await end).toBe(0)
})

test('Tab completes commands, subcommands and tokens; help explains them', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open()
  t.type('hgeta\t')
  await t.shows('> hgetall key\nGet all')
  t.type('\x15object enc\t')
  await t.shows('> object encoding key\n')
  t.type('\x15set a b keep\t')
  await t.shows('> set a b keepttl [NX|XX] [GET]\n')
  t.type('\x15')
  await typed(t, 'help get', '\n  GET key\n  summary: Get the value of a key\n')
  await typed(t, 'help', 'shardloom cli\n  help COMMAND')
  t.type('\x04')
  expect(await end).toBe(0)
})

test('the prompt shows database and transaction; settings change what is printed', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open(['-n', '2'])
  await typed(t, 'multi', `OK\n127.0.0.1:${redis.port}[2](TX)>`)
  await typed(t, 'discard', `OK\n127.0.0.1:${redis.port}[2]>`)
  await typed(t, ':set json', '127')
  await typed(t, 'mget a b', '[null,null]\n')
  await typed(t, ':set nope', ':set hints | nohints | standard | raw')
  await typed(t, ':set nohints', '127')
  t.type('get x')
  await t.shows(/> get x$/)
  t.type('\x03\x03')
  expect(await end).toBe(0)
})

test('Ctrl-C discards a line, ends what blocks and what streams, and leaves', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open()
  t.type('get something')
  await t.shows('> get something\nGet the value')
  t.type('\x03')
  await t.shows(/> get something\n?\^C\n127.*>$/)
  t.type('blpop none 0\r')
  await redisShows(/cmd=blpop/)
  t.type('\x03')
  await t.shows(/> blpop none 0\n\^C\n127.*>$/)
  t.type('psubscribe n*\r')
  await t.shows('(press Ctrl-C to quit)\n1) "psubscribe"\n2) "n*"\n3) (integer) 1\n')
  await redis.server.client.call('PUBLISH', 'news', 'hello')
  await t.shows('4) "hello"\n')
  t.type('\x03')
  await t.shows(/4\) "hello"\n\^C\n127.*>$/)
  await typed(t, 'ping', 'PONG\n')
  t.type('\x03')
  expect(await end).toBe(0)
})

test.for([
  ['Ctrl-D', '\x04', '>\n'],
  ['Ctrl-C', '\x03', '>\n'],
  ['Ctrl-D in a word of several lines', 'get "a\r\x04', '> get "a\n...\n'],
  ['exit', 'exit\r', '> exit\n'],
] as const)('%s leaves the cursor on a line of its own', async ([, keys, shown], { skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open()
  t.type(keys)
  expect(await end).toBe(0)
  expect(t.screen).toBe(`127.0.0.1:${redis.port}${shown}`)
})

test('pushes and a loss are shown above the line that is typed', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { t, end } = await open(['-3'])
  await typed(t, 'client tracking on', 'OK\n')
  await typed(t, 'get watched', '(nil)\n')
  t.type('get oth')
  await t.shows('> get oth\nGet the value')
  await redis.server.client.call('SET', 'watched', '1')
  await t.shows(/\n-> invalidate: 'watched'\n127.*> get oth\nGet the value/)
  await redis.server.client.call('CLIENT', 'KILL', 'TYPE', 'normal')
  await t.shows(/\nConnection to 127.0.0.1:\d+ is lost\nnot connected> get oth/)
  t.type('er\r')
  await t.shows(/not connected> get other\n\(nil\)\n127.*>$/)
  t.type('\x04')
  expect(await end).toBe(0)
})

test('a line of several rows is drawn once, however it comes and wherever it is changed', async ({
  skip,
}) => {
  if (redis === undefined) return skip()
  const { t, end } = await open(['-3'], '', 40)
  // Of any width that the port has, it ends somewhere in the third row.
  const key = 'ABCDEFGHIJ'.repeat(7)
  const shown = (line: string, behind = ''): RegExp => {
    const whole = `127.0.0.1:${redis?.port}> ${line}`.trimEnd()
    const rows = Array.from({ length: Math.ceil(whole.length / 40) }, (_, i) =>
      whole.slice(40 * i, 40 * i + 40),
    )
    return new RegExp(`^${rows.join('\\n')}${behind}$`)
  }
  const hint = '\\nGet the value of a key'
  t.type(`get ${key}`)
  await t.shows(shown(`get ${key}`, hint))
  t.type('\x01')
  await t.shows(shown(`get ${key}`))
  t.type('xy')
  await t.shows(shown(`xyget ${key}`))
  t.type('\x1b[3~\x7f\x7fg\x05')
  await t.shows(shown(`get ${key}`, hint))
  t.type('\x15')
  await t.shows(shown(''))
  for (const char of `get ${key}`) t.type(char)
  await t.shows(shown(`get ${key}`, hint))
  await redis.server.client.call('CLIENT', 'KILL', 'TYPE', 'normal')
  // Told above the line, which is whole below it.
  await t.shows(
    /^Connection to 127.0.0.1:\d+ is lost\nnot connected> get ABC[A-J\n]+HIJ\nGet the value of a key$/,
  )
  t.type('\x03')
  await t.shows(/^Connection .* is lost\nnot connected> get ABC[A-J\n]+HIJ\^C\nnot connected>$/)
  t.type('\x04')
  expect(await end).toBe(0)
})

test('what was typed is found again by the next prompt, but no password', async ({ skip }) => {
  if (redis === undefined) return skip()
  const path = join(folder, 'history')
  const first = await open([], path)
  await typed(first.t, 'echo one', '"one"\n')
  await typed(first.t, 'auth nobody secret', '(error) WRONGPASS')
  first.t.type('echo "a\rb"\r')
  await first.t.shows('... b"\n"a\\nb"\n')
  // An arrow finds the line before, which was put on one.
  first.t.type('\x1b[A')
  await first.t.shows('> echo "a\\nb"')
  first.t.type('\x15exit\r')
  await first.end
  expect(readFileSync(path, 'utf8')).toBe('echo one\necho "a\\nb"\nexit\n')
  const second = await open([], path)
  second.t.type('\x1b[A\x1b[A\x1b[A')
  await second.t.shows('> echo one')
  second.t.type('\x15\x04')
  await second.end
})

test('a hint is cut to its row and puts the cursor back', () => {
  const draw = (text: string, summary: string, column: number): string =>
    drawnHint({ text, summary }, { column, columns: 20 }, plainPaint)
  expect(draw('', '', 5)).toBe('')
  expect(draw('key', '', 5)).toBe('\x1b[Jkey\r\x1b[5C')
  expect(draw('a long syntax of it', 'what it does, at length', 10)).toBe(
    '\x1b[Ja long s…\r\nwhat it does, at l…\x1b[1A\r\x1b[10C',
  )
  expect(draw('key', '', 19)).toBe('')
})

async function redisShows(wanted: RegExp): Promise<void> {
  while (!wanted.test(String(await redis?.server.client.call('CLIENT', 'LIST')))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

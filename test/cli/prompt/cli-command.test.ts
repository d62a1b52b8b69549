/** `shardloom cli` without a terminal: one command, lines of stdin, what goes wrong. */
import { execFileSync, spawnSync } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { delay } from '../../support/redis/resp-client.ts'
import { cli, closedPort, type PortedRedis, type Ran, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

afterAll(() => redis?.server.stop())

const run = (words: readonly string[], stdin: string | Buffer = '', env = {}): Promise<Ran> =>
  cli(['-p', String(redis?.port), ...words], stdin, env)

test('one command prints its reply', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect(await run(['set', 'a', 'grün'])).toEqual({ code: 0, out: 'OK\n', err: '' })
  const { out } = await run(['get', 'a'])
  expect(Buffer.from(out, 'latin1').toString()).toBe('grün\n')
  expect((await run(['--no-raw', 'get', 'a'])).out).toBe('"gr\\xc3\\xbcn"\n')
  expect((await run(['--json', 'mget', 'a', 'none'])).out).toBe(
    Buffer.from('["grün",null]\n').toString('latin1'),
  )
})

test('an error ends it with 1 where -e is given, as with redis-cli', async ({ skip }) => {
  if (redis === undefined) return skip()
  const words = ['-p', String(redis.port), '-e', 'incr', 'text']
  await run(['set', 'text', 'x'])
  const ours = await cli(words)
  const theirs = spawnSync('redis-cli', words, { encoding: 'latin1' })
  expect(ours).toEqual({ code: theirs.status, out: theirs.stdout, err: theirs.stderr })
  expect(ours.code).toBe(1)
  const without = await run(['incr', 'text'])
  expect([without.code, without.out]).toEqual([0, 'ERR value is not an integer or out of range\n\n'])
})

test('lines of stdin are commands, with bytes of any kind', async ({ skip }) => {
  if (redis === undefined) return skip()
  const input = Buffer.from(
    'set b \xff\nget b\n\n  \n2 incr n\nget "b\nselect 1\nget b\nexit\nget n\n',
    'latin1',
  )
  const { code, out } = await run([], input)
  expect([code, out]).toEqual([0, 'OK\n\xff\n1\n2\nInvalid argument(s)\nOK\n\n'])
  const theirs = execFileSync('redis-cli', ['-p', String(redis.port)], {
    input: 'set n 0\nincr n\nlrange l 0 -1\nnope\n',
    encoding: 'latin1',
  })
  expect((await run([], 'set n 0\nincr n\nlrange l 0 -1\nnope\n')).out).toBe(theirs)
})

test('with -e the first error ends the lines', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect(await run(['-e'], 'set c 1\nnope\nset c 2\n')).toMatchObject({
    code: 1,
    out: 'OK\n',
    err: expect.stringContaining('unknown command'),
  })
  expect((await run(['get', 'c'])).out).toBe('1\n')
})

test('an argument may come from stdin, as bytes', async ({ skip }) => {
  if (redis === undefined) return skip()
  await run(['-x', 'set', 'x'], Buffer.from([0, 255, 10]))
  expect((await run(['get', 'x'])).out).toBe('\x00\xff\n\n')
  await run(['-X', 'VALUE', 'set', 'x', 'VALUE', 'ex', '100'], 'tagged')
  expect((await run(['get', 'x'])).out).toBe('tagged\n')
  expect((await run(['-X', 'VALUE', 'set', 'x', 'y'])).code).toBe(2)
  await run(['--quoted-input', 'set', 'x', '"\\x01"'])
  expect((await run(['get', 'x'])).out).toBe('\x01\n')
  expect((await run(['--quoted-input', 'get', '"x'])).code).toBe(2)
})

test('a command is repeated, and its replies delimited', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect((await run(['-r', '3', '-i', '0.01', 'incr', 'r'])).out).toBe('1\n2\n3\n')
  expect((await run(['-r', '2', '-D', ';', '-d', ',', 'mget', 'r', 'r'])).out).toBe('3,3;3,3;')
})

test('passwords come from where they should, and a shown one is warned of', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  await client.call('CONFIG', 'SET', 'requirepass', 'secret')
  try {
    expect((await run(['ping'])).out).toBe('NOAUTH Authentication required.\n\n')
    expect(await run(['ping'], '', { REDISCLI_AUTH: 'secret' })).toEqual({ code: 0, out: 'PONG\n', err: '' })
    expect(await run(['ping'], '', { SHARDLOOM_AUTH: 'secret' })).toEqual({ code: 0, out: 'PONG\n', err: '' })
    expect(await run(['-a', 'secret', 'ping'])).toMatchObject({
      out: 'PONG\n',
      err: /^Warning: Using a password/,
    })
    expect((await run(['-a', 'secret', '--no-auth-warning', 'ping'])).err).toBe('')
    const url = `shardloom://default:secret@127.0.0.1:${redis.port}/4`
    expect((await run(['-u', url, '--no-auth-warning', 'client', 'info'])).out).toMatch(/ db=4 /)
    expect((await run(['-a', 'wrong', '--no-auth-warning', 'ping'])).err).toMatch(/^AUTH failed: WRONGPASS/)
  } finally {
    await client.call('CONFIG', 'SET', 'requirepass', '')
  }
})

test('a server that is not there ends it with 1, a wrong option with 2', async () => {
  const port = await closedPort()
  expect(await cli(['-p', String(port), 'ping'])).toEqual({
    code: 1,
    out: '',
    err: `Could not connect to 127.0.0.1:${port}: connection refused\n`,
  })
  expect(await cli(['--nope'])).toMatchObject({ code: 2, err: /^shardloom cli: unknown option: --nope\n/ })
  expect((await cli(['--help'])).out).toMatch(/^usage: shardloom cli /)
})

test('a server that goes away is said', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const lost = { code: 1, out: '', err: 'Error: Server closed the connection\n' }
  expect(await cli(['-p', String(port), 'get', 'a'])).toEqual(lost)
  expect(await cli(['-p', String(port), 'subscribe', 'a'])).toEqual(lost)
  expect(await cli(['-p', String(port), '--scan'])).toEqual(lost)
  server.close()
})

test('a stream prints what comes, in the form that was asked for', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  const ran = run(['--no-raw', 'subscribe', 'news'])
  while (!String(await client.call('PUBSUB', 'NUMSUB', 'news')).includes(':1')) await delay(5)
  await client.call('PUBLISH', 'news', 'hello')
  await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
  expect((await ran).out).toBe(
    'Reading messages... (press Ctrl-C to quit)\n1) "subscribe"\n2) "news"\n3) (integer) 1\n' +
      '1) "message"\n2) "news"\n3) "hello"\n',
  )
})

/** What `shardloom cli` does besides commands: --pipe, --scan, --bigkeys, --stat, --latency. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { cli, type PortedRedis, type Ran, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

beforeEach(() => redis?.server.client.call('FLUSHALL'))

afterAll(() => redis?.server.stop())

const run = (words: readonly string[], stdin: string | Buffer = ''): Promise<Ran> =>
  cli(['-p', String(redis?.port), ...words], stdin)

test('--pipe loads what stdin holds and counts the replies', async ({ skip }) => {
  if (redis === undefined) return skip()
  const commands = Array.from({ length: 20_000 }, (_, i) => {
    return `*3\r\n$3\r\nSET\r\n$${String(i).length}\r\n${i}\r\n$5\r\nvalue\r\n`
  })
  expect(await run(['--pipe'], commands.join(''))).toEqual({
    code: 0,
    out:
      'All data transferred. Waiting for the last reply...\nLast reply received from server.\n' +
      'errors: 0, replies: 20000\n',
    err: '',
  })
  expect(await redis.server.client.call('DBSIZE')).toBe(':20000')
})

test('--pipe takes plain lines, says errors, and ends with 1 for them', async ({ skip }) => {
  if (redis === undefined) return skip()
  expect(await run(['--pipe'], 'SET a 1\r\nNOPE\r\nINCR a')).toMatchObject({
    code: 1,
    out: expect.stringContaining('errors: 1, replies: 3\n'),
    err: expect.stringMatching(/^ERR unknown command/),
  })
  const lost = await run(['--pipe'], 'SET a 1\r\n*1\r\n$x\r\n')
  expect(lost).toMatchObject({ code: 1, err: expect.stringContaining('Protocol error') })
})

test('--scan prints the keys of a pattern and a type', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  await client.call('MSET', ...Array.from({ length: 500 }, (_, i) => [`k:${i}`, 'v']).flat())
  await client.call('SADD', 'k:set', 'x')
  expect((await run(['--scan'])).out.trim().split('\n')).toHaveLength(501)
  const some = (await run(['--scan', '--pattern', 'k:1?', '--count', '50'])).out.trim().split('\n')
  expect(some.sort()).toEqual(Array.from({ length: 10 }, (_, i) => `k:1${i}`))
  expect((await run(['--scan', '--type', 'set', '--no-raw'])).out).toBe('"k:set"\n')
  expect(await run(['--scan', '--type', 'nope', '--count', '1'])).toMatchObject({ code: 0, out: '' })
})

test('--bigkeys and --memkeys find the largest of each type', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  await client.call('SET', 'small', 'x')
  await client.call('SET', 'la"rge', 'x'.repeat(1000))
  await client.call('RPUSH', 'list', ...'abcdef')
  await client.call('ZADD', 'zset', '1', 'a', '2', 'b')
  const { code, out } = await run(['--bigkeys'])
  expect(code).toBe(0)
  expect(out).toContain('Sampled 4 keys in the keyspace!\nTotal key length in bytes is 19 (avg len 4.75)\n')
  expect(out).toContain('Biggest string found "la\\"rge" has 1000 bytes\n')
  expect(out).toContain('1 lists with 6 items (25.00% of keys, avg size 6.00)\n')
  expect(out).toContain('1 zsets with 2 members (25.00% of keys, avg size 2.00)\n')
  expect((await run(['--memkeys'])).out).toMatch(/Biggest string found "la\\"rge" has 1\d\d\d bytes\n/)
})

test('--stat prints a line of figures as often as it is asked', async ({ skip }) => {
  if (redis === undefined) return skip()
  await redis.server.client.call('SET', 'a', '1')
  const { out } = await run(['--stat', '-r', '3', '-i', '0.02'])
  const lines = out.trimEnd().split('\n')
  expect(lines).toHaveLength(5)
  expect(lines[2]).toMatch(/^1 {10}\d[\d.]*[KM] +2 +0 +\d+ \(\+0\) +\d+$/)
  expect(lines[3]).toMatch(/\(\+1\)/)
})

test('--latency measures once where there is no terminal, in the form of redis-cli', async ({ skip }) => {
  if (redis === undefined) return skip()
  const words = ['-p', String(redis.port), '--latency', '-i', '0.05', '--csv']
  const theirs = execFileSync('redis-cli', words, { encoding: 'latin1' })
  const { out } = await cli(words)
  expect(theirs.trim()).toMatch(/^\d+,\d+,[\d.]+,\d+$/)
  expect(out).toMatch(/^\d+\.\d\d,\d+\.\d\d,\d+\.\d\d,\d+\n$/)
})

/**
 * `redis-cli` and `redis-benchmark`, as Debian has them, against a server: every mode that needs no replica.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  isAvailable,
  type Outcome,
  Program,
  type ProgramOptions,
  run,
} from '../../support/clients/program.ts'
import { request, type TestServer, testServer } from '../../support/server.ts'

const HERE = isAvailable(['redis-benchmark', '--version'], ['redis-tools'])
const NOTHING = { code: 0, stderr: '' }

let server: TestServer
let port: string

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
  port = String(server.port)
})
afterAll(() => server.close())
beforeEach(() => server.runtime.keyspace.command('FLUSHALL'))

function cli(args: readonly string[], options?: ProgramOptions): Promise<Outcome> {
  return run('redis-cli', ['-p', port, ...args], options)
}

/** Fills the keyspace by mass insertion. */
function insert(commands: readonly (readonly (string | number)[])[]): Promise<Outcome> {
  return cli(['--pipe'], { input: Buffer.concat(commands.map((argv) => request(...argv))) })
}

describe.runIf(HERE)('redis-cli', () => {
  test('replies as text, raw, CSV and JSON, in RESP2 and RESP3', async () => {
    await insert([
      ['HSET', 'h', 'a', 1, 'b', 'two words'],
      ['RPUSH', 'l', 'x', '', '\xff'],
      ['ZADD', 'z', 1.5, 'm'],
    ])
    const said = async (...args: string[]) => (await cli(args)).stdout
    expect(await said('--no-raw', 'LRANGE', 'l', '0', '-1')).toBe('1) "x"\n2) ""\n3) "\\xff"\n')
    expect(await said('--no-raw', 'GET', 'nothing')).toBe('(nil)\n')
    expect(await said('--no-raw', 'INCR', 'l')).toBe(
      '(error) WRONGTYPE Operation against a key holding the wrong kind of value\n',
    )
    expect(await said('--no-raw', 'HGETALL', 'h')).toBe('1) "a"\n2) "1"\n3) "b"\n4) "two words"\n')
    expect(await said('--no-raw', '-3', 'HGETALL', 'h')).toBe('1# "a" => "1"\n2# "b" => "two words"\n')
    expect(await said('--no-raw', '-3', 'ZSCORE', 'z', 'm')).toBe('(double) 1.5\n')
    expect(await said('--raw', 'HGETALL', 'h')).toBe('a\n1\nb\ntwo words\n')
    expect(await said('--csv', 'HGETALL', 'h')).toBe('"a","1","b","two words"\n')
    expect(await said('--json', 'HGETALL', 'h')).toBe('{"a":"1","b":"two words"}\n')
    expect(await said('-n', '3', 'DBSIZE')).toBe('0\n')
    expect(await said('-u', `redis://127.0.0.1:${port}/0`, 'DBSIZE')).toBe('3\n')
    expect(await said('-r', '3', '-i', '0', 'INCR', 'n')).toBe('1\n2\n3\n')
  })

  test('commands from its input, and a value from its input', async () => {
    const input = 'SET a "1 \\x41"\nGET a\nMULTI\nINCR n\nGET a\nEXEC\nNOSUCH b\n'
    const { stdout } = await cli([], { input })
    expect(stdout).toBe(
      "OK\n1 A\nOK\nQUEUED\nQUEUED\n1\n1 A\nERR unknown command 'NOSUCH', with args beginning with: 'b' \n\n",
    )
    expect((await cli(['-x', 'SET', 'k'], { input: 'from input' })).stdout).toBe('OK\n')
    expect(await server.runtime.keyspace.get('k')).toBe('from input')
  })

  test('mass insertion by --pipe, and what it says of errors', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => ['SET', `key:${i}`, `value ${i}`])
    const { code, stdout } = await insert([...many, ['LPUSH', 'key:0', 'x']])
    expect(stdout).toMatch(/errors: 1, replies: 5001/)
    expect(code).toBe(1)
    expect((await cli(['DBSIZE'])).stdout).toBe('5000\n')
    const found = (await cli(['--scan', '--pattern', 'key:12*'])).stdout.trim().split('\n')
    expect(found.length).toBe(111)
    expect(new Set(found).size).toBe(111)
  })

  test('--bigkeys and --memkeys name the biggest key; --hotkeys says which policy it needs', async () => {
    const words = Array.from({ length: 100 }, (_, i) => `m${i}`)
    await insert([
      ['SET', 'text', 'x'.repeat(1000)],
      ['RPUSH', 'list', ...words],
      ['SADD', 'set', ...words.slice(3)],
      ['HSET', 'hash', 'a', 1],
      ['ZADD', 'zset', 1, 'a', 2, 'b'],
      ['SET', 'short', 'y'],
    ])
    const big = await cli(['--bigkeys'])
    expect(big).toMatchObject(NOTHING)
    for (const line of [
      'Sampled 6 keys in the keyspace!',
      `Biggest   list found '"list"' has 100 items`,
      `Biggest   hash found '"hash"' has 1 fields`,
      `Biggest string found '"text"' has 1000 bytes`,
      `Biggest    set found '"set"' has 97 members`,
      `Biggest   zset found '"zset"' has 2 members`,
    ]) {
      expect(big.stdout.replace(/ +/g, ' ')).toContain(line.replace(/ +/g, ' '))
    }
    const memory = await cli(['--memkeys'])
    expect(memory).toMatchObject(NOTHING)
    expect(memory.stdout).toMatch(/Biggest string found '"text"' has 1[0-9]{3} bytes/)
    const hot = await cli(['--hotkeys'])
    expect(hot.code).toBe(1)
    expect(hot.stderr).toContain('ERR An LFU maxmemory policy is not selected')
    await cli(['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu'])
    await cli(['-r', '50', 'GET', 'text'])
    const found = await cli(['--hotkeys'])
    await cli(['CONFIG', 'SET', 'maxmemory-policy', 'noeviction'])
    expect(found).toMatchObject(NOTHING)
    expect(found.stdout).toMatch(/hot key found with counter: \d+\tkeyname: "text"/)
  })

  test('--latency and --stat print figures', async () => {
    const latency = await cli(['--latency', '-i', '0.1'])
    expect(latency).toMatchObject(NOTHING)
    expect(latency.stdout).toMatch(/^\d+ \d+ \d+\.\d+ \d+\n$/)
    await insert([['SET', 'k', 1]])
    // Or it would write only when its buffer is full.
    const stat = new Program('stdbuf', ['-oL', 'redis-cli', '-p', port, '--stat', '-i', '0.02'])
    expect(await stat.printed(/^1 +\d[\d.]*[BKMG] +\d+ +0 +\d+ \(\+\d+\) +\d+ *$/m)).toBeTruthy()
    await stat.stop()
  })

  test('SUBSCRIBE, PSUBSCRIBE and MONITOR stay and print what comes', async () => {
    const listening = ['SUBSCRIBE news', 'PSUBSCRIBE n*', 'SSUBSCRIBE news', 'MONITOR'].map(
      (line) => new Program('redis-cli', ['-p', port, '--csv', ...line.split(' ')]),
    )
    const [subscriber, byPattern, sharded, monitor] = listening as [Program, Program, Program, Program]
    await Promise.all([
      subscriber.printed(/"subscribe","news",1/),
      byPattern.printed(/"psubscribe","n\*",1/),
      sharded.printed(/"ssubscribe","news",1/),
      monitor.printed(/OK/),
    ])
    expect((await cli(['PUBLISH', 'news', 'a "b"'])).stdout).toBe('2\n')
    expect((await cli(['SPUBLISH', 'news', 'c'])).stdout).toBe('1\n')
    await subscriber.printed(/"message","news","a \\"b\\""/)
    await byPattern.printed(/"pmessage","n\*","news","a \\"b\\""/)
    await sharded.printed(/"smessage","news","c"/)
    await monitor.printed(/\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] \\?"PUBLISH\\?" \\?"news\\?"/)
    await Promise.all(listening.map((program) => program.stop()))
  })

  test('what needs a replica or a cluster ends with the reason', async () => {
    const rdb = await cli(['--rdb', '/dev/null'])
    expect(rdb.code).toBe(1)
    expect(rdb.stderr).toContain("SYNC with master failed: -ERR unknown command 'SYNC'")
    const cluster = await run('redis-cli', ['--cluster', 'info', `127.0.0.1:${port}`])
    expect(cluster.code).toBe(1)
    expect(cluster.stdout).toContain(`Node 127.0.0.1:${port} is not configured as a cluster node.`)
  })
})

describe.runIf(HERE)('redis-benchmark', () => {
  const COMMANDS = ['ping', 'set', 'get', 'incr', 'lpush', 'rpush', 'lpop', 'rpop', 'sadd', 'hset', 'spop']
  const TESTS = [...COMMANDS, 'zadd', 'zpopmin', 'lrange', 'mset'].join(',')
  const ROWS = 20

  function benchmark(...args: string[]): Promise<Outcome> {
    return run('redis-benchmark', ['-p', port, '-n', '100', '-c', '10', ...args])
  }

  /** The rows of its CSV: the name of each test, and its requests per second. */
  function rowsOf(csv: string): readonly (readonly [string, number])[] {
    const [, ...lines] = csv.trim().split('\n')
    return lines.map((line) => {
      const [, name = '', rate = ''] = /^"(.*?)","([\d.]+)"/.exec(line) ?? []
      return [name, Number(rate)]
    })
  }

  test.each([
    ['one by one', []],
    ['in pipelines, over many keys', ['-P', '16', '-r', '1000']],
    ['in RESP3', ['-3']],
  ])('all tests run without an error: %s', async (_name, args) => {
    const outcome = await benchmark('-t', TESTS, '--csv', ...args)
    expect(outcome).toMatchObject(NOTHING)
    expect(outcome.stdout).not.toMatch(/err/i)
    const rows = rowsOf(outcome.stdout)
    expect(rows).toHaveLength(ROWS)
    for (const [name, rate] of rows) expect([name, rate > 0]).toEqual([name, true])
  })

  test('from two threads, quietly, with large values, and with a command of its own', async () => {
    const threads = await benchmark('-t', 'incr', '--csv', '--threads', '2')
    expect(threads).toMatchObject(NOTHING)
    expect(rowsOf(threads.stdout)).toHaveLength(1)
    const quiet = await benchmark('-t', 'set,get', '-q', '-d', '100000')
    expect(quiet).toMatchObject(NOTHING)
    expect(quiet.stdout).toMatch(/SET: [\d.]+ requests per second.*\n.*GET: [\d.]+ requests per second/s)
    const own = await benchmark('--csv', 'LOCK.ACQUIRE', 'l', 'me', 'PX', '1000')
    expect(own).toMatchObject(NOTHING)
  })
})

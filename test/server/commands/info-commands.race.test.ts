/**
 * What a server tells of itself over all its threads and shards: INFO, CONFIG, SLOWLOG, LATENCY, hot keys.
 */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { figuresIn, infoFields } from '../../support/info-fields.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import type { Resp2Form } from '../../support/resp2.mjs'
import { until } from '../../support/runtime.ts'
import { request, type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let client: RespClient

beforeAll(async () => {
  server = await testServer({ serve: { enableDebugCommand: 'yes', maxMemorySamples: 7 } })
  client = await RespClient.connect(server.port)
}, 30_000)

afterAll(async () => {
  client?.close()
  await server?.close()
})

/** As `until`, for what takes a second or more by its nature. */
async function patiently(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let left = 4; ; left--) {
    try {
      return await until(holds, what)
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

/** What INFO says of locks, and of who is blocked. */
async function locksOf(from: RespClient): Promise<Record<'held' | 'waiters' | 'memory' | 'blocked', number>> {
  const found = await infoFields(from, 'locks', 'clients')
  const figure = (name: string): number => Number(found.get(name))
  return {
    held: figure('locks_held'),
    waiters: figure('lock_waiters'),
    memory: figure('lock_memory'),
    blocked: figure('blocked_clients'),
  }
}

/** Keys of both shards. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

describe('INFO', () => {
  test('adds up threads and shards', async () => {
    await client.call('FLUSHALL')
    const others = await Promise.all(Array.from({ length: 6 }, () => RespClient.connect(server.port)))
    await client.call('CONFIG', 'RESETSTAT')
    for (const [i, other] of others.entries()) {
      await other.pipeline(KEYS.map((key) => ['SET', `${key}${i}`, 'v', 'PX', '1000000']))
      await other.pipeline([
        ['GET', `a${i}`],
        ['GET', 'missing'],
        ['LPUSH', `a${i}`, 'x'],
        ['HGET', 'x'],
      ])
    }
    const found = await infoFields(client, 'everything')
    expect(Number(found.get('connected_clients'))).toBe(others.length + 1)
    expect(figuresIn(found.get('db0'))).toEqual(
      new Map([
        ['keys', 48],
        ['expires', 48],
        ['avg_ttl', expect.any(Number)],
      ]),
    )
    expect(figuresIn(found.get('cmdstat_set')).get('calls')).toBe(48)
    expect(figuresIn(found.get('cmdstat_lpush')).get('failed_calls')).toBe(6)
    expect(figuresIn(found.get('cmdstat_hget')).get('rejected_calls')).toBe(6)
    expect(found.get('errorstat_WRONGTYPE')).toBe('count=6')
    expect(found.get('errorstat_ERR')).toBe('count=6')
    expect(found.get('total_error_replies')).toBe('12')
    expect(found.get('keyspace_hits')).toBe('6')
    expect(found.get('keyspace_misses')).toBe('6')
    const shards = ['shard0', 'shard1'].map((name) => figuresIn(found.get(name)))
    expect(shards.map((one) => one.get('slots'))).toEqual([8192, 8192])
    expect(shards.reduce((sum, one) => sum + one.get('keys')!, 0)).toBe(48)
    expect(new Set(shards.map((one) => one.get('thread'))).size).toBe(2)
    const threads = [...found].filter(([name]) => /^thread\d+$/.test(name)).map(([, text]) => figuresIn(text))
    expect(threads.reduce((sum, one) => sum + one.get('connections')!, 0)).toBe(others.length + 1)
    expect(threads.reduce((sum, one) => sum + one.get('bytes_in')!, 0)).toBeGreaterThan(48 * 40)
    expect(found.get('durability_level')).toBe('memory')
    for (const other of others) other.close()
  })

  test('tells who waits, and who holds locks', async () => {
    const LEASE = ['PX', '60000']
    const untilLocks = (wanted: Readonly<Record<'held' | 'waiters' | 'blocked', number>>): Promise<void> =>
      patiently(async () => {
        const { held, waiters, blocked } = await locksOf(client)
        return held === wanted.held && waiters === wanted.waiters && blocked === wanted.blocked
      }, JSON.stringify(wanted))
    const nothing = await locksOf(client)
    expect(nothing).toMatchObject({ held: 0, waiters: 0, blocked: 0 })
    const tokens: string[] = []
    for (const lock of KEYS) {
      const [token] = (await client.call('LOCK.ACQUIRE', lock, 'me', ...LEASE)) as readonly string[]
      tokens.push(token!.slice(1))
    }
    const held = await locksOf(client)
    expect(held).toMatchObject({ held: KEYS.length, waiters: 0, blocked: 0 })
    expect(held.memory).toBeGreaterThan(nothing.memory)
    const [one, other, popper] = await Promise.all([1, 2, 3].map(() => RespClient.connect(server.port)))
    const waits: Promise<Resp2Form>[] = []
    const waitFor = async (waiters: number, from: RespClient, ...words: string[]): Promise<void> => {
      waits.push(from.call(...words).catch(() => 'gone'))
      // One after the other: each is in line before the next asks.
      await untilLocks({ held: KEYS.length, waiters, blocked: waits.length })
    }
    await waitFor(1, one!, 'LOCK.ACQUIRE', 'a', 'one', ...LEASE, 'WAIT', '60000')
    await waitFor(2, other!, 'LOCK.ACQUIRE', 'a', 'other', ...LEASE, 'WAIT', '60000')
    await waitFor(2, popper!, 'BLPOP', 'never', '0')
    popper!.close()
    await untilLocks({ held: KEYS.length, waiters: 2, blocked: 2 })
    // Whoever asked first has it next, and the other goes on waiting until its connection ends.
    expect(await client.call('LOCK.RELEASE', 'a', 'me', tokens[0]!)).toBe(':1')
    const [next] = (await waits[0]) as readonly string[]
    expect(Number(next!.slice(1))).toBeGreaterThan(Number(tokens[0]))
    await untilLocks({ held: KEYS.length, waiters: 1, blocked: 1 })
    other!.close()
    expect(await Promise.all(waits.slice(1))).toEqual(['gone', 'gone'])
    await untilLocks({ held: KEYS.length, waiters: 0, blocked: 0 })
    await one!.call('LOCK.RELEASE', 'a', 'one', next!.slice(1))
    await Promise.all(KEYS.slice(1).map((lock, i) => client.call('LOCK.RELEASE', lock, 'me', tokens[i + 1]!)))
    expect(await locksOf(client)).toMatchObject({ held: 0, waiters: 0, blocked: 0 })
    one!.close()
  })

  test('has a rate of commands while some are run', async () => {
    await patiently(async () => {
      await client.pipeline(Array.from({ length: 200 }, () => ['PING']))
      return Number((await infoFields(client, 'stats')).get('instantaneous_ops_per_sec')) > 100
    }, 'a rate')
  })
})

describe('CONFIG SET', () => {
  test('reaches all shards', async () => {
    await client.pipeline([
      ['FLUSHALL'],
      ['CONFIG', 'SET', 'maxmemory', '1', 'hash-max-listpack-entries', '1'],
    ])
    const refused = await client.pipeline(KEYS.map((key) => ['SET', key, 'v']))
    expect(refused.map((form) => String(form).slice(0, 4))).toEqual(KEYS.map(() => '-OOM'))
    expect((await infoFields(client, 'memory')).get('maxmemory')).toBe('1')
    expect(await client.call('CONFIG', 'SET', 'maxmemory', '0')).toBe('+OK')
    const encodings = await client.pipeline(
      KEYS.flatMap((key) => [
        ['HSET', `h${key}`, 'a', '1', 'b', '2'],
        ['OBJECT', 'ENCODING', `h${key}`],
      ]),
    )
    expect(encodings.filter((_, i) => i % 2 === 1)).toEqual(KEYS.map(() => '$hashtable'))
    await client.call('CONFIG', 'SET', 'hash-max-listpack-entries', '128')
  })

  test('has told shards what was given at the start', async () => {
    expect(await client.call('CONFIG', 'GET', 'maxmemory-samples')).toEqual(['$maxmemory-samples', '$7'])
  })

  test('of requirepass concerns who comes then, on all threads', async () => {
    await client.call('CONFIG', 'SET', 'requirepass', 'secret')
    const others = await Promise.all(Array.from({ length: 5 }, () => RespClient.connect(server.port)))
    const refused = await Promise.all(others.map((other) => other.call('GET', 'a')))
    expect(new Set(refused)).toEqual(new Set(['-NOAUTH Authentication required.']))
    expect(await Promise.all(others.map((other) => other.call('AUTH', 'secret')))).toEqual(
      others.map(() => '+OK'),
    )
    await client.call('CONFIG', 'SET', 'requirepass', '')
    for (const other of others) other.close()
    const free = await RespClient.connect(server.port)
    expect(await free.call('PING')).toBe('+PONG')
    free.close()
  })

  test('of notifications concerns all shards', async () => {
    const listener = connect(server.port, '127.0.0.1')
    let heard = ''
    listener.on('data', (bytes) => {
      heard += bytes.toString('latin1')
    })
    listener.write(request('PSUBSCRIBE', '__keyevent@0__:*'))
    await until(() => heard.includes('psubscribe'), 'it listens')
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'E$')
    expect(await client.call('CONFIG', 'GET', 'notify-keyspace-events')).toEqual([
      '$notify-keyspace-events',
      '$$E',
    ])
    await client.pipeline(KEYS.map((key) => ['SET', key, 'v']))
    await until(() => heard.split('__keyevent@0__:set').length > KEYS.length, 'all are told')
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', '')
    listener.destroy()
  })
})

describe('slow commands', () => {
  test('are told as one list, the newest first, without secrets', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => RespClient.connect(server.port)))
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
    await client.call('SLOWLOG', 'RESET')
    for (const [i, other] of others.entries()) {
      await other.call('CLIENT', 'SETNAME', `name${i}`)
      await other.call('AUTH', 'default', 'secret')
      await other.call('GET', `slow${i}`)
      await other.call('RPUSH', 'l', ...Array.from({ length: 40 }, () => 'x'.repeat(200)))
    }
    // Nothing is added while it is read, however slow the machine is.
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1')
    const entries = (await client.call('SLOWLOG', 'GET', '-1')) as readonly (readonly Resp2Form[])[]
    const argvs = entries.map((entry) => entry[3] as readonly string[])
    const gets = argvs.filter((argv) => argv[0] === '$GET').map((argv) => argv[1])
    expect(gets).toEqual(['$slow3', '$slow2', '$slow1', '$slow0'])
    expect(argvs.filter((argv) => argv[0] === '$AUTH')).toHaveLength(4)
    expect(JSON.stringify(argvs)).not.toContain('secret')
    const push = argvs.find((argv) => argv[0] === '$RPUSH')!
    expect(push).toHaveLength(32)
    expect(push.at(-1)).toBe('$... (11 more arguments)')
    expect(push[2]).toBe(`$${'x'.repeat(128)}... (72 more bytes)`)
    expect(new Set(entries.map((entry) => entry[0])).size).toBe(entries.length)
    expect(entries.find((entry) => (entry[3] as string[])[1] === '$slow2')![5]).toBe('$name2')
    expect(await client.call('SLOWLOG', 'LEN')).toBe(`:${entries.length}`)
    expect(await client.call('SLOWLOG', 'GET', '2')).toHaveLength(2)
    for (const other of others) other.close()
    await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000')
  })

  test('of a transaction are told by themselves', async () => {
    await client.pipeline([['SLOWLOG', 'RESET'], ['MULTI'], ['DEBUG', 'SLEEP', '0.02'], ['EXEC']])
    const entries = (await client.call('SLOWLOG', 'GET')) as readonly (readonly Resp2Form[])[]
    const argvs = entries.map((entry) => entry[3])
    expect(argvs).toContainEqual(['$DEBUG', '$SLEEP', '$0.02'])
    expect(JSON.stringify(argvs)).not.toContain('EXEC')
  })

  test('are events', async () => {
    await client.call('CONFIG', 'SET', 'latency-monitor-threshold', '10')
    await client.call('DEBUG', 'SLEEP', '0.02')
    const events = (await client.call('LATENCY', 'LATEST')) as readonly (readonly string[])[]
    const event = events.find(([name]) => name === '$command')!
    expect(Number(event[3]!.slice(1))).toBeGreaterThanOrEqual(20)
    expect(await client.call('LATENCY', 'HISTORY', 'command')).not.toHaveLength(0)
    expect(await client.call('LATENCY', 'GRAPH', 'command')).toMatch(/^\$command - high \d+ ms, low \d+ ms/)
    expect(await client.call('LATENCY', 'DOCTOR')).toMatch(/command: \d+ latency spikes/)
    expect(await client.call('LATENCY', 'RESET')).toMatch(/^:[12]$/)
    await client.call('CONFIG', 'SET', 'latency-monitor-threshold', '0')
  })

  test('and fast ones are counted by how long they took', async () => {
    await client.call('CONFIG', 'RESETSTAT')
    const other = await RespClient.connect(server.port)
    for (const one of [client, other]) for (const key of KEYS) await one.call('SET', key, 'v')
    const histogram = await client.call('LATENCY', 'HISTOGRAM', 'set', 'config', 'nosuch')
    const [name, [, calls, , bounds]] = histogram as unknown as [string, [string, string, string, string[]]]
    expect(name).toBe('$set')
    expect(calls).toBe(':16')
    expect(bounds.at(-1)).toBe(':16')
    const names = (await client.call('LATENCY', 'HISTOGRAM')) as readonly string[]
    expect(names).toContain('$latency|histogram')
    const found = await infoFields(client, 'latencystats')
    expect(found.get('latency_percentiles_usec_set')).toMatch(/^p50=[\d.]+,p99=[\d.]+,p99.9=[\d.]+$/)
    other.close()
  })
})

test('hot keys are told with their shards', async () => {
  await patiently(async () => {
    await client.pipeline(Array.from({ length: 300 }, (_, i) => ['GET', i % 10 === 0 ? `cold${i}` : 'hot']))
    const [first] = (await client.call('SHARDLOOM.HOTKEYS', 'COUNT', '1')) as readonly (readonly string[])[]
    return first?.[1] === '$hot' && Number(first[7]!.slice(1)) > 10
  }, 'a hot key')
  expect(await client.call('SHARDLOOM.HOTKEYS', 'COUNT', 'x')).toMatch(/^-ERR value/)
  expect(await client.call('SHARDLOOM.HOTKEYS', '5')).toBe('-ERR syntax error')
})

test('memory is told of', async () => {
  await client.call('SET', 'big', 'x'.repeat(100_000))
  const usage = Number(String(await client.call('MEMORY', 'USAGE', 'big')).slice(1))
  expect(usage).toBeGreaterThanOrEqual(100_000)
  const stats = (await client.call('MEMORY', 'STATS')) as readonly Resp2Form[]
  const total = Number(String(stats[stats.indexOf('$total.allocated') + 1]).slice(1))
  expect(total).toBeGreaterThan(100_000)
  expect(stats).toContain('$db.0')
  expect(await client.call('MEMORY', 'MALLOC-STATS')).toMatch(/^\$resident: /)
  const found = await infoFields(client, 'memory')
  expect(Number(found.get('used_memory_peak'))).toBeGreaterThanOrEqual(Number(found.get('used_memory')))
})

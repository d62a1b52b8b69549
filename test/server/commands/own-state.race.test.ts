/** The commands of a server about itself, on real threads, beside a real Redis where that says the same. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { figuresIn, infoFields } from '../../support/info-fields.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { RespClient } from '../../support/redis/resp-client.ts'
import type { Resp2Form } from '../../support/resp2.mjs'
import { until } from '../../support/runtime.ts'
import { exchange, request, type TestServer, testServer } from '../../support/server.ts'

const dir = mkdtempSync(join(tmpdir(), 'shardloom-own-'))
const shutdowns: unknown[] = []
const logged: unknown[] = []
let server: TestServer
let durable: TestServer
let redis: RedisServer | undefined
let client: RespClient
let lasting: RespClient

beforeAll(async () => {
  const onShutdown = (options: unknown): void => void shutdowns.push(options)
  const onLog = (...line: unknown[]): void => void logged.push(line)
  ;[server, durable, redis] = await Promise.all([
    testServer({ serve: { enableDebugCommand: 'yes', slowlogLogSlowerThan: -1, onShutdown, onLog } }),
    testServer({ threads: 1, keyspace: { shards: 2, dir } }),
    startRedis(['--enable-debug-command', 'yes', '--slowlog-log-slower-than', '-1']),
  ])
  client = await RespClient.connect(server.port)
  lasting = await RespClient.connect(durable.port)
}, 90_000)

afterAll(async () => {
  client?.close()
  lasting?.close()
  await Promise.all([server?.close(), durable?.close(), redis?.stop()])
  rmSync(dir, { recursive: true, force: true })
})

function words(line: string): string[] {
  return line.split(' ').map((word) => word.replaceAll('_', ' '))
}

/** Keys of both shards. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

describe('beside a real Redis', () => {
  test('errors and small replies are the same', async ({ skip }) => {
    if (redis === undefined) return skip()
    const lines = [
      ...['latency foo', 'latency', 'latency history', 'latency latest', 'latency graph command'],
      ...['latency history command', 'latency doctor', 'latency reset', 'latency reset foo'],
      ...['slowlog foo', 'slowlog', 'slowlog get -2', 'slowlog get abc', 'slowlog get 1 2', 'slowlog get 0'],
      ...['slowlog len', 'slowlog reset', 'slowlog len', 'memory foo', 'memory', 'memory doctor'],
      ...['memory purge', 'memory malloc-stats x', 'config foo', 'config', 'config get', 'config get nosuch'],
      ...['config set foo bar', 'config set', 'config set maxmemory', 'config set maxmemory abc'],
      ...['config set databases 3', 'config rewrite', 'config help', 'config get maxmemory-policy'],
      ...['debug', 'debug foo', 'debug sleep', 'debug sleep 0', 'debug sleep x', 'debug object nokey'],
      ...['debug change-repl-id', 'debug set-active-expire 1', 'debug quicklist-packed-threshold 200b'],
      ...['debug protocol foo', 'debug error ERR_foo', 'debug error foo'],
      ...['debug log hello', 'debug populate x', 'debug populate -1', 'debug digest-value nokey'],
      ...['debug htstats 99', 'debug pause-cron 0', 'debug replybuffer resizing 1', 'debug reload'],
      ...['debug listpack nokey', 'debug sdslen nokey', 'debug set-skip-checksum-validation 1'],
      ...['wait 0 0', 'wait 1 1', 'wait x 10', 'wait 1 x', 'wait 1 -1', 'wait -1 0', 'wait 1'],
      ...['bgsave foo', 'shutdown foo', 'shutdown abort', 'shutdown save nosave', 'shutdown abort now'],
      ...['role', 'replicaof no one', 'replicaof foo', 'replicaof localhost x', 'slaveof NO ONE'],
      ...['failover', 'failover abort', 'module list', 'module', 'module foo', 'function flush'],
      ...[
        'function flush async',
        'function flush foo',
        'info foo',
        'info modules',
        'info cluster',
        'cluster',
      ],
      'cluster foo',
    ]
    const kinds = ['string', 'integer', 'double', 'bignum', 'null', 'array', 'set', 'map', 'attrib', 'push']
    const requests = [
      ...lines.map(words),
      ...[...kinds, 'verbatim', 'true', 'false'].map((kind) => ['DEBUG', 'PROTOCOL', kind]),
    ]
    const [ours, theirs] = await Promise.all([client.pipeline(requests), redis.client.pipeline(requests)])
    const told = (forms: readonly Resp2Form[]) => requests.map((argv, i) => [argv.join(' '), forms[i]])
    expect(told(ours)).toEqual(told(theirs))
  })

  test('kinds of the third version of the protocol are written alike', async ({ skip }) => {
    if (redis === undefined) return skip()
    const kinds = ['double', 'bignum', 'null', 'set', 'map', 'attrib', 'push', 'verbatim', 'true', 'false']
    const bytes = Buffer.concat([
      request('HELLO', '3'),
      request('INFO', 'modules'),
      ...kinds.map((kind) => request('DEBUG', 'PROTOCOL', kind)),
      ...['DOCTOR', 'LATEST'].map((name) => request('LATENCY', name)),
      request('CONFIG', 'GET', 'maxmemory'),
      request('QUIT'),
    ])
    const [ours, theirs] = await Promise.all([exchange(server.port, [bytes]), exchange(redis.port, [bytes])])
    const afterHello = (text: string): string => text.slice(text.indexOf('modules\r\n*0\r\n'))
    expect(afterHello(ours)).toBe(afterHello(theirs))
  })

  test('INFO has the fields of Redis', async ({ skip }) => {
    if (redis === undefined) return skip()
    // Of builds, of an allocator, and of one thread among others there is nothing to tell.
    const builds =
      /^(?:atomicvar_api|gcc_version|allocator_(?:frag|rss)_|rss_overhead_|used_cpu_.*main_thread)/
    const varies = /^(?:cmdstat_|latency_percentiles|errorstat_|db\d)/
    const [ours, theirs] = await Promise.all([
      infoFields(client, 'everything'),
      infoFields(redis.client, 'everything'),
    ])
    expect(
      [...theirs.keys()].filter((name) => !builds.test(name) && !varies.test(name) && !ours.has(name)),
    ).toEqual([])
    for (const name of ['role', 'cluster_enabled', 'redis_mode', 'maxmemory_policy', 'maxclients']) {
      expect(ours.get(name), name).toBe(theirs.get(name))
    }
  })

  test('the same data has the same digest', async ({ skip }) => {
    if (redis === undefined) return skip()
    const data = [
      ...['FLUSHALL', 'SET s v', 'RPUSH l 1 2 3', 'SADD t x y 3', 'ZADD z 1 a 2.5 b', 'HSET h f v g w'],
      ...['SET volatile 1 PX 1000000', 'SELECT 4', 'SET other 1', 'SELECT 0'],
    ].map(words)
    await Promise.all([client.pipeline(data), redis.client.pipeline(data)])
    const asked = [
      ['DEBUG', 'DIGEST'],
      ['DEBUG', 'DIGEST-VALUE', 's', 'l', 't', 'z', 'h', 'volatile', 'no'],
    ]
    expect(await client.pipeline(asked)).toEqual(await redis.client.pipeline(asked))
    const [ours, theirs] = await Promise.all(
      [client, redis.client].map(async (one) => String(await one.call('DEBUG', 'OBJECT', 's'))),
    )
    const shape =
      /^\+Value at:0x[0-9a-f]+ refcount:1 encoding:embstr serializedlength:2 lru:\d+ lru_seconds_idle:\d+$/
    expect(ours).toMatch(shape)
    expect(theirs).toMatch(shape)
  })
})

describe('the one node', () => {
  test('has all slots, at the address that the client has reached', async () => {
    const [slots] = (await client.call('CLUSTER', 'SLOTS')) as readonly (readonly Resp2Form[])[]
    const id = await client.call('CLUSTER', 'MYID')
    expect(id).toMatch(/^\$[0-9a-f]{40}$/)
    expect(slots).toEqual([':0', ':16383', ['$127.0.0.1', `:${server.port}`, id, []]])
    const text = String(await client.call('CLUSTER', 'NODES')).slice(1)
    const bus = server.port + 10_000
    expect(text).toBe(
      `${String(id).slice(1)} 127.0.0.1:${server.port}@${bus} myself,master - 0 0 0 connected 0-16383\n`,
    )
    const shards = JSON.stringify(await client.call('CLUSTER', 'SHARDS'))
    expect(shards).toContain(`"$port",":${server.port}","$ip","$127.0.0.1"`)
    expect(await client.call('CLUSTER', 'INFO')).toMatch(
      /^\$cluster_state:ok\r\ncluster_slots_assigned:16384/,
    )
    expect(await client.pipeline(['LINKS', 'MYSHARDID'].map((name) => ['CLUSTER', name]))).toEqual([[], id])
    expect(await client.pipeline([['READONLY'], ['READWRITE'], ['ASKING']])).toEqual(['+OK', '+OK', '+OK'])
  })

  test('counts and lists the keys of a slot', async () => {
    await client.pipeline(KEYS.map((key) => ['SET', `{tag}${key}`, 'v']))
    const slot = String(await client.call('CLUSTER', 'KEYSLOT', '{tag}')).slice(1)
    expect(await client.call('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(`:${KEYS.length}`)
    expect(await client.call('CLUSTER', 'GETKEYSINSLOT', slot, '3')).toHaveLength(3)
    const lines = ['COUNTKEYSINSLOT 99999', 'COUNTKEYSINSLOT x', 'GETKEYSINSLOT 1 -1', 'GETKEYSINSLOT 1 x']
    expect(await client.pipeline(lines.map((line) => ['CLUSTER', ...words(line)]))).toEqual([
      '-ERR Invalid slot',
      '-ERR value is not an integer or out of range',
      '-ERR Invalid slot or number of keys',
      '-ERR value is not an integer or out of range',
    ])
    expect(await client.call('CLUSTER', 'REPLICAS', 'foo')).toBe('-ERR Unknown node foo')
  })
})

describe('DEBUG', () => {
  test('is refused unless it was allowed', async () => {
    expect(await lasting.call('DEBUG', 'SLEEP', '0')).toMatch(/^-ERR DEBUG command not allowed\. If the/)
  })

  test('populates, and lets what has expired lie', async () => {
    await client.call('FLUSHALL')
    await client.call('DEBUG', 'POPULATE', '20', 'p', '10')
    expect(await client.call('GET', 'p:7')).toBe(`$value:7${'\0'.repeat(3)}`)
    expect(await client.call('DBSIZE')).toBe(':20')
    await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0')
    await client.pipeline(KEYS.map((key) => ['SET', key, 'v', 'PX', '1']))
    await client.call('DEBUG', 'SLEEP', '0.03')
    expect(await client.call('DBSIZE')).toBe(':28')
    await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1')
    await until(async () => (await client.call('DBSIZE')) === ':20', 'all is gone')
  })
})

describe('files', () => {
  test('are none of a server in memory, and it says so', async () => {
    const none = '-ERR the data is kept in memory alone: the server was started without a dir'
    expect(await client.pipeline([['SAVE'], ['BGSAVE'], ['BGREWRITEAOF']])).toEqual([none, none, none])
    expect(await client.call('WAITAOF', '1', '0', '0')).toMatch(/^-ERR WAITAOF cannot be used/)
    expect(await client.call('WAITAOF', '0', '0', '0')).toEqual([':0', ':0'])
    const started = Number((await infoFields(client, 'persistence')).get('rdb_last_save_time'))
    expect(await client.call('LASTSAVE')).toBe(`:${started}`)
  })

  test('have what was written when somebody has waited for it', async () => {
    await lasting.pipeline(KEYS.map((key) => ['SET', key, 'v']))
    expect(await lasting.call('WAITAOF', '1', '0', '0')).toEqual([':1', ':0'])
    expect(await lasting.call('WAITAOF', '0', '0', '0')).toEqual([':1', ':0'])
    expect(await lasting.call('WAITAOF', '2', '0', '0')).toMatch(/must between 0 and 1/)
    expect(await lasting.call('WAITAOF', '1', 'x', '0')).toMatch(/not an integer/)
    expect(await lasting.call('CONFIG', 'GET', 'appendonly')).toEqual(['$appendonly', '$yes'])
    const found = await infoFields(lasting, 'everything')
    expect(found.get('aof_enabled')).toBe('1')
    for (const name of ['log0', 'log1']) expect(found.get(name)).toContain('status=ok')
    const log = figuresIn(found.get('log0'))
    expect(log.get('synced')).toBeGreaterThan(0)
  })

  test('are written anew by a snapshot', async () => {
    expect(Number((await infoFields(lasting, 'persistence')).get('rdb_changes_since_last_save'))).toBe(
      KEYS.length,
    )
    expect(await lasting.call('SAVE')).toBe('+OK')
    const saved = await infoFields(lasting, 'persistence')
    expect(saved.get('rdb_changes_since_last_save')).toBe('0')
    expect(saved.get('rdb_saves')).toBe('1')
    expect(await lasting.call('LASTSAVE')).toBe(`:${saved.get('rdb_last_save_time')}`)
    expect(await lasting.call('BGSAVE', 'SCHEDULE')).toMatch(
      /^(?:\+Background saving started|-ERR Background)/,
    )
    await until(
      async () => (await infoFields(lasting, 'persistence')).get('rdb_saves') === '2',
      'a second save',
    )
    expect(await lasting.call('BGREWRITEAOF')).toBe('+Background append only file rewriting started')
  })
})

test('the end is asked of the program', async () => {
  const other = await RespClient.connect(server.port)
  // Nobody answers it: the program closes the connection, or not.
  void other.call('SHUTDOWN', 'NOSAVE', 'NOW').catch(() => undefined)
  await until(() => shutdowns.length > 0, 'the program was told')
  expect(shutdowns).toEqual([{ save: false }])
  expect(await client.call('SHUTDOWN', 'SAVE')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.')
  const refusal = ['error', 'the server could not be ended', { error: 'there is no dir to save to' }]
  await until(() => logged.length > 1, 'the log says why')
  expect(logged.at(-1)).toEqual(refusal)
  expect(await lasting.call('SHUTDOWN', 'NOSAVE')).toBe(
    '-ERR this program does not let clients end it: it has no onShutdown',
  )
  other.close()
})

/** Every parameter and every refusal, against a real Redis. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { configGet, configSet } from '../../../src/server/parameters/config-replies.ts'
import { ParameterStore } from '../../../src/server/parameters/parameter-store.ts'
import { PARAMETERS, SHOWN_NAMES } from '../../../src/server/parameters/parameter-table.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import type { Resp2Form } from '../../support/resp2.mjs'

let redis: RedisServer | undefined
const store = new ParameterStore()

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis?.stop())

/** What Redis says to `CONFIG SET`, `OK` or its error. */
async function redisSet(...words: string[]): Promise<string> {
  const form = await redis!.client.call('CONFIG', 'SET', ...words)
  return textOf(form)
}

async function ourSet(...words: string[]): Promise<string> {
  const reply = await configSet(store, words)
  return reply.text
}

/** Without the letter that says what kind of reply it is. */
function textOf(form: Resp2Form | undefined): string {
  return typeof form === 'string' ? form.slice(1) : JSON.stringify(form)
}

async function redisAll(): Promise<Map<string, string>> {
  const flat = (await redis!.client.call('CONFIG', 'GET', '*')) as Resp2Form[]
  const all = new Map<string, string>()
  for (let i = 0; i < flat.length; i += 2) all.set(textOf(flat[i]), textOf(flat[i + 1]))
  return all
}

/** Here they differ on purpose, or by the machine. */
const OTHER_DEFAULTS = [
  ...['port', 'bind', 'dir', 'save', 'pidfile', 'loglevel'],
  // The engine's own limits are those of later versions of Redis.
  ...['hash-max-listpack-entries', 'hash-max-ziplist-entries'],
]
/** Newer than this Redis, or ours. */
const NOT_OF_REDIS = PARAMETERS.filter(({ effect }) => effect !== 'none').map(({ name }) => name)

test('knows every parameter of Redis, with its default', async (context) => {
  if (redis === undefined) return context.skip()
  const all = await redisAll()
  expect([...all.keys()].filter((name) => !SHOWN_NAMES.includes(name))).toEqual([])
  const more = SHOWN_NAMES.filter((name) => !all.has(name))
  expect(more.filter((name) => !NOT_OF_REDIS.includes(name))).toEqual([])
  const differing = [...all].filter(([name, value]) => store.text(name) !== value).map(([name]) => name)
  expect(differing.filter((name) => !OTHER_DEFAULTS.includes(name))).toEqual([])
})

test.for<readonly [readonly string[]]>([
  [['maxclients', '1', 'maxmemory']],
  [['nope', '1']],
  [['', 'x']],
  [['databases', '4', 'nope', '5']],
  [['maxclients', 'abc', 'nope', '1']],
  [['port', '70000', 'maxclients', 'abc']],
  [['hz', '7', 'maxclients', 'abc']],
  [['maxclients', '1', 'maxclients', 'abc']],
  [['hash-max-ziplist-entries', '7', 'hash-max-listpack-entries', '8']],
  [['user', 'foo']],
  [['client-output-buffer-limit', 'normal']],
  [['client-output-buffer-limit', 'foo 1 2 3']],
  [['client-output-buffer-limit', 'normal a 2 3']],
  [['client-output-buffer-limit', 'normal 1mb 1kb -1']],
  [['client-output-buffer-limit', 'replica 1mb 1kb 5 normal 0 0 0']],
  [['notify-keyspace-events', 'xq']],
  [['save', '1 a']],
  [['save', '1 -1']],
  [['latency-tracking-info-percentiles', 'abc']],
  [['latency-tracking-info-percentiles', '101']],
  [['latency-tracking-info-percentiles', '50 99.95 100']],
  [['shutdown-on-sigterm', 'save zz']],
  [['shutdown-on-sigterm', 'save now']],
  [['maxmemory-clients', '500%']],
  [['oom-score-adj-values', '1 2 a']],
  [['bind', Array(20).fill('127.0.0.1').join(' ')]],
  [['dir', '/tmp']],
  [['replicaof', 'a 1']],
  [['maxmemory', '1.5mb']],
  [['maxmemory', '18446744073709551615']],
  [['appendfsync', 'ALWAYS']],
])('CONFIG SET %j answers what Redis answers, and GET as well', async ([words], { skip }) => {
  if (redis === undefined) return skip()
  expect(await ourSet(...words)).toBe(await redisSet(...words))
  const name = words[0]!
  const theirs = (await redis.client.call('CONFIG', 'GET', name)) as Resp2Form[]
  if (!OTHER_DEFAULTS.includes(name)) expect(configGet(store, [name]).flat).toEqual(theirs.map(textOf))
})

test.for(['Kgl$', 'KEA', 'g$lshzxetdKE', 'AKEm', '', 'm'])(
  'letters %j are shown as Redis does',
  async (letters, { skip }) => {
    if (redis === undefined) return skip()
    await redisSet('notify-keyspace-events', letters)
    await ourSet('notify-keyspace-events', letters)
    const theirs = (await redis.client.call('CONFIG', 'GET', 'notify-keyspace-events')) as Resp2Form[]
    expect(store.text('notify-keyspace-events')).toBe(textOf(theirs[1]))
  },
)

test.for<readonly [readonly string[]]>([
  [['MaxClients']],
  [['MaxClients', 'maxclients']],
  [['MAXC*']],
  [['maxclients', 'maxc*']],
  [['nope']],
  [['nope', '[', '']],
  [['hash-max-*-value']],
  [['maxmemory-sample?', 'tls-p[o]rt', '\\*']],
])('CONFIG GET %j names what Redis names', async ([patterns], { skip }) => {
  if (redis === undefined) return skip()
  const theirs = ((await redis.client.call('CONFIG', 'GET', ...patterns)) as Resp2Form[]).map(textOf)
  const ours = configGet(store, patterns).flat as string[]
  const names = (flat: readonly string[]): string[] => flat.filter((_, i) => i % 2 === 0).sort()
  expect(names(ours)).toEqual(names(theirs))
})

/** A Redis of Debian has no allocator for the first, and takes any protocol where it has no TLS. */
const DIFFERS = new Set(['activedefrag YES', 'tls-protocols zzz'])

test('refuses what Redis refuses, in its words', async (context) => {
  if (redis === undefined) return context.skip()
  const all = await redisAll()
  const words = [
    'zzz',
    '-1',
    '-99999999999999999999',
    '99999999999',
    '1.5',
    '',
    '0',
    'YES',
    '07',
    '5%',
    '1kb',
  ]
  const differing: string[] = []
  for (const name of all.keys()) {
    // These would be done: a port opened, a folder left, a file of certificates read.
    const isDone = /^(?:port|bind|dir|dbfilename|tls-.*|requirepass|replicaof|slaveof|logfile|maxclients)$/
    const isOther = /cpulist|announce-ip|hostname|bind-source|oom|proc-title/
    for (const word of isDone.test(name) || isOther.test(name) ? ['zzz'] : words) {
      if (isDone.test(name) && /requirepass|bind|file|pass|dir|cipher/.test(name)) continue
      if (isOther.test(name)) continue
      const [theirs, ours] = [await redisSet(name, word), await ourSet(name, word)]
      if (theirs !== ours && !DIFFERS.has(`${name} ${word}`)) {
        differing.push(`${name} ${JSON.stringify(word)}: ${theirs} | ${ours}`)
      }
    }
  }
  expect(differing).toEqual([])
})

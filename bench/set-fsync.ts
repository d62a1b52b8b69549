/**
 * Question: how many sets of 64 bytes a second are acknowledged at each level of durability, and how long
 * does one wait: one at a time, 64 and 1024 at once, a promise each, to one shard?
 *
 *     memory   nobody waits for the disk. No peer: `set-memory` has those that write nothing
 *     os       written, outlives the process. lmdb-js, `put`; ioredis to a Redis, `appendfsync everysec`
 *     fsync    on the disk. lmdb-js, `flushed`; ioredis to a Redis, `appendfsync always`
 *
 * What lmdb-js promises by either is in `bench/peers/lmdb.ts`. ioredis pipelines by itself. Beside them, as
 * what the servers can do, `redis-benchmark`, a client in C: 64 connections with 1 and with 16 commands each
 * on their way. The floor is the bare disk: 4 KiB appended to a file, and `fdatasync`, one after the other;
 * who waits for each set alone cannot be faster. Nobody makes snapshots meanwhile.
 *
 * What would make the figure a lie: promises that are not awaited one by one; sets that did nothing (keys are
 * read back); a folder for temporary files that is in memory, or a disk that says too early that it has
 * written (the floor tells: a disk that can lose its power does some hundreds to some ten thousands a
 * second).
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createRuntime, type KeyspaceOptions } from 'shardloom'
import { benchFolder, bytesIn } from './files.ts'
import {
  type BenchParams,
  type Figure,
  noteCheck,
  type Question,
  ratio,
  skipped,
  summarise,
} from './harness.ts'
import { inLanes, keyOf, textOf } from './loads.ts'
import { latencyMeasures, type Measure, type MeasuredSubject, measureAll } from './measures.ts'
import { openSyncedLmdb } from './peers/lmdb.ts'
import { startRedis } from './peers/redis.ts'
import { redisBenchmark } from './peers/redis-benchmark.ts'

type Level = 'memory' | 'os' | 'fsync'

const LEVELS: readonly Level[] = ['memory', 'os', 'fsync']
const AT_ONCE = [1, 64, 1024] as const
/** So many that a round takes about half a second. */
const SETS: Readonly<Record<Level, readonly number[]>> = {
  memory: [20_000, 100_000, 150_000],
  os: [5000, 60_000, 150_000],
  fsync: [1500, 40_000, 150_000],
}
const KEYS = 10_000
const VALUE_BYTES = 64
const READ_BACK = 100
const CONNECTIONS = 64
const BLOCK_BYTES = 4096
/** A snapshot is made when the log has grown by so much: never. */
const NEVER_BYTES = 2 ** 50
const BYTES_PER_KEY = 'bytes on disk per key'

/** Where strings are set, and stay. */
interface Store {
  set(key: string, value: string): Promise<unknown>
  get(key: string): Promise<string | null | undefined>
  /** Ends it, with all that was set in its files. */
  close(): Promise<unknown>
}

type Open = (folder: string, level: Level) => Promise<Store>

export const question: Question = {
  name: 'set-fsync',
  question: 'set of 64 bytes by level of durability, one shard, a promise each (per second, µs)',
  targets: [
    {
      text: 'fsync, 1024 at once: at least as fast as lmdb',
      isMet: (figures) => ratio(figures, 'shardloom', 'lmdb', false, metricOf('fsync', 1024)) >= 1,
    },
    {
      text: 'fsync, 1024 at once: at least 3 × ioredis to a Redis that syncs always',
      isMet: (figures) => ratio(figures, 'shardloom', 'ioredis', false, metricOf('fsync', 1024)) >= 3,
    },
    {
      text: 'os, 1024 at once: at least as fast as ioredis to a Redis that syncs every second',
      isMet: (figures) => ratio(figures, 'shardloom', 'ioredis', false, metricOf('os', 1024)) >= 1,
    },
  ],
  async run(params) {
    const figures: Figure[] = []
    for (const level of LEVELS) {
      const subjects = [
        subjectOf('shardloom', openShardloom, level, params),
        ...(level === 'memory' ? [] : [subjectOf('shardloom, encrypted', openEncrypted, level, params)]),
        ...(level === 'memory' ? [] : peersOf(level, params)),
        ...(level === 'fsync' ? [bareDisk(params)] : []),
      ]
      figures.push(...(await measureAll('set-fsync', subjects, params)))
    }
    figures.push(...(await bytesPerKey(params)))
    return figures
  },
}

function metricOf(level: Level, atOnce: number): string {
  return `sets, ${level}, ${atOnce} at once`
}

function peersOf(level: Level, params: BenchParams): readonly MeasuredSubject[] {
  return [
    subjectOf('lmdb', openLmdb, level, params),
    subjectOf('ioredis', openRedis, level, params),
    clientInC(level, params),
  ]
}

function countOf(level: Level, at: number, { small }: BenchParams): number {
  const count = SETS[level][at] ?? 0
  return small ? Math.ceil(count / 100) : count
}

/** All must leave the same behind. */
function checkOf(level: Level): string {
  return `${level}: ${READ_BACK} keys are as they were set last`
}

function subjectOf(name: string, open: Open, level: Level, params: BenchParams): MeasuredSubject {
  return {
    name,
    async start() {
      const { folder, remove } = benchFolder('set')
      const store = await open(folder, level).catch((error: unknown) => {
        remove()
        throw error
      })
      const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i))
      const values = keys.map((_, i) => textOf(i, VALUE_BYTES))
      let number = 0
      const round = async () => {
        const measures: Measure[] = []
        for (const [at, atOnce] of AT_ONCE.entries()) {
          const count = countOf(level, at, params)
          // Other values each time, so that what is read back is not of the time before.
          const shift = ++number
          const latencies = new Float64Array(count)
          const value = await inLanes(atOnce, count, async (i) => {
            const startMs = performance.now()
            await store.set(keys[i % KEYS]!, values[(i + shift) % KEYS]!)
            latencies[i] = (performance.now() - startMs) * 1000
          })
          measures.push({ metric: metricOf(level, atOnce), unit: '1/s', value })
          measures.push(...latencyMeasures(metricOf(level, atOnce), latencies))
          await readBack(store, keys, (i) => values[(lastOf(i, count) + shift) % KEYS], count)
        }
        return { measures, check: checkOf(level) }
      }
      const stop = async (): Promise<void> => {
        await store.close()
        remove()
      }
      return { round, stop }
    },
  }
}

/** The last set of a key, when so many were set in turn. */
function lastOf(key: number, count: number): number {
  return key + Math.floor((count - 1 - key) / KEYS) * KEYS
}

async function readBack(
  store: Store,
  keys: readonly string[],
  textAt: (i: number) => string | undefined,
  count: number,
): Promise<void> {
  const step = Math.max(1, Math.floor(Math.min(count, KEYS) / READ_BACK))
  for (let i = 0; i < Math.min(count, KEYS); i += step) {
    const found = await store.get(keys[i]!)
    if (found !== textAt(i)) throw new Error(`${keys[i]} holds ${found} instead of ${textAt(i)}`)
  }
}

/** The commands of all connections are on their way at once. */
function clientInC(level: Level, params: BenchParams): MeasuredSubject {
  return {
    name: 'redis-benchmark (a client in C)',
    async start() {
      const { folder, remove } = benchFolder('set')
      const redis = await startRedis(redisFiles(folder, level)).catch((error: unknown) => {
        remove()
        throw error
      })
      const round = async () => {
        const measures: Measure[] = []
        for (const [at, atOnce] of AT_ONCE.entries()) {
          if (atOnce < CONNECTIONS) continue
          const load = { keys: KEYS, valueBytes: VALUE_BYTES, connections: CONNECTIONS }
          const pipeline = atOnce / CONNECTIONS
          const value = await redisBenchmark(redis, { ...load, pipeline, count: countOf(level, at, params) })
          measures.push({ metric: metricOf(level, atOnce), unit: '1/s', value })
        }
        return { measures, check: checkOf(level) }
      }
      const stop = async (): Promise<void> => {
        await redis.stop()
        remove()
      }
      return { round, stop }
    },
  }
}

/** What one file of the disk gets: who waits for each set alone waits for one of these. */
function bareDisk(params: BenchParams): MeasuredSubject {
  const level = 'fsync'
  return {
    name: 'appends of 4 KiB and fdatasync (floor)',
    async start() {
      const { folder, remove } = benchFolder('disk')
      const file = openSync(join(folder, 'appended'), 'wx')
      const block = Buffer.alloc(BLOCK_BYTES, 's')
      const round = async () => {
        const latencies = new Float64Array(countOf(level, 0, params))
        const startMs = performance.now()
        for (let i = 0; i < latencies.length; i++) {
          const oneMs = performance.now()
          writeSync(file, block)
          fdatasyncSync(file)
          latencies[i] = (performance.now() - oneMs) * 1000
        }
        const value = latencies.length / ((performance.now() - startMs) / 1000)
        const metric = metricOf(level, 1)
        const measures = [{ metric, unit: '1/s', value }, ...latencyMeasures(metric, latencies)]
        return { measures, check: checkOf(level) }
      }
      const stop = async (): Promise<void> => {
        closeSync(file)
        remove()
      }
      return { round, stop }
    },
  }
}

/** Each key set once, many at once; what the files hold when they are closed. */
async function bytesPerKey(params: BenchParams): Promise<Figure[]> {
  const keys = params.keys ?? (params.small ? 2000 : 200_000)
  const figures: Figure[] = []
  for (const [name, open] of [
    ['shardloom', openShardloom],
    ['shardloom, encrypted', openEncrypted],
    ['lmdb', openLmdb],
    ['ioredis', openRedis],
  ] as const) {
    const { folder, remove } = benchFolder('set')
    try {
      const store = await open(folder, 'os')
      const before = bytesIn(folder)
      await inLanes(1024, keys, (i) => store.set(keyOf(i), textOf(i, VALUE_BYTES)))
      const names = Array.from({ length: KEYS }, (_, i) => keyOf(i))
      await readBack(store, names, (i) => textOf(i), keys)
      await store.close()
      const about = { question: 'set-fsync', metric: BYTES_PER_KEY, unit: 'bytes' }
      figures.push(summarise(about, name, [(bytesIn(folder) - before) / keys]))
    } catch (error) {
      if (name === 'shardloom') throw error
      skipped(name, error)
    } finally {
      remove()
    }
  }
  noteCheck(`${keys} keys in files`)
  return figures
}

function openEncrypted(dir: string, durability: Level): Promise<Store> {
  return openShardloom(dir, durability, { encryption: { key: '5e'.repeat(32) } })
}

async function openShardloom(
  dir: string,
  durability: Level,
  options: Pick<KeyspaceOptions, 'encryption'> = {},
): Promise<Store> {
  const files = { dir, durability, snapshotBytes: NEVER_BYTES, snapshotEveryMs: 0, ...options }
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1, ...files } })
  const { keyspace } = runtime
  return {
    set: (key, value) => keyspace.set(key, value),
    get: (key) => keyspace.get(key),
    close: () => runtime.close(),
  }
}

async function openLmdb(folder: string, level: Level): Promise<Store> {
  const db = await openSyncedLmdb(folder)
  return {
    set: level === 'fsync' ? (key, value) => db.put(key, value).flushed : (key, value) => db.put(key, value),
    get: async (key) => db.get(key),
    close: () => db.close(),
  }
}

async function openRedis(folder: string, level: Level): Promise<Store> {
  const redis = await startRedis(redisFiles(folder, level))
  const client = await redis.client({ isPipelined: true })
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    close: () => redis.shutDown(),
  }
}

function redisFiles(folder: string, level: Level) {
  return { folder, appendFsync: level === 'fsync' ? 'always' : 'everysec' } as const
}

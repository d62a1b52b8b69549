/**
 * Question: how many sets of 64 bytes a second, many on their way at once, a promise each, to one shard?
 *
 * Peers: lmdb-js, which gathers puts into transactions (without syncing to disk); ioredis to a local Redis
 * that saves nothing, with automatic pipelining. What would make the figure a lie: promises that are not
 * awaited one by one, or sets that did nothing: afterwards keys are read back.
 */
import { createRuntime } from 'shardloom'
import { compare, type Subject } from './compare.ts'
import { type Figure, figureOf, type Question, ratio } from './harness.ts'
import { inLanes, keyOf, textOf } from './loads.ts'
import { lmdbFolder, openLmdb } from './peers/lmdb.ts'
import { startRedis } from './peers/redis.ts'

const KEYS = 10_000
const AT_ONCE = [256, 1024]
const READ_BACK = 100

/** Where strings are set. */
interface Store {
  set(key: string, value: string): Promise<unknown>
  get(key: string): Promise<string | null | undefined>
  stop(): Promise<void>
}

export const question: Question = {
  name: 'set-memory',
  question: 'set of 64 bytes in memory, one shard, a promise each (per second)',
  targets: [
    { text: '1024 at once: at least 1 M/s', isMet: (figures) => rate(figures, 1024) >= 1e6 },
    {
      text: '1024 at once: faster than lmdb and ioredis',
      isMet: (figures) =>
        ratio(figures, 'shardloom', 'lmdb', false, metricOf(1024)) > 1 &&
        ratio(figures, 'shardloom', 'ioredis', false, metricOf(1024)) > 1,
    },
  ],
  async run(params) {
    const sets = params.small ? 4000 : 300_000
    const figures: Figure[] = []
    for (const atOnce of AT_ONCE) {
      const subjects = [
        subjectOf('shardloom', openShardloom, atOnce, sets),
        subjectOf('lmdb', openFolder, atOnce, sets),
        subjectOf('ioredis', openRedis, atOnce, sets),
      ]
      const about = { question: 'set-memory', metric: metricOf(atOnce), unit: '1/s' }
      figures.push(...(await compare(about, subjects, params)))
    }
    return figures
  },
}

function metricOf(atOnce: number): string {
  return `sets, ${atOnce} at once`
}

function rate(figures: readonly Figure[], atOnce: number): number {
  return figureOf(figures, 'shardloom', metricOf(atOnce))?.median ?? 0
}

function subjectOf(name: string, open: () => Promise<Store>, atOnce: number, sets: number): Subject {
  return {
    name,
    async start() {
      const store = await open()
      const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i))
      const values = keys.map((_, i) => textOf(i))
      const round = async () => {
        const value = await inLanes(atOnce, sets, (i) => store.set(keys[i % KEYS]!, values[(i * 7) % KEYS]!))
        const seen: string[] = []
        for (let i = 0; i < READ_BACK; i++) seen.push((await store.get(keys[i * 7]!)) ?? 'nothing')
        return { value, check: seen.join() }
      }
      return { round, stop: () => store.stop() }
    },
  }
}

async function openShardloom(): Promise<Store> {
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1 } })
  const { keyspace } = runtime
  return {
    set: (key, value) => keyspace.set(key, value),
    get: (key) => keyspace.get(key),
    stop: async () => void (await runtime.close()),
  }
}

async function openFolder(): Promise<Store> {
  const { folder, remove } = lmdbFolder()
  const db = await openLmdb(folder)
  return {
    set: (key, value) => db.put(key, value),
    get: async (key) => db.get(key),
    async stop() {
      await db.close()
      remove()
    },
  }
}

async function openRedis(): Promise<Store> {
  const redis = await startRedis()
  const client = await redis.client({ isPipelined: true })
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    stop: () => redis.stop(),
  }
}

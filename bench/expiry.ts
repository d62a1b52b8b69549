/**
 * Question: 100,000 keys expire within one second: how soon are they gone, and what do others notice?
 *
 * Gone is when DBSIZE, which counts keys that are still in memory, says so. Meanwhile one caller reads
 * another key, one command at a time; its latencies before and meanwhile are compared. Peer: a local Redis
 * through ioredis. What would make the figure a lie: keys that are removed by being looked at (nobody looks
 * at them).
 */
import { createRuntime } from 'shardloom'
import { type Figure, figureOf, noteCheck, type Question, skipped, summarise } from './harness.ts'
import { draws, inLanes, keyOf, percentile, textOf } from './loads.ts'
import { startRedis } from './peers/redis.ts'

/** Milliseconds between two looks at DBSIZE, and until all must be gone. */
const LOOK_MS = 5
const LATE_MS = 60_000
/** Reads go on for `leadMs` before; keys expire within `spanMs`. */
const TIMES: Times = { leadMs: 500, spanMs: 1000 }
const SMALL_TIMES: Times = { leadMs: 100, spanMs: 200 }
const ROUNDS_MAX = 5
const OTHER = 'other'
const GONE = 'gone after the last was due'
const PARTS = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['max', 1],
] as const

interface Times {
  readonly leadMs: number
  readonly spanMs: number
}

interface Store {
  set(key: string, value: string, ttlMs: number): Promise<unknown>
  get(key: string): Promise<unknown>
  size(): Promise<number>
  stop(): Promise<void>
}

interface Result {
  readonly goneMs: number
  readonly before: readonly number[]
  readonly meanwhile: readonly number[]
}

export const question: Question = {
  name: 'expiry',
  question: '100,000 keys expire within a second (ms, and µs of a GET meanwhile)',
  targets: [
    {
      text: 'all are gone within 100 ms',
      isMet: (figures) => (figureOf(figures, 'shardloom', GONE)?.median ?? 1e9) <= 100,
    },
    {
      text: 'p99 of a GET meanwhile at most 2 × that before, or 1 ms',
      isMet: (figures) => {
        const [before, meanwhile] = ['before', 'meanwhile'].map(
          (when) => figureOf(figures, 'shardloom', `GET ${when}, p99`)?.median ?? Number.NaN,
        )
        return meanwhile! <= Math.max(1000, 2 * before!)
      },
    },
  ],
  async run(params) {
    const keys = params.small ? 2000 : 100_000
    const results = new Map<string, Result[]>()
    for (let i = 0; i < Math.min(params.rounds, ROUNDS_MAX); i++) {
      for (const [name, open] of [
        ['shardloom', openShardloom],
        ['ioredis', openRedis],
      ] as const) {
        try {
          const result = await oneRound(await open(), keys, params.small ? SMALL_TIMES : TIMES)
          results.set(name, [...(results.get(name) ?? []), result])
        } catch (error) {
          if (name === 'shardloom') throw error
          skipped(name, error)
        }
      }
    }
    noteCheck(`${keys} keys are gone, one is left`)
    const figures: Figure[] = []
    const add = (metric: string, unit: string, value: (result: Result) => number): void => {
      for (const [name, some] of results) {
        figures.push(summarise({ question: 'expiry', metric, unit }, name, some.map(value)))
      }
    }
    add(GONE, 'ms', ({ goneMs }) => goneMs)
    for (const when of ['before', 'meanwhile'] as const) {
      for (const [name, part] of PARTS)
        add(`GET ${when}, ${name}`, 'µs', (one) => percentile(one[when], part))
    }
    return figures
  },
}

async function oneRound(store: Store, keys: number, { leadMs, spanMs }: Times): Promise<Result> {
  const draw = draws(23)
  const offsets = Array.from({ length: keys }, () => draw() * spanMs)
  await store.set(OTHER, textOf(1), 0)
  await getFor(store, leadMs)
  const before = await getFor(store, leadMs)
  // Late enough that all are set by then, on a machine that is slow too.
  const fillMs = leadMs + keys / 10
  const dueMs = performance.now() + fillMs
  await inLanes(1000, keys, (i) => {
    return store.set(keyOf(i), textOf(i), Math.max(1, Math.ceil(dueMs + offsets[i]! - performance.now())))
  })
  await new Promise((resolve) => void setTimeout(resolve, dueMs - performance.now()))
  let isGone = false
  let goneMs = 0
  const meanwhile: number[] = []
  const read = async (): Promise<void> => {
    while (!isGone) {
      const startMs = performance.now()
      await store.get(OTHER)
      meanwhile.push((performance.now() - startMs) * 1000)
    }
  }
  const look = async (): Promise<void> => {
    while (!isGone) {
      const left = (await store.size()) - 1
      const lateMs = performance.now() - dueMs - spanMs
      if (left === 0) {
        isGone = true
        goneMs = Math.max(0, lateMs)
      } else if (lateMs > LATE_MS) throw new Error(`${left} keys are not gone after ${lateMs} ms`)
      await new Promise((resolve) => void setTimeout(resolve, LOOK_MS))
    }
  }
  await Promise.all([read(), look()])
  await store.stop()
  return { goneMs, before, meanwhile }
}

async function getFor(store: Store, ms: number): Promise<number[]> {
  const latencies: number[] = []
  const endMs = performance.now() + ms
  while (performance.now() < endMs) {
    const startMs = performance.now()
    await store.get(OTHER)
    latencies.push((performance.now() - startMs) * 1000)
  }
  return latencies
}

async function openShardloom(): Promise<Store> {
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1 } })
  const { keyspace } = runtime
  return {
    set: (key, value, ttl) => (ttl === 0 ? keyspace.set(key, value) : keyspace.set(key, value, { ttl })),
    get: (key) => keyspace.get(key),
    size: () => keyspace.size(),
    stop: async () => void (await runtime.close()),
  }
}

async function openRedis(): Promise<Store> {
  const redis = await startRedis()
  const client = await redis.client()
  const pipelined = await redis.client({ isPipelined: true })
  return {
    set: (key, value, ttl) => (ttl === 0 ? client.set(key, value) : pipelined.set(key, value, 'PX', ttl)),
    get: (key) => client.get(key),
    size: () => client.dbsize(),
    stop: () => redis.stop(),
  }
}

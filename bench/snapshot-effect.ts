/**
 * Question: what do callers notice of a snapshot of a million keys?
 *
 * Sets and gets come at a steady rate, half of what the store can do with the same mix, to keys at random;
 * their latencies before, during and after a snapshot are compared (`steady-load.ts` says how they are
 * counted). All write a log besides, that is synced every second. Peers: a Redis through ioredis that makes
 * an RDB file (BGSAVE), and one that rewrites its append-only file (BGREWRITEAOF); both fork.
 *
 * What would make the figure a lie: callers that wait for answers, and so send less while it is slow; a
 * snapshot that holds nothing (the number of its keys is looked at, or that Redis has ended it); gets that
 * find something else than what was set last (each is looked at). A snapshot that is over soon is followed by
 * others, until there are enough latencies.
 */
import { createRuntime } from 'shardloom'
import { benchFolder, orRemoved } from './files.ts'
import { type BenchParams, figureOf, type Question } from './harness.ts'
import { LATENCY_PARTS, latencyMeasures, type Measure, type MeasuredSubject, measureAll } from './measures.ts'
import { startRedis } from './peers/redis.ts'
import { SteadyLoad, type SteadyStore } from './steady-load.ts'

const ROUNDS_MAX = 5
const AT_ONCE = 256
const FILL_AT_ONCE = 1000
const CAPACITY_RUNS = 3
const PART_OF_CAPACITY = 0.5
const LOOK_MS = 10
const NEVER_BYTES = 2 ** 50
const PHASES = ['before', 'during', 'after'] as const
const PARTS = [...LATENCY_PARTS, ['max', 1]] as const

/** How long things last, in milliseconds. */
interface Times {
  readonly capacityMs: number
  readonly phaseMs: number
  readonly duringMsMin: number
}

const LARGE: Times = { capacityMs: 1000, phaseMs: 2000, duringMsMin: 500 }
const SMALL: Times = { capacityMs: 30, phaseMs: 50, duringMsMin: 50 }

interface Store extends SteadyStore {
  /** Resolves when a snapshot of all keys is complete. */
  snapshot(): Promise<unknown>
  stop(): Promise<unknown>
}

type Open = (folder: string, keys: number) => Promise<Store>

export const question: Question = {
  name: 'snapshot-effect',
  question: 'a snapshot of 1 M keys at half of the load that is possible (µs, ms)',
  targets: [
    {
      text: 'p99 of a set during a snapshot at most 2 × that before',
      isMet: (figures) => {
        const [before, during] = ['before', 'during'].map(
          (phase) => figureOf(figures, 'shardloom', `set ${phase}, p99`)?.median ?? Number.NaN,
        )
        return during! <= 2 * before!
      },
    },
  ],
  run(params) {
    const keys = params.keys ?? (params.small ? 2000 : 1_000_000)
    const subjects = [
      subjectOf('shardloom', openShardloom, keys, params),
      subjectOf('Redis, BGSAVE', (folder) => openRedis(folder, 'bgsave'), keys, params),
      subjectOf('Redis, BGREWRITEAOF', (folder) => openRedis(folder, 'bgrewriteaof'), keys, params),
    ]
    return measureAll('snapshot-effect', subjects, { ...params, rounds: Math.min(params.rounds, ROUNDS_MAX) })
  },
}

function subjectOf(name: string, open: Open, keys: number, { small }: BenchParams): MeasuredSubject {
  const times = small ? SMALL : LARGE
  return {
    name,
    async start() {
      const place = benchFolder('snapshot')
      const store = await orRemoved(place, () => open(place.folder, keys))
      const load = new SteadyLoad(store, keys)
      await load.fill(FILL_AT_ONCE)
      const capacities: number[] = []
      for (let i = 0; i < CAPACITY_RUNS; i++) capacities.push(await load.capacity(AT_ONCE, times.capacityMs))
      const rate = PART_OF_CAPACITY * capacities.sort((a, b) => a - b)[CAPACITY_RUNS >> 1]!
      const round = async () => ({
        measures: await oneRound(store, load, rate, times),
        check: `each get of ${keys} keys has found what was set last`,
      })
      const stop = async (): Promise<void> => {
        await store.stop()
        place.remove()
      }
      return { round, stop }
    },
  }
}

async function oneRound(store: Store, load: SteadyLoad, rate: number, times: Times): Promise<Measure[]> {
  const took: number[] = []
  const snapshots = async (): Promise<void> => {
    const beganMs = performance.now()
    for (let last = beganMs; last - beganMs < times.duringMsMin; ) {
      await store.snapshot()
      const nowMs = performance.now()
      took.push(nowMs - last)
      last = nowMs
    }
  }
  const seen = {
    before: await load.run(rate, sleep(times.phaseMs)),
    during: await load.run(rate, snapshots()),
    after: await load.run(rate, sleep(times.phaseMs)),
  }
  const latencies = (['set', 'get'] as const).flatMap((command) =>
    PHASES.flatMap((phase) =>
      latencyMeasures(`${command} ${phase}`, Float64Array.from(seen[phase][command]), PARTS),
    ),
  )
  return [
    ...latencies,
    { metric: 'commands, half of what is possible', unit: '1/s', value: rate },
    { metric: 'the snapshot takes', unit: 'ms', value: took.sort((a, b) => a - b)[took.length >> 1]! },
  ]
}

async function openShardloom(dir: string, keys: number): Promise<Store> {
  const files = { dir, durability: 'os', snapshotBytes: NEVER_BYTES, snapshotEveryMs: 0 } as const
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 1, ...files } })
  const { keyspace } = runtime
  return {
    set: (key, value) => keyspace.set(key, value),
    get: (key) => keyspace.get(key),
    async snapshot() {
      const { keys: written } = await keyspace.snapshot()
      if (written !== keys) throw new Error(`a snapshot has ${written} keys instead of ${keys}`)
    },
    stop: () => runtime.close(),
  }
}

/** @throws MissingPeer */
async function openRedis(folder: string, command: 'bgsave' | 'bgrewriteaof'): Promise<Store> {
  const redis = await startRedis({ folder, appendFsync: 'everysec' })
  const client = await redis.client({ isPipelined: true })
  const control = await redis.client()
  const [running, done, status] =
    command === 'bgsave'
      ? (['rdb_bgsave_in_progress', 'rdb_saves', 'rdb_last_bgsave_status'] as const)
      : (['aof_rewrite_in_progress', 'aof_rewrites', 'aof_last_bgrewrite_status'] as const)
  return {
    set: (key, value) => client.set(key, value),
    get: (key) => client.get(key),
    async snapshot() {
      const before = await redis.info('persistence', done)
      await control[command]()
      do await sleep(LOOK_MS)
      while ((await redis.info('persistence', running)) > 0)
      const count = (await redis.info('persistence', done)) - before
      const outcome = await redis.infoText('persistence', status)
      if (count !== 1 || outcome !== 'ok') throw new Error(`${command}: ${count} times, ${outcome}`)
    },
    stop: () => redis.stop(),
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

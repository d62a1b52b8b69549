/**
 * Question: 100,000 keys move from one shard to another while they are used: how fast, and what do callers
 * notice?
 *
 * All slots of one shard go to the other and back, 512 at a time, while a caller gets and sets keys of these
 * slots, 16 at a time. There is no peer in one process; a Redis Cluster moves keys one by one, by MIGRATE.
 * What would make the figure a lie: keys that nobody uses, or that are lost: every one is counted afterwards,
 * and what the caller has written last is there.
 */
import { createRuntime, type Keyspace } from 'shardloom'
import { type Figure, figureOf, noteCheck, type Question, summarise } from './harness.ts'
import { draws, inLanes, keyOf, percentile, textOf } from './loads.ts'

const SLOTS = 16_384
const SLOTS_AT_ONCE = 512
const CALLERS = 16
const BEFORE_MS = 500
const PAUSE = 'longest pause of a slot'

interface Result {
  readonly keysPerSecond: number
  readonly pausedMs: number
  readonly before: number
  readonly meanwhile: number
}

export const question: Question = {
  name: 'slot-move',
  question: '100,000 keys move to another shard while in use (keys per second, ms, µs)',
  targets: [
    {
      text: 'no slot pauses for more than 10 ms',
      isMet: (figures) => (figureOf(figures, 'shardloom', PAUSE)?.median ?? 1e9) <= 10,
    },
  ],
  async run(params) {
    const keys = params.small ? 2000 : 100_000
    const runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
    const { keyspace } = runtime
    // Those of shard 0; the first half of the slots is its own.
    const names: string[] = []
    for (let i = 0; names.length < keys; i++) {
      if (keyspace.shardOf(keyOf(i)).shard === 0) names.push(keyOf(i))
    }
    await inLanes(1000, keys, (i) => keyspace.set(names[i]!, textOf(i)))
    const results: Result[] = []
    for (let i = 0; i <= params.rounds; i++) {
      const result = await oneRound(keyspace, names, i % 2 === 0 ? 1 : 0, i)
      if (i > 0) results.push(result)
    }
    noteCheck(String(await keyspace.size()))
    await runtime.close()
    const figure = (metric: string, unit: string, value: (result: Result) => number): Figure =>
      summarise({ question: 'slot-move', metric, unit }, 'shardloom', results.map(value))
    return [
      figure('keys moved', '1/s', ({ keysPerSecond }) => keysPerSecond),
      figure(PAUSE, 'ms', ({ pausedMs }) => pausedMs),
      figure('commands before, p99', 'µs', ({ before }) => before),
      figure('commands meanwhile, p99', 'µs', ({ meanwhile }) => meanwhile),
    ]
  },
}

async function oneRound(
  keyspace: Keyspace,
  names: readonly string[],
  to: number,
  seed: number,
): Promise<Result> {
  const before = percentile(await use(keyspace, names, seed, sleep(BEFORE_MS)), 0.99)
  const startMs = performance.now()
  let pausedMs = 0
  let keys = 0
  const move = async (): Promise<number> => {
    for (let first = 0; first < SLOTS / 2; first += SLOTS_AT_ONCE) {
      const slots = Array.from({ length: SLOTS_AT_ONCE }, (_, i) => first + i)
      const report = await keyspace.moveSlots(slots, to)
      pausedMs = Math.max(pausedMs, report.pausedMs)
      keys += report.keys
    }
    return performance.now() - startMs
  }
  const moving = move()
  const meanwhile = percentile(await use(keyspace, names, seed + 1000, moving), 0.99)
  const ms = await moving
  const size = await keyspace.size()
  if (keys !== names.length || size !== names.length) throw new Error(`${keys} moved, ${size} there`)
  return { keysPerSecond: keys / (ms / 1000), pausedMs, before, meanwhile }
}

/** Gets and sets keys until `end`: latencies in µs. What was set is read back at once. */
async function use(
  keyspace: Keyspace,
  names: readonly string[],
  seed: number,
  end: Promise<unknown>,
): Promise<number[]> {
  let isOver = false
  void end.then(() => {
    isOver = true
  })
  const latencies: number[] = []
  const caller = async (_: unknown, number: number): Promise<void> => {
    const draw = draws(seed * CALLERS + number)
    while (!isOver) {
      // Each caller has keys of its own, so that it knows what is there.
      const at = Math.floor(draw() * (names.length / CALLERS)) * CALLERS + number
      const key = names[at % names.length]!
      const value = textOf(Math.floor(draw() * 1e6))
      const startMs = performance.now()
      await keyspace.set(key, value)
      const setMs = performance.now()
      const found = await keyspace.get(key)
      latencies.push((setMs - startMs) * 1000, (performance.now() - setMs) * 1000)
      if (found !== value && at < names.length) throw new Error(`${key} holds ${found} instead of ${value}`)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return latencies
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms))
}

/**
 * Measures how a keyspace scales: shards and threads from 1 to twice the cores, each with the same work.
 *
 *     commands   the main thread sends SINTERCARD of two sets of 1,000 members to every shard: the shards
 *                are what is busy
 *     reads      an actor on every thread reads strings of all shards with getSync
 *     writes     an actor on every thread sets strings of all shards, 128 at a time: all but one in n go to
 *                another thread
 *     mixed      half reads, half writes
 *     bare       no keyspace: a loop of arithmetic on every thread, which shows what the machine itself gives
 *
 * Rounds go through all numbers of threads again and again, so that what else the machine does falls on all
 * of them alike. Each starts a runtime of its own.
 * Tests: test/cli/bench.test.ts
 */
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { ActorRefOf } from '../../actor/index.ts'
import { assert } from '../../base/index.ts'
import type { Keyspace } from '../../keyspace/index.ts'
import { createRuntime } from '../../server/index.ts'
import { type LoadResult, type LoadTask, type loadActor, loadKey } from './load-actor.ts'

const WORKLOADS = ['commands', 'reads', 'writes', 'mixed', 'bare'] as const

/** What is done. */
export type Workload = (typeof WORKLOADS)[number]

/** How long, how often, and up to how many threads. */
export interface ScalingOptions {
  /** Of each measurement. */
  readonly seconds: number
  readonly rounds: number
  readonly threadsMax: number
  /** Told before each measurement. */
  onProgress?(done: number, total: number, what: string): void
}

/** One measurement. */
export interface Sample {
  readonly threads: number
  readonly workload: Workload
  readonly perSecond: number
  /** How much of the time the event loops of the threads with shards did not wait, in the mean. */
  readonly shardBusy: number
  /** The same of the main thread, which sends commands. */
  readonly senderBusy: number
  /** Processor time over time: cores that the process had. */
  readonly coresUsed: number
}

type Load = ActorRefOf<typeof loadActor>

const LOAD_MODULE = new URL('./load-actor.js', import.meta.url)
const KEYS = 20_000
const FILL_AT_ONCE = 512
const MEMBERS = 1000
const SENT_PER_SHARD = 16
/** Up to so many numbers of threads each is measured; beyond, powers of two, the cores, and the last. */
const POINTS_MAX = 8
const ASK_MS = 60_000
const WARM_UPS_MAX = 8

/** The numbers of threads to measure. */
export function threadCounts(threadsMax: number, cores: number = availableParallelism()): number[] {
  if (threadsMax <= POINTS_MAX) return Array.from({ length: threadsMax }, (_, i) => i + 1)
  const counts = new Set([cores, threadsMax])
  for (let threads = 1; threads < threadsMax; threads *= 2) counts.add(threads)
  return [...counts].filter((threads) => threads <= threadsMax).sort((a, b) => a - b)
}

/** Measures all of it. */
export async function measureScaling(options: ScalingOptions): Promise<Sample[]> {
  const counts = threadCounts(options.threadsMax)
  const total = options.rounds * counts.length * WORKLOADS.length
  const samples: Sample[] = []
  for (let round = 0; round < options.rounds; round++) {
    for (const threads of counts) {
      await withLoads(threads, async (keyspace, loads) => {
        for (const workload of WORKLOADS) {
          options.onProgress?.(samples.length, total, `${workload}, ${threads} threads`)
          const ms = options.seconds * 1000
          await warmUp(workload, keyspace, loads, ms / 4)
          samples.push(await measure(workload, keyspace, loads, ms))
        }
      })
    }
  }
  return samples
}

async function withLoads(
  threads: number,
  run: (keyspace: Keyspace, loads: readonly Load[]) => Promise<void>,
): Promise<void> {
  await using runtime = await createRuntime({ threads, keyspace: { shards: threads } })
  const { keyspace } = runtime
  // Each goes to the thread with the fewest actors: one on every thread.
  const loads: Load[] = await Promise.all(
    Array.from({ length: threads }, () => {
      return runtime.spawn<typeof loadActor>(LOAD_MODULE, { export: 'loadActor' })
    }),
  )
  assert(new Set(loads.map(({ thread }) => thread)).size === threads, 'there is one load on every thread')
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < KEYS) await keyspace.set(loadKey(next++), 'x'.repeat(64))
  }
  await Promise.all(Array.from({ length: FILL_AT_ONCE }, lane))
  const members = Array.from({ length: MEMBERS * 1.5 }, (_, i) => `member:${i}`)
  for (const tag of shardTags(keyspace, threads)) {
    await keyspace.members(`${tag}:a`).add(...members.slice(0, MEMBERS))
    await keyspace.members(`${tag}:b`).add(...members.slice(MEMBERS / 2))
  }
  await run(keyspace, loads)
}

/**
 * Works until the code is compiled, by processor time: on a busy machine a thread may get a tenth of a core,
 * and each thread compiles for itself.
 */
async function warmUp(
  workload: Workload,
  keyspace: Keyspace,
  loads: readonly Load[],
  ms: number,
): Promise<void> {
  const before = process.cpuUsage()
  for (let i = 0; i < WARM_UPS_MAX; i++) {
    await measure(workload, keyspace, loads, ms)
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1000 >= ms * loads.length) return
  }
}

async function measure(
  workload: Workload,
  keyspace: Keyspace,
  loads: readonly Load[],
  ms: number,
): Promise<Sample> {
  const asked = { timeoutMs: ASK_MS + ms * 10 }
  // The first answer is for the time before.
  await Promise.all(loads.map((load) => load.ask('busy', undefined, asked)))
  const loopBefore = performance.eventLoopUtilization()
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  let perSecond: number
  let shardBusy: number
  if (workload === 'commands') {
    perSecond = await sendCommands(keyspace, loads.length, ms)
    const busy = await Promise.all(loads.map((load) => load.ask('busy', undefined, asked)))
    shardBusy = mean(busy)
  } else {
    const results = await Promise.all(
      loads.map((load, i) => {
        const task: LoadTask = { ms, keys: KEYS, seed: i + 1 }
        return askLoad(load, workload, task, asked)
      }),
    )
    perSecond = results.reduce((sum, one) => sum + one.perSecond, 0)
    shardBusy = mean(results.map(({ busy }) => busy))
  }
  const { user, system } = process.cpuUsage(cpuBefore)
  const coresUsed = (user + system) / 1000 / (performance.now() - startMs)
  const senderBusy = performance.eventLoopUtilization(loopBefore).utilization
  return { threads: loads.length, workload, perSecond, shardBusy, senderBusy, coresUsed }
}

function askLoad(
  load: Load,
  workload: Exclude<Workload, 'commands'>,
  task: LoadTask,
  asked: { readonly timeoutMs: number },
): Promise<LoadResult> {
  switch (workload) {
    case 'reads':
      return load.ask('reads', task, asked)
    case 'writes':
      return load.ask('writes', task, asked)
    case 'mixed':
      return load.ask('mixed', task, asked)
    case 'bare':
      return load.ask('bare', task, asked)
  }
}

/** Keeps every shard in work; commands a second. */
async function sendCommands(keyspace: Keyspace, shards: number, ms: number): Promise<number> {
  const startMs = performance.now()
  let count = 0
  const lane = async (tag: string): Promise<void> => {
    while (performance.now() - startMs < ms) {
      const common = await keyspace.command('SINTERCARD', 2, `${tag}:a`, `${tag}:b`)
      assert(common === MEMBERS / 2, 'SINTERCARD counts what both sets have')
      count++
    }
  }
  const tags = shardTags(keyspace, shards)
  await Promise.all(tags.flatMap((tag) => Array.from({ length: SENT_PER_SHARD }, () => lane(tag))))
  return (count * 1000) / (performance.now() - startMs)
}

/** A hash tag for each shard, whose keys it owns. */
function shardTags(keyspace: Keyspace, shards: number): string[] {
  const tags: string[] = []
  for (let i = 0; Object.keys(tags).length < shards; i++) {
    const tag = `{${i}}`
    tags[keyspace.shardOf(tag).shard] ??= tag
  }
  return tags
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length
}

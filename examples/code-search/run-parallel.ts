/**
 * Indexes with a pool of actors on all threads.
 *
 * A router spreads the batches over the indexers and replaces those that die with their thread. Each lane
 * asks for one batch after the other; there are a few more lanes than threads, so that a thread that answers
 * has its next batch in its mailbox already. An ask whose actor, thread or pool is gone is asked again: an
 * indexer keeps nothing, so that asking twice is the same as asking once, and the index takes each batch only
 * once.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ActorRouter, createRuntime, type Runtime, ShardloomError } from 'shardloom'
import type { indexer } from './indexer.ts'
import { measureLoopDelay } from './loop-delay.ts'
import { Progress } from './progress.ts'
import { bytesOf, countOfThreads, emptyIndex, type Job, pathsOf, type RunResult, sampleOf } from './run.ts'
import type { Segment } from './segment.ts'

const LANES_PER_THREAD = 3
const TRIES_MAX = 50
const RETRY_MS = 50
const BATCH_TIMEOUT_MS = 120_000
/** Beside what is retryable anyway: the actor that was asked is gone, and the pool has others, or will. */
const GONE = new Set(['SHL_ACTOR_STOPPED', 'SHL_ACTOR_NOT_FOUND', 'SHL_THREAD_LOST', 'SHL_NO_ROUTEES'])

type IndexerPool = ActorRouter<(typeof indexer)['receive']>

/** How to run. */
export interface ParallelOptions {
  readonly threads: number
  /** Kill a thread when half of the batches are in. */
  readonly chaos: boolean
}

/** What a run on all threads came to. */
export interface ParallelResult extends RunResult {
  /** How long the threads and the pool took to start. */
  readonly startUpMs: number
  /** Batches that were asked for again. */
  readonly retries: number
  readonly killedThread: number | undefined
}

/** Indexes everything on the threads of a runtime of its own, which is closed before this resolves. */
export async function indexParallel(job: Job, options: ParallelOptions): Promise<ParallelResult> {
  const startMs = performance.now()
  const runtime = await createRuntime({ threads: options.threads })
  try {
    const pool = await runtime.router<typeof indexer>(new URL('./indexer.js', import.meta.url), {
      size: options.threads,
      strategy: 'least_mailbox',
      args: sampleOf(job),
    })
    const startUpMs = performance.now() - startMs
    return { ...(await indexWith(runtime, pool, job, options)), startUpMs }
  } finally {
    await runtime.close()
  }
}

async function indexWith(
  runtime: Runtime,
  pool: IndexerPool,
  job: Job,
  { threads, chaos }: ParallelOptions,
): Promise<Omit<ParallelResult, 'startUpMs'>> {
  const index = emptyIndex(job)
  const progress = new Progress(countOfThreads(threads), job.files)
  let next = 0
  let done = 0
  let retries = 0
  let killedThread: number | undefined
  let killing: Promise<unknown> | undefined
  const lane = async (): Promise<void> => {
    for (let batch = next++; batch < job.batches.length; batch = next++) {
      const files = job.batches[batch]!
      const request = { folder: job.folder, paths: pathsOf(files) }
      const segment = await askUntilAnswered(pool, request, () => retries++)
      if (!index.add(batch, segment)) continue
      done++
      progress.add(files.length, bytesOf(files))
      if (chaos && killedThread === undefined && done * 2 >= job.batches.length) {
        killedThread = busiestThread(runtime)
        if (killedThread === undefined) continue
        progress.note(`chaos: killing thread ${killedThread} after ${done} of ${job.batches.length} batches`)
        killing = runtime.killThread(killedThread)
      }
    }
  }
  const endLoopDelay = measureLoopDelay()
  const startMs = performance.now()
  try {
    await Promise.all(Array.from({ length: threads * LANES_PER_THREAD }, lane))
    const elapsedMs = performance.now() - startMs
    await killing
    return { index, elapsedMs, loopDelay: endLoopDelay(), retries, killedThread }
  } finally {
    progress.end()
  }
}

async function askUntilAnswered(
  pool: IndexerPool,
  request: { folder: string; paths: string[] },
  onRetry: () => void,
): Promise<Segment> {
  for (let tries = 1; ; tries++) {
    try {
      return await pool.ask('index', request, { timeoutMs: BATCH_TIMEOUT_MS })
    } catch (error) {
      const isWorthIt = error instanceof ShardloomError && (error.retryable || GONE.has(error.code))
      if (!isWorthIt || tries === TRIES_MAX) throw error
      onRetry()
      await sleep(RETRY_MS)
    }
  }
}

/** The shared thread with the most to do. */
function busiestThread(runtime: Runtime): number | undefined {
  const running = runtime
    .inspect()
    .threads.filter(({ kind, state }) => kind === 'shared' && state === 'running')
  return running.sort((a, b) => b.depth - a.depth)[0]?.id
}

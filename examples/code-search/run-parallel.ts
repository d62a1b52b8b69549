/**
 * Indexes with a pool of actors on all threads, into the keyspace.
 *
 * A router spreads the batches, and then the parts, over the indexers, and replaces those that die with their
 * thread. Each lane asks for one thing after the other; there are a few more lanes than threads, so that a
 * thread that answers has its next message in its mailbox already. An ask whose actor, thread or shard is
 * gone is asked again: every step sets the same keys to the same values, so that twice is the same as once.
 *
 * A thread that is lost takes with it what its shard of the keyspace held, since that is memory and nothing
 * else. So the keys are counted in the end, and what is not there is made once more.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ActorRouter, type Runtime, ShardloomError } from 'shardloom'
import { type BatchReport, type BatchRequest, keysOfBatch, type MergeReport } from './index-steps.ts'
import { INDEX_KEY, partKey } from './index-store.ts'
import type { indexer } from './indexer.ts'
import { measureLoopDelay } from './loop-delay.ts'
import { PARTS } from './parts.ts'
import { Progress } from './progress.ts'
import { bytesOf, countOfThreads, type Job, type RunResult, requestsOf, sampleOf, totalsOf } from './run.ts'
import { type IndexTotals, SearchIndex } from './search-index.ts'

const LANES_PER_THREAD = 3
const TRIES_MAX = 50
const ROUNDS_MAX = 5
const RETRY_MS = 50
const ASK_TIMEOUT_MS = 120_000
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
  /** How long the pool took to start. */
  readonly startUpMs: number
  /** Of `elapsedMs`, how long the merge took. */
  readonly mergeMs: number
  /** What was asked for again, because who was asked was gone. */
  readonly retries: number
  /** Batches that were indexed again, because a shard was lost with what they had made. */
  readonly repeats: number
  readonly killedThread: number | undefined
}

/** Indexes everything on the threads of a runtime that has a keyspace. */
export async function indexParallel(
  runtime: Runtime,
  job: Job,
  options: ParallelOptions,
): Promise<ParallelResult> {
  const startMs = performance.now()
  const pool = await runtime.router<typeof indexer>(new URL('./indexer.js', import.meta.url), {
    size: options.threads,
    strategy: 'least_mailbox',
    args: sampleOf(job),
  })
  const startUpMs = performance.now() - startMs
  const run = new ParallelRun(runtime, pool, job, options)
  try {
    return { ...(await run.start()), startUpMs }
  } finally {
    await pool.stop()
  }
}

/** One run over all batches. */
class ParallelRun {
  readonly #runtime: Runtime
  readonly #pool: IndexerPool
  readonly #job: Job
  readonly #options: ParallelOptions
  readonly #requests: readonly BatchRequest[]
  readonly #reports: BatchReport[] = []
  readonly #progress: Progress
  #retries = 0
  #killedThread: number | undefined
  #killing: Promise<unknown> | undefined

  constructor(runtime: Runtime, pool: IndexerPool, job: Job, options: ParallelOptions) {
    this.#runtime = runtime
    this.#pool = pool
    this.#job = job
    this.#options = options
    this.#requests = requestsOf(job)
    this.#progress = new Progress(countOfThreads(options.threads), job.files)
  }

  async start(): Promise<Omit<ParallelResult, 'startUpMs'>> {
    const endLoopDelay = measureLoopDelay()
    const startMs = performance.now()
    let asked = 0
    let mergeMs = 0
    let totals: IndexTotals | undefined
    for (let round = 0; totals === undefined; round++) {
      if (round === ROUNDS_MAX) throw new Error('shards are lost faster than they can be filled')
      const missing = await this.#retrying(() => this.#missing())
      asked += missing.length
      await this.#inLanes(missing, (request) => this.#index(request))
      await this.#killing
      const mergeStartMs = performance.now()
      totals = await this.#merge()
      mergeMs = performance.now() - mergeStartMs
    }
    const elapsedMs = performance.now() - startMs
    this.#progress.end()
    return {
      index: await SearchIndex.open(this.#runtime.keyspace),
      elapsedMs,
      mergeMs,
      loopDelay: endLoopDelay(),
      retries: this.#retries,
      repeats: asked - this.#requests.length,
      killedThread: this.#killedThread,
    }
  }

  /** Batches of which something is not in the keyspace. */
  #missing(): BatchRequest[] {
    const { keyspace } = this.#runtime
    return this.#requests.filter((request) => !keysOfBatch(request).every((key) => keyspace.hasSync(key)))
  }

  async #index(request: BatchRequest): Promise<void> {
    const { batch } = request
    const isNew = this.#reports[batch] === undefined
    this.#reports[batch] = await this.#retrying(() =>
      this.#pool.ask('index', request, { timeoutMs: ASK_TIMEOUT_MS }),
    )
    if (!isNew) return
    const files = this.#job.batches[batch]!
    this.#progress.add(files.length, bytesOf(files))
    if (this.#options.chaos && this.#killedThread === undefined) this.#killAtHalf()
  }

  /** Merges all parts; undefined when something was lost meanwhile. */
  async #merge(): Promise<IndexTotals | undefined> {
    const { keyspace } = this.#runtime
    const batches = this.#requests.length
    const merges: (MergeReport | undefined)[] = []
    const parts = Array.from({ length: PARTS }, (_, part) => part)
    await this.#inLanes(parts, async (part) => {
      merges[part] = await this.#retrying(() =>
        this.#pool.ask('merge', { part, batches }, { timeoutMs: ASK_TIMEOUT_MS }),
      )
    })
    const done = merges.filter((merge) => merge !== undefined)
    if (done.length < PARTS) return undefined
    const totals = totalsOf(this.#job, this.#reports, done)
    await this.#retrying(() => keyspace.hash(INDEX_KEY).set({ ...totals }))
    const wanted = totals.terms + totals.files + PARTS * batches + 1
    if ((await this.#retrying(() => keyspace.size())) !== wanted) return undefined
    // The keys of one part are on one shard.
    await Promise.all(
      parts.map((part) => keyspace.delete(...this.#requests.map(({ batch }) => partKey(batch, part)))),
    )
    return totals
  }

  #killAtHalf(): void {
    const done = this.#reports.filter((report) => report !== undefined).length
    const all = this.#requests.length
    if (done * 2 < all) return
    const thread = busiestThread(this.#runtime)
    if (thread === undefined) return
    this.#killedThread = thread
    this.#progress.note(`chaos: killing thread ${thread} after ${done} of ${all} batches`)
    this.#killing = this.#runtime.killThread(thread)
  }

  /** Does all tasks, some at a time. */
  async #inLanes<Task>(tasks: readonly Task[], run: (task: Task) => Promise<void>): Promise<void> {
    const left = [...tasks].reverse()
    const lane = async (): Promise<void> => {
      for (let task = left.pop(); task !== undefined; task = left.pop()) await run(task)
    }
    await Promise.all(Array.from({ length: this.#options.threads * LANES_PER_THREAD }, lane))
  }

  /** Does it again when a thread, an actor or a shard was gone. */
  async #retrying<Answer>(action: () => Answer | Promise<Answer>): Promise<Answer> {
    for (let tries = 1; ; tries++) {
      try {
        return await action()
      } catch (error) {
        const isWorthIt = error instanceof ShardloomError && (error.retryable || GONE.has(error.code))
        if (!isWorthIt || tries === TRIES_MAX) throw error
        this.#retries++
        await sleep(RETRY_MS)
      }
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

/**
 * The subsystem `scheduler`: what is accepted and not yet written, and who works on it.
 *
 * Exactly once, here: `accept` resolves when the job is part of a checkpoint, which the runtime keeps outside
 * of this thread and gives to the next run; only then is the job handed out, so that nothing is written that
 * was not accepted. A job leaves when the writer has said that its line is on disk. A run that dies in
 * between leaves jobs to the next one that are done already: they are done again, and the writer, who knows
 * their ids, writes nothing. So accepting, solving and writing may each happen more than once, and be
 * retried without asking; one line per id comes of it.
 *
 * What survives is a crash of any thread. The end of the whole process ends the queue as well, not the file.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { defineSubsystem, type RemoteApi, type SubsystemContext } from 'shardloom'
import { type BridgeRef, remote } from './bridge.ts'
import type { Job } from './job.ts'
import { type Mischief, mischief } from './mischief.ts'
import { retryPolicyOf } from './retry-policy.ts'
import type { WorkerApi } from './worker.ts'
import type { WriterApi } from './writer.ts'

/** What the scheduler offers. */
export interface SchedulerApi extends Mischief {
  accept(job: Job): Promise<Acceptance>
  status(id: string): JobStatus
  stats(): SchedulerStats
}

/** Whether there was a place. */
export type Acceptance =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly retryAfterSeconds: number }

export type JobStatus = 'queued' | 'running' | 'done' | 'failed' | 'unknown'

/** What it has at the moment. */
export interface SchedulerStats {
  readonly open: number
  readonly queued: number
  readonly failed: number
  readonly places: number
}

/** What it is started with. */
export interface SchedulerArgs {
  readonly bridge: BridgeRef
  readonly workers: readonly string[]
  /** More open jobs than this, and new ones are refused. */
  readonly places: number
}

/** What the next run needs. */
interface SchedulerSnapshot {
  readonly open: readonly Job[]
  readonly failed: readonly string[]
}

interface OpenJob {
  readonly job: Job
  isRunning: boolean
  /** Resolves when it is part of a checkpoint. */
  kept: Promise<void>
}

/** Jobs at a time per worker: one that it computes, and one that waits there already. */
const LANES_PER_WORKER = 2
const CALL_MS = 10_000
const PAUSE_MS = 20
/** Ids of jobs that are done, for `status`; older ones are known to the writer. */
const DONE_MAX = 10_000
const RATE_JOBS = 50
const RETRY_AFTER_MAX = 5

export default defineSubsystem({
  name: 'scheduler',
  init: (ctx: SubsystemContext, args: SchedulerArgs, previous?: SchedulerSnapshot) =>
    new Scheduler(ctx, args, previous),
  idempotent: ['accept', 'status', 'stats'],
  snapshot: (scheduler) => scheduler.snapshot(),
  drain: (scheduler) => scheduler.drained,
  api: (scheduler): SchedulerApi => ({
    ...mischief(),
    accept: (job) => scheduler.accept(job),
    status: (id) => scheduler.status(id),
    stats: () => scheduler.stats(),
  }),
})

/** One run of the scheduler. */
class Scheduler {
  /** Resolves when nothing is under way any more, after the signal of the end. */
  readonly drained: Promise<void>
  readonly #ctx: SubsystemContext
  readonly #places: number
  readonly #writer: RemoteApi<WriterApi>
  readonly #open = new Map<string, OpenJob>()
  readonly #queue: OpenJob[] = []
  readonly #idle: ((job: OpenJob | undefined) => void)[] = []
  readonly #done = new Set<string>()
  readonly #failed: Set<string>
  readonly #doneAtMs: number[] = []
  #checkpoint: Promise<void> | undefined
  #nextCheckpoint: Promise<void> | undefined

  constructor(ctx: SubsystemContext, args: SchedulerArgs, previous: SchedulerSnapshot | undefined) {
    this.#ctx = ctx
    this.#places = args.places
    this.#failed = new Set(previous?.failed)
    this.#writer = remote<WriterApi>(args.bridge, 'writer', CALL_MS)
    for (const job of previous?.open ?? []) {
      const open = { job, isRunning: false, kept: Promise.resolve() }
      this.#open.set(job.id, open)
      this.#queue.push(open)
    }
    ctx.signal.addEventListener('abort', () => {
      for (const go of this.#idle.splice(0)) go(undefined)
    })
    const lanes = args.workers.flatMap((name) => {
      const worker = remote<WorkerApi>(args.bridge, name, CALL_MS)
      return Array.from({ length: LANES_PER_WORKER }, () => this.#work(worker))
    })
    this.drained = Promise.all(lanes).then(() => undefined)
  }

  async accept({ id, n }: Job): Promise<Acceptance> {
    if (this.#done.has(id)) return { accepted: true }
    const known = this.#open.get(id)
    if (known === undefined && this.#open.size >= this.#places) {
      return { accepted: false, retryAfterSeconds: this.#retryAfterSeconds() }
    }
    const open: OpenJob = known ?? { job: { id, n }, isRunning: false, kept: Promise.resolve() }
    if (known === undefined) {
      this.#open.set(id, open)
      open.kept = this.#keep()
      // Nobody works on a job that may be forgotten.
      open.kept.then(
        () => this.#offer(open),
        () => this.#open.delete(id),
      )
    }
    await open.kept
    this.#ctx.actor.counter('pipeline_accepted').add(known === undefined ? 1 : 0)
    return { accepted: true }
  }

  status(id: string): JobStatus {
    const open = this.#open.get(id)
    if (open !== undefined) return open.isRunning ? 'running' : 'queued'
    if (this.#failed.has(id)) return 'failed'
    return this.#done.has(id) ? 'done' : 'unknown'
  }

  stats(): SchedulerStats {
    const { size: open } = this.#open
    return { open, queued: this.#queue.length, failed: this.#failed.size, places: this.#places }
  }

  snapshot(): SchedulerSnapshot {
    return { open: [...this.#open.values()].map(({ job }) => job), failed: [...this.#failed] }
  }

  /** A checkpoint that was begun after now: those who come while one is under way share the next. */
  #keep(): Promise<void> {
    if (this.#checkpoint === undefined) {
      this.#checkpoint = this.#ctx.checkpoint().finally(() => {
        this.#checkpoint = undefined
      })
      return this.#checkpoint
    }
    this.#nextCheckpoint ??= this.#checkpoint
      .catch(() => undefined)
      .then(() => {
        this.#nextCheckpoint = undefined
        return this.#keep()
      })
    return this.#nextCheckpoint
  }

  #offer(open: OpenJob, isFirst = false): void {
    const go = this.#idle.shift()
    if (go !== undefined) go(open)
    else if (isFirst) this.#queue.unshift(open)
    else this.#queue.push(open)
  }

  /** The next job; undefined when this run comes to its end. */
  #next(): Promise<OpenJob | undefined> {
    if (this.#ctx.signal.aborted) return Promise.resolve(undefined)
    const open = this.#queue.shift()
    if (open !== undefined) return Promise.resolve(open)
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  async #work(worker: RemoteApi<WorkerApi>): Promise<void> {
    for (let open = await this.#next(); open !== undefined; open = await this.#next()) {
      open.isRunning = true
      try {
        const solution = await worker.solve(open.job.n)
        await this.#write(() => this.#writer.append({ ...open!.job, ...solution }))
        this.#finish(open.job.id)
      } catch (error) {
        open.isRunning = false
        if (!this.#mayRetry(error)) {
          this.#failed.add(open.job.id)
          this.#open.delete(open.job.id)
          continue
        }
        // First in line, for whichever worker is free.
        this.#offer(open, true)
        await sleep(PAUSE_MS)
      }
    }
  }

  async #write(append: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await append()
        return
      } catch (error) {
        // At the end of this run the job stays open, and is the next run's.
        if (this.#ctx.signal.aborted || !this.#mayRetry(error)) throw error
        await sleep(PAUSE_MS)
      }
    }
  }

  #mayRetry(error: unknown): boolean {
    const policy = retryPolicyOf(error)
    this.#ctx.actor.counter(`pipeline_retry_${policy}`).add(1)
    return policy !== 'never'
  }

  #finish(id: string): void {
    this.#open.delete(id)
    this.#done.add(id)
    if (this.#done.size > DONE_MAX) this.#done.delete(this.#done.values().next().value!)
    this.#doneAtMs.push(performance.now())
    if (this.#doneAtMs.length > RATE_JOBS) this.#doneAtMs.shift()
    // Not needed for anything but work: the next run shall not do it again.
    this.#keep().catch(() => undefined)
  }

  /** About as long as the open jobs take, by the speed of the last ones. */
  #retryAfterSeconds(): number {
    const [sinceMs] = this.#doneAtMs
    if (sinceMs === undefined) return 1
    const perSecond = (this.#doneAtMs.length * 1000) / (performance.now() - sinceMs + 1)
    const estimate = Math.ceil(this.#open.size / perSecond)
    return Math.min(Math.max(estimate, 1), RETRY_AFTER_MAX)
  }
}

/**
 * The pool of tasks: stateless work for the processor, on Piscina's threads, as a supervised child.
 *
 * Piscina keeps the threads; waiting is done here, by priority, with a limit: no more is handed to Piscina
 * than it has threads for. (With no thread kept idle, a task that waited in Piscina's own queue would stay
 * there when the thread before it died.) A task that is aborted while it runs costs its thread, and one that
 * takes its thread with it is lost, which is told apart from its own errors.
 *
 * Piscina's threads run `workers/task-main.ts`, which loads the task's module by our rules and sends its
 * errors whole. In a bundle that file is lost, and Piscina loads the module by itself.
 *
 * Invariants: (1) every task settles exactly once; (2) at most `threadsMax` are with Piscina; (3) within a
 * priority tasks begin in the order of their calls; (4) a task that has settled holds no listener and no
 * timer.
 * Tests: test/supervise/task-pool.race.test.ts
 */
import { addAbortListener, type Clock, ShardloomError, type TimerHandle, toError } from '../base/index.ts'
import { pack, rejectWithAskerStack, unpack, ValueCodec, withAskerStack } from '../codec/index.ts'
import type { TaskOrder, TaskReply } from '../runtime/index.ts'
import type { ChildDriver, RunningChild } from './child-spec.ts'
import { type TaskOptions, type TaskPoolOptions, taskOptions } from './task-options.ts'
import { QueueEntry, TaskQueue } from './task-queue.ts'

/** What has become of the tasks so far. Times in milliseconds. */
export interface TaskStats {
  readonly threads: number
  readonly running: number
  readonly queued: number
  /** Tasks that wait for a place in the queue: `whenFull: 'wait'`. */
  readonly waitingForPlace: number
  readonly completed: number
  readonly failed: number
  readonly aborted: number
  readonly timedOut: number
  readonly lost: number
  readonly waitMs: TaskTimes
  readonly runMs: TaskTimes
}

/** A spread of times. */
export interface TaskTimes {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Takes and shows times. */
export interface TimeRecorder {
  record(ms: number): void
  snapshot(): TaskTimes
}

/** What is used of Piscina. Its own types do not pass every check that users may have switched on. */
export interface TaskThreads {
  readonly threads: readonly unknown[]
  run(input: unknown, options: object): Promise<unknown>
  on(event: 'error', listener: (error: unknown) => void): unknown
  destroy(): Promise<void>
}

/** What a pool needs of its surroundings. */
export interface TaskPoolParts {
  readonly clock: Clock
  readonly options: Required<TaskPoolOptions>
  readonly waitMs: TimeRecorder
  readonly runMs: TimeRecorder
  /** The file that threads run tasks by; undefined in a bundle that has lost it. */
  readonly runner: string | undefined
  /** Makes the threads. Imported on demand, by whoever made the pool. */
  create(options: object): TaskThreads
}

type Loss = 'aborted' | 'timedOut'

/** A task from its call to its answer. */
class Task extends QueueEntry {
  readonly href: string
  readonly input: unknown
  readonly options: TaskOptions
  readonly calledMs: number
  startedMs: number | undefined
  timer: TimerHandle | undefined
  forgetSignal: (() => void) | undefined
  /** Ends its thread. Only tasks that may be given up have one. */
  controller: AbortController | undefined
  /** Why it was given up. */
  verdict: ShardloomError | undefined
  readonly #resolve: (value: unknown) => void

  constructor(
    call: { href: string; input: unknown; options: TaskOptions; priority: number; calledMs: number },
    resolve: (value: unknown) => void,
  ) {
    super(call.priority)
    this.href = call.href
    this.input = call.input
    this.options = call.options
    this.calledMs = call.calledMs
    this.#resolve = resolve
  }

  answer(value: unknown): void {
    this.#release()
    this.#resolve(value)
  }

  fail(error: Error): void {
    this.#release()
    rejectWithAskerStack(this.#resolve, (askerStack) => {
      withAskerStack(error, 'run from', askerStack)
      return error
    })
  }

  #release(): void {
    this.timer?.cancel()
    this.forgetSignal?.()
  }
}

/** Runs tasks. */
export class TaskPool implements ChildDriver {
  readonly #parts: TaskPoolParts
  readonly #waiting: TaskQueue<Task>
  readonly #codec = new ValueCodec()
  #piscina: TaskThreads | undefined
  #running = 0
  #isEnded = false
  #onIdle: (() => void) | undefined
  readonly #counts = { completed: 0, failed: 0, aborted: 0, timedOut: 0, lost: 0 }

  constructor(parts: TaskPoolParts) {
    this.#parts = parts
    this.#waiting = new TaskQueue(parts.options.queueMax)
  }

  async start(): Promise<RunningChild> {
    const { options, runner, create } = this.#parts
    const { threadsMax, idleMs } = options
    const filename = runner === undefined ? {} : { filename: runner, name: 'main' }
    const piscina = create({ minThreads: 0, maxThreads: threadsMax, idleTimeout: idleMs, ...filename })
    this.#piscina = piscina
    this.#isEnded = false
    let end: (error: Error | undefined) => void = () => undefined
    const ended = new Promise<Error | undefined>((resolve) => {
      end = resolve
    })
    const close = (error?: Error): void => {
      if (this.#piscina !== piscina) return
      this.#piscina = undefined
      if (error === undefined) this.end()
      void piscina.destroy().then(() => end(error))
    }
    piscina.on('error', (error: unknown) => close(toError(error)))
    this.#pump()
    return { ended, drain: () => this.#whenIdle(close), stop: () => close(), kill: () => close() }
  }

  /** Refuses what waits and what comes: nobody will start it again. */
  end(): void {
    this.#isEnded = true
    for (let task = this.#waiting.shift(); task !== undefined; task = this.#waiting.shift()) {
      task.fail(closed(task.href))
    }
  }

  /** Runs one task; see `runtime.run`. */
  run(href: string, input: unknown, options: TaskOptions): Promise<unknown> {
    const { priority, timeoutMs, whenFull } = taskOptions(options)
    const { signal } = options
    if (this.#isEnded) return Promise.reject(closed(href))
    if (signal?.aborted) return Promise.reject(aborted(href, signal))
    if (whenFull === 'reject' && this.#waiting.isFull && !this.#hasIdleThread()) {
      const details = { module: href, queued: this.#waiting.queued, queueMax: this.#parts.options.queueMax }
      return Promise.reject(new ShardloomError('SHL_TASK_QUEUE_FULL', details))
    }
    return new Promise((resolve) => {
      const { clock } = this.#parts
      const task = new Task({ href, input, options, priority, calledMs: clock.nowMs() }, resolve)
      if (signal !== undefined || timeoutMs > 0) task.controller = new AbortController()
      if (signal !== undefined) {
        const onAbort = () => this.#giveUp(task, 'aborted', aborted(href, signal))
        task.forgetSignal = addAbortListener(signal, onAbort)
      }
      if (timeoutMs > 0) {
        task.timer = clock.after(timeoutMs, () => this.#giveUp(task, 'timedOut', late(task, timeoutMs)))
      }
      this.#waiting.push(task)
      this.#pump()
    })
  }

  stats(): TaskStats {
    return {
      threads: this.#piscina?.threads.length ?? 0,
      running: this.#running,
      queued: this.#waiting.queued,
      waitingForPlace: this.#waiting.waitingForPlace,
      ...this.#counts,
      waitMs: this.#parts.waitMs.snapshot(),
      runMs: this.#parts.runMs.snapshot(),
    }
  }

  #hasIdleThread(): boolean {
    return this.#piscina !== undefined && this.#running < this.#parts.options.threadsMax
  }

  #pump(): void {
    while (this.#piscina !== undefined && this.#hasIdleThread()) {
      const task = this.#waiting.shift()
      if (task === undefined) return
      this.#runNow(this.#piscina, task)
    }
  }

  #runNow(piscina: TaskThreads, task: Task): void {
    const { clock, waitMs } = this.#parts
    this.#running++
    task.startedMs = clock.nowMs()
    waitMs.record(task.startedMs - task.calledMs)
    let sent: Promise<unknown>
    try {
      sent = this.#post(piscina, task)
    } catch (error) {
      sent = Promise.reject(toError(error))
    }
    void sent.then(
      (reply) => this.#done(task, () => this.#settle(task, reply)),
      (error: unknown) => this.#done(task, () => task.fail(this.#failure(piscina, task, toError(error)))),
    )
  }

  #done(task: Task, settle: () => void): void {
    const { clock, runMs } = this.#parts
    runMs.record(clock.nowMs() - (task.startedMs ?? 0))
    this.#running--
    // The next one first: its thread waits, whoever awaits this answer does not.
    this.#pump()
    // Given up while the answer was on its way: it is counted as that.
    if (task.verdict !== undefined) task.fail(task.verdict)
    else settle()
    if (this.#isIdle()) this.#onIdle?.()
  }

  #post(piscina: TaskThreads, { href, input, options, controller }: Task): Promise<unknown> {
    const { export: name = 'default', transfer = [] } = options
    const filename = this.#parts.runner === undefined ? { filename: href, name } : {}
    const signal = controller === undefined ? {} : { signal: controller.signal }
    const parcel = this.#parts.runner === undefined ? input : this.#orderOf(href, name, input, transfer)
    return piscina.run(parcel, { transferList: transfer, ...filename, ...signal })
  }

  #orderOf(href: string, name: string, input: unknown, transfer: readonly object[]): TaskOrder {
    return { href, name, ...pack(this.#codec, input, transfer, 'input') }
  }

  #settle(task: Task, reply: unknown): void {
    const { isFailure, ...parcel } =
      this.#parts.runner === undefined ? { value: reply } : (reply as TaskReply)
    let value: unknown
    try {
      value = unpack(this.#codec, parcel)
    } catch (error) {
      this.#counts.failed++
      task.fail(toError(error))
      return
    }
    this.#counts[isFailure ? 'failed' : 'completed']++
    if (isFailure) task.fail(toError(value))
    else task.answer(value)
  }

  /** What Piscina rejects with: what became of the thread, or, without a runner, a task's own error. */
  #failure(piscina: TaskThreads, task: Task, error: Error): Error {
    const { code } = error as { code?: unknown }
    const isCut = error.name === 'AbortError' || error.message === 'Terminating worker thread'
    if (isCut && this.#isEnded) return closed(task.href)
    if (code === 'SHL_VALUE_NOT_SENDABLE') {
      this.#counts.failed++
      return error
    }
    if (error.name === 'DataCloneError') {
      this.#counts.failed++
      const details = { path: 'input', what: `refused (${error.message})` }
      return new ShardloomError('SHL_VALUE_NOT_SENDABLE', details, { cause: error })
    }
    const isGone = /^worker exited with code/.test(error.message) || code === 'ERR_WORKER_OUT_OF_MEMORY'
    const isPoolGone = isCut && this.#piscina !== piscina
    if (this.#parts.runner === undefined && !isGone && !isPoolGone) {
      this.#counts.failed++
      return error
    }
    this.#counts.lost++
    return new ShardloomError('SHL_TASK_LOST', { module: task.href, reason: error.message }, { cause: error })
  }

  #giveUp(task: Task, count: Loss, verdict: ShardloomError): void {
    if (task.verdict !== undefined) return
    task.verdict = verdict
    this.#counts[count]++
    if (this.#waiting.remove(task)) {
      task.fail(verdict)
      if (this.#isIdle()) this.#onIdle?.()
    } else task.controller?.abort()
  }

  #isIdle(): boolean {
    return this.#running === 0 && this.#waiting.isEmpty
  }

  #whenIdle(task: () => void): void {
    if (this.#isIdle()) task()
    else this.#onIdle = task
  }
}

function aborted(module: string, signal: AbortSignal): ShardloomError {
  return new ShardloomError('SHL_TASK_ABORTED', { module }, { cause: signal.reason })
}

function late(task: Task, timeoutMs: number): ShardloomError {
  const phase =
    task.startedMs !== undefined ? 'running' : task.line?.hasPlaces ? 'queued' : 'waiting for a place'
  return new ShardloomError('SHL_TASK_TIMEOUT', { module: task.href, timeoutMs, phase })
}

function closed(module: string): ShardloomError {
  return new ShardloomError('SHL_TASK_POOL_CLOSED', { module })
}

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
import { type Clock, ShardloomError, type TimerHandle, toError } from '../base/index.ts'
import { pack, rejectWithAskerStack, unpack, ValueCodec, withAskerStack } from '../codec/index.ts'
import type { TaskOrder, TaskReply } from '../runtime/index.ts'
import type { ChildDriver, RunningChild } from './child-spec.ts'
import { SignalListeners } from './signal-listeners.ts'
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
  readonly #signals = new SignalListeners()
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
        this.#signals.add(signal, onAbort)
        task.forgetSignal = () => this.#signals.remove(signal, onAbort)
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
      void this.#runNow(this.#piscina, task)
    }
  }

  async #runNow(piscina: TaskThreads, task: Task): Promise<void> {
    const { clock, waitMs, runMs } = this.#parts
    this.#running++
    const startedMs = clock.nowMs()
    task.startedMs = startedMs
    waitMs.record(startedMs - task.calledMs)
    try {
      const reply = await this.#post(piscina, task)
      // Given up while the answer was on its way: it is counted as that, and was told so.
      if (task.verdict !== undefined) task.fail(task.verdict)
      else this.#settle(task, reply)
    } catch (error) {
      task.fail(task.verdict ?? this.#failure(piscina, task, toError(error)))
    }
    runMs.record(clock.nowMs() - startedMs)
    this.#running--
    this.#pump()
    if (this.#isIdle()) this.#onIdle?.()
  }

  async #post(piscina: TaskThreads, { href, input, options, controller }: Task): Promise<TaskReply> {
    const { export: name = 'default', transfer = [] } = options
    const signal = controller === undefined ? {} : { signal: controller.signal }
    if (this.#parts.runner === undefined) {
      const value = await piscina.run(input, { filename: href, name, transferList: transfer, ...signal })
      return { answer: { value } }
    }
    const order: TaskOrder = { href, name, input: pack(this.#codec, input, transfer, 'input') }
    return (await piscina.run(order, { transferList: transfer, ...signal })) as TaskReply
  }

  #settle(task: Task, { answer, failure }: TaskReply): void {
    if (failure === undefined) {
      const value = answer && unpack(this.#codec, answer)
      this.#counts.completed++
      task.answer(value)
    } else {
      const error = toError(unpack(this.#codec, failure))
      this.#counts.failed++
      task.fail(error)
    }
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

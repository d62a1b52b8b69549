/**
 * The pool of tasks: stateless work for the processor, on Piscina's threads, as a supervised child.
 *
 * Piscina keeps the threads; waiting is done here, by priority, with a limit: no more is handed to Piscina
 * than it has threads for. (With no thread kept idle, a task that waited in Piscina's own queue would stay
 * there when the thread before it died.) A task that is aborted while it runs costs its thread, and one that
 * takes its thread with it is lost, which is told apart from its own errors.
 *
 * Invariants: (1) every task settles exactly once; (2) at most `threadsMax` are with Piscina; (3) within a
 * priority tasks begin in the order of their calls. Tests: test/supervise/task-pool.race.test.ts
 */
import { type Clock, ShardloomError, type TimerHandle, toError } from '../base/index.ts'
import type { ChildDriver, RunningChild } from './child-spec.ts'
import { PRIORITY_MAX, type TaskOptions, type TaskPoolOptions, taskOptions } from './task-options.ts'

/** What has become of the tasks so far. Times in milliseconds. */
export interface TaskStats {
  readonly threads: number
  readonly running: number
  readonly queued: number
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
  /** Makes the threads. Imported on demand, by whoever made the pool. */
  create(options: object): TaskThreads
}

interface Task {
  readonly href: string
  readonly input: unknown
  readonly options: TaskOptions
  readonly priority: number
  readonly calledMs: number
  readonly controller: AbortController
  startedMs: number
  isRunning: boolean
  /** Why it was given up. */
  verdict: ShardloomError | undefined
  settle(error: Error | undefined, value?: unknown): void
}

/** Runs tasks. */
export class TaskPool implements ChildDriver {
  readonly #parts: TaskPoolParts
  readonly #waiting: Task[][] = Array.from({ length: PRIORITY_MAX + 1 }, () => [])
  #piscina: TaskThreads | undefined
  #running = 0
  #queued = 0
  #onIdle: (() => void) | undefined
  readonly #counts = { completed: 0, failed: 0, aborted: 0, timedOut: 0, lost: 0 }

  constructor(parts: TaskPoolParts) {
    this.#parts = parts
  }

  async start(): Promise<RunningChild> {
    const { threadsMax, idleMs } = this.#parts.options
    const piscina = this.#parts.create({ minThreads: 0, maxThreads: threadsMax, idleTimeout: idleMs })
    this.#piscina = piscina
    let end: (error: Error | undefined) => void = () => undefined
    const ended = new Promise<Error | undefined>((resolve) => {
      end = resolve
    })
    const close = (error?: Error): void => {
      if (this.#piscina !== piscina) return
      this.#piscina = undefined
      if (error === undefined) this.#rejectWaiting()
      void piscina.destroy().then(() => end(error))
    }
    piscina.on('error', (error: unknown) => close(toError(error)))
    this.#pump()
    return { ended, drain: () => this.#whenIdle(close), stop: () => close(), kill: () => close() }
  }

  /** Runs one task; see `runtime.run`. */
  run(href: string, input: unknown, options: TaskOptions): Promise<unknown> {
    const { priority, timeoutMs } = taskOptions(options)
    const { clock, options: limits } = this.#parts
    if (options.signal?.aborted) return Promise.reject(this.#aborted(href, options.signal))
    if (this.#queued >= limits.queueMax && this.#running >= limits.threadsMax) {
      const details = { module: href, queued: this.#queued, queueMax: limits.queueMax }
      return Promise.reject(new ShardloomError('SHL_TASK_QUEUE_FULL', details))
    }
    return new Promise((resolve, reject) => {
      let timer: TimerHandle | undefined
      const onAbort = (): void => this.#giveUp(task, this.#aborted(href, options.signal), 'aborted')
      const task: Task = {
        href,
        input,
        options,
        priority,
        calledMs: clock.nowMs(),
        controller: new AbortController(),
        startedMs: 0,
        isRunning: false,
        verdict: undefined,
        settle: (error, value) => {
          timer?.cancel()
          options.signal?.removeEventListener('abort', onAbort)
          if (error === undefined) resolve(value)
          else reject(error)
        },
      }
      options.signal?.addEventListener('abort', onAbort, { once: true })
      if (timeoutMs > 0) {
        const late = new ShardloomError('SHL_TASK_TIMEOUT', { module: href, timeoutMs })
        timer = clock.after(timeoutMs, () => this.#giveUp(task, late, 'timedOut'))
      }
      this.#waiting[priority]!.push(task)
      this.#queued++
      this.#pump()
    })
  }

  stats(): TaskStats {
    return {
      threads: this.#piscina?.threads.length ?? 0,
      running: this.#running,
      queued: this.#queued,
      ...this.#counts,
      waitMs: this.#parts.waitMs.snapshot(),
      runMs: this.#parts.runMs.snapshot(),
    }
  }

  #pump(): void {
    while (this.#piscina !== undefined && this.#running < this.#parts.options.threadsMax) {
      const task = this.#waiting.find((tasks) => tasks.length > 0)?.shift()
      if (task === undefined) return
      this.#queued--
      void this.#runNow(this.#piscina, task)
    }
  }

  async #runNow(piscina: TaskThreads, task: Task): Promise<void> {
    const { clock, waitMs, runMs } = this.#parts
    this.#running++
    task.isRunning = true
    task.startedMs = clock.nowMs()
    waitMs.record(task.startedMs - task.calledMs)
    const { export: name = 'default', transfer = [] } = task.options
    try {
      const value: unknown = await piscina.run(task.input, {
        filename: task.href,
        name,
        signal: task.controller.signal,
        transferList: transfer,
      })
      this.#counts.completed++
      task.settle(undefined, value)
    } catch (error) {
      task.settle(task.verdict ?? this.#failure(task, toError(error)))
    }
    runMs.record(clock.nowMs() - task.startedMs)
    this.#running--
    this.#pump()
    if (this.#running === 0 && this.#queued === 0) this.#onIdle?.()
  }

  /** A task's own error, or what became of its thread. */
  #failure(task: Task, error: Error): Error {
    const { code } = error as { code?: unknown }
    const isGone = /^worker exited with code/.test(error.message) || code === 'ERR_WORKER_OUT_OF_MEMORY'
    const isCut = error.name === 'AbortError' || error.message === 'Terminating worker thread'
    if (isCut && this.#piscina === undefined)
      return new ShardloomError('SHL_TASK_POOL_CLOSED', { module: task.href })
    if (!isGone) {
      this.#counts.failed++
      return error
    }
    this.#counts.lost++
    return new ShardloomError('SHL_TASK_LOST', { module: task.href, reason: error.message }, { cause: error })
  }

  #giveUp(task: Task, verdict: ShardloomError, count: 'aborted' | 'timedOut'): void {
    this.#counts[count]++
    task.verdict = verdict
    if (task.isRunning) {
      task.controller.abort()
      return
    }
    const tasks = this.#waiting[task.priority]!
    const index = tasks.indexOf(task)
    if (index === -1) return
    tasks.splice(index, 1)
    this.#queued--
    task.settle(verdict)
  }

  #aborted(href: string, signal: AbortSignal | undefined): ShardloomError {
    return new ShardloomError('SHL_TASK_ABORTED', { module: href }, { cause: signal?.reason })
  }

  #whenIdle(task: () => void): void {
    if (this.#running === 0 && this.#queued === 0) task()
    else this.#onIdle = task
  }

  #rejectWaiting(): void {
    this.#queued = 0
    for (const tasks of this.#waiting) {
      for (const task of tasks.splice(0)) {
        task.settle(new ShardloomError('SHL_TASK_POOL_CLOSED', { module: task.href }))
      }
    }
  }
}

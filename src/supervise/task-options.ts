/**
 * Options of tasks and of their pool. Tests: test/supervise/task-pool.race.test.ts
 */
import { checkKnownOptions, choiceOption, numberOption } from '../base/index.ts'

/** Options of `runtime.run`. */
export interface TaskOptions {
  /** Which export of the module is the task. Default: `default`. */
  readonly export?: string
  /** Aborting rejects the task: if it still waits it never runs, if it runs its thread is ended. */
  readonly signal?: AbortSignal
  /** What moves to the task instead of being copied. */
  readonly transfer?: readonly object[]
  /** 0 (most urgent) to 3. Default 1. */
  readonly priority?: number
  /** From the call to the answer; beyond it the task is aborted. Default: none. */
  readonly timeoutMs?: number
  /**
   * What happens when as many tasks wait as may: `reject`, the default, or `wait` for a place, within
   * `timeoutMs` and `signal`, by priority and in order.
   */
  readonly whenFull?: WhenFull
}

/** Refused, or waited for. */
export type WhenFull = 'reject' | 'wait'

/** Options of the pool, given to `createRuntime` as `tasks`. */
export interface TaskPoolOptions {
  /** Default: the cores that the actors' threads leave over, at least 1. */
  readonly threadsMax?: number
  /** Tasks that may wait. Default 10,000. */
  readonly queueMax?: number
  /** How long an idle thread stays. Default 10,000 ms. */
  readonly idleMs?: number
}

const TASK_KEYS = ['export', 'signal', 'transfer', 'priority', 'timeoutMs', 'whenFull']
const POOL_KEYS = ['threadsMax', 'queueMax', 'idleMs']
const PRIORITY_DEFAULT = 1
const QUEUE_MAX = 10_000
const IDLE_MS = 10_000
const MS = { min: 1, max: 2 ** 31 - 1 }

/** Priorities are 0 to this. */
export const PRIORITY_MAX = 3

/** Options of a task that are always there. */
interface Checked {
  readonly priority: number
  /** 0: none. */
  readonly timeoutMs: number
  readonly whenFull: WhenFull
}

/** Checks the options of a task. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function taskOptions(options: TaskOptions): Checked {
  checkKnownOptions('run', options, TASK_KEYS)
  const range = { min: 0, max: PRIORITY_MAX, integer: true }
  return {
    priority: numberOption('priority', options.priority, PRIORITY_DEFAULT, range),
    timeoutMs: options.timeoutMs === undefined ? 0 : numberOption('timeoutMs', options.timeoutMs, 0, MS),
    whenFull: choiceOption('whenFull', options.whenFull, 'reject', ['reject', 'wait']),
  }
}

/** Checks the options of the pool. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function taskPoolOptions(options: TaskPoolOptions, spareCores: number): Required<TaskPoolOptions> {
  checkKnownOptions('tasks', options, POOL_KEYS)
  const count = { min: 1, max: 1024, integer: true }
  return {
    threadsMax: numberOption('tasks.threadsMax', options.threadsMax, Math.max(1, spareCores), count),
    queueMax: numberOption('tasks.queueMax', options.queueMax, QUEUE_MAX, {
      min: 0,
      max: 1e7,
      integer: true,
    }),
    idleMs: numberOption('tasks.idleMs', options.idleMs, IDLE_MS, MS),
  }
}

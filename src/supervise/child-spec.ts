/**
 * What a supervisor must know of a child: OTP's child specification, with deadlines, backoff and a decider.
 *
 * A child is anything that starts, runs and ends: it comes as a `ChildDriver`, so that the supervisor knows
 * neither actors nor threads. Tests: test/supervise/supervisor.test.ts
 */
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../base/index.ts'
import type { ChildLimits } from './child-machine.ts'
import { type Backoff, backoff, type ChildRow, type Directive, type RestartType } from './policy/index.ts'

/** How a child that runs is ended, and how its end is heard of. */
export interface RunningChild {
  /** Resolves once, when it has ended: with an error after an abnormal end. Never rejects. */
  readonly ended: Promise<Error | undefined>
  /** Finish what you have, take nothing new, then end. */
  drain(): void
  /** End soon. */
  stop(): void
  /** End at once. */
  kill(): void
}

/** Starts a child. */
export interface ChildDriver {
  /**
   * Resolves when it is ready; rejects when it cannot start. `signal` is aborted when it is no longer wanted:
   * what has been begun must then be taken back.
   */
  start(signal: AbortSignal): Promise<RunningChild>
}

/** Deadlines at a child's end. */
export interface ChildShutdown {
  /** For finishing what it has. 0: it is not drained. Default 0. */
  readonly drainMs?: number
  /** For ending when it is told to; then it is killed. 0: it is killed at once. Default 5000. */
  readonly stopMs?: number
  /** From the kill to its end; then it is lost. Default 2000. */
  readonly killMs?: number
}

/** A child. */
export interface ChildSpec {
  /** Its name among its siblings. */
  readonly id: string
  readonly driver: ChildDriver
  /** When it is restarted. Default `permanent`. */
  readonly restart?: RestartType
  /** Whether its end may shut the supervisor down: see `autoShutdown`. Default false. */
  readonly significant?: boolean
  /** How long it may take to be ready. Default 10,000 ms. */
  readonly startMs?: number
  readonly shutdown?: ChildShutdown
  readonly backoff?: Partial<Backoff>
  /** May say what follows from an error, against the type of the child. */
  readonly decide?: (error: Error) => Directive | undefined
}

const SPEC_KEYS = ['id', 'driver', 'restart', 'significant', 'startMs', 'shutdown', 'backoff', 'decide']
const RESTARTS = ['permanent', 'transient', 'temporary'] as const
const MS = { min: 0, max: 2 ** 31 - 1 }
const START_MS = 10_000
const STOP_MS = 5000
const KILL_MS = 2000

/** The child's row in the plan. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function childRow(spec: ChildSpec): ChildRow {
  if (typeof spec?.id !== 'string' || spec.id === '') invalidOption('child.id', spec?.id, 'a name')
  const where = `child ${spec.id}`
  checkKnownOptions(where, spec, SPEC_KEYS)
  if (typeof spec.driver?.start !== 'function') {
    invalidOption(`${where}: driver`, spec.driver, 'an object with a start function')
  }
  return {
    id: spec.id,
    restart: choiceOption(`${where}: restart`, spec.restart, 'permanent', RESTARTS),
    isSignificant: spec.significant === true,
    backoff: backoff(spec.backoff),
    status: 'down',
    attempt: 0,
    upSinceMs: -1,
  }
}

/** The child's deadlines. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function childLimits(spec: ChildSpec): ChildLimits {
  const shutdown = spec.shutdown ?? {}
  checkKnownOptions(`child ${spec.id}: shutdown`, shutdown, ['drainMs', 'stopMs', 'killMs'])
  return {
    startMs: numberOption(`child ${spec.id}: startMs`, spec.startMs, START_MS, MS),
    drainMs: numberOption(`child ${spec.id}: shutdown.drainMs`, shutdown.drainMs, 0, MS),
    stopMs: numberOption(`child ${spec.id}: shutdown.stopMs`, shutdown.stopMs, STOP_MS, MS),
    killMs: numberOption(`child ${spec.id}: shutdown.killMs`, shutdown.killMs, KILL_MS, MS),
  }
}

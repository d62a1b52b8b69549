/**
 * One child of a supervisor, joined to its driver: its life, its present run, its timer, and who waits for
 * it.
 *
 *     driver ─ ready, ended ─► ChildRunner ─► ChildLife ─► ChildRunner ─ start, stop, kill ─► driver
 *
 * A start that is no longer wanted is aborted, and has ended when the driver has taken back what it
 * had begun. A driver may be anybody's: what it throws or gives wrongly is the child's failure, or a deadline
 * that it misses, and never the supervisor's end.
 *
 * Invariants: (1) each start has one end; (2) a run that was given up is killed when it comes after all.
 * Tests: test/supervise/supervisor.test.ts
 */
import { type Clock, invalidOption, type TimerHandle, toError } from '../base/index.ts'
import { type ChildLife, type ChildPhase, type ChildStopMode, childLife, statusOf } from './child-machine.ts'
import { type ChildSpec, childLimits, type RunningChild } from './child-spec.ts'
import type { InspectedEvent } from './inspected-event.ts'
import type { ChildView } from './supervision-views.ts'

/** A promise that somebody holds. */
export interface Waiter {
  resolve(): void
  reject(error: Error): void
}

/** What a child needs of its supervisor. */
export interface ChildRunnerParts {
  readonly supervisor: string
  readonly clock: Clock
  inspect?(event: InspectedEvent): void
  /** A phase was entered. */
  report(child: ChildRunner, phase: ChildPhase, error: Error | undefined, overdue: readonly string[]): void
}

/** A child, from start to start. */
export class ChildRunner {
  readonly spec: ChildSpec
  lastError: Error | undefined = undefined
  /** How its last run ended, where that was abnormal. */
  endError: Error | undefined = undefined
  /** Whether it is killed instead of being stopped. */
  isBrutal = false
  /** Whether the plan has taken it up. */
  isPlanned = false
  readonly upWaiters: Waiter[] = []
  readonly downWaiters: Waiter[] = []
  readonly #clock: Clock
  readonly #life: ChildLife
  #run: RunningChild | undefined
  #starting: AbortController | undefined
  #timer: TimerHandle | undefined
  #starts = 0
  #nextRestartMs: number | undefined

  /** @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
  constructor(spec: ChildSpec, { supervisor, clock, inspect, report }: ChildRunnerParts) {
    this.spec = spec
    this.#clock = clock
    const effects = {
      start: () => this.#begin(),
      drain: () => this.#tell('drain'),
      stop: () => this.#end('stop'),
      kill: () => this.#end('kill'),
      arm: (delayMs: number) => this.#arm(delayMs),
      disarm: () => this.#timer?.cancel(),
      report: (phase: ChildPhase, error: Error | undefined, overdue: readonly string[]) => {
        this.#onPhase(phase, error)
        report(this, phase, error, overdue)
      },
    }
    this.#life = childLife(`${supervisor}/${spec.id}`, effects, childLimits(spec), inspect)
  }

  /** Starts it, now or after a delay. */
  start(delayMs: number): void {
    if (delayMs === 0) {
      this.#life.send({ type: 'start' })
      return
    }
    this.#nextRestartMs = this.#clock.nowMs() + delayMs
    this.#life.send({ type: 'wait', delayMs })
  }

  /** Ends it as its specification says. */
  stop(): void {
    const { drainMs = 0, stopMs } = this.spec.shutdown ?? {}
    const mode = this.isBrutal || stopMs === 0 ? 'kill' : drainMs > 0 ? 'drain' : 'stop'
    this.#life.send({ type: 'stop', mode })
  }

  kill(): void {
    this.#life.send({ type: 'stop', mode: 'kill' })
  }

  /** Ends it, and its end is a failure. */
  recycle(mode: ChildStopMode, error: Error): void {
    this.#life.send({ type: 'recycle', mode, error })
  }

  get view(): ChildView {
    return {
      id: this.spec.id,
      phase: this.#life.phase,
      restarts: Math.max(0, this.#starts - 1),
      lastError: this.lastError,
      nextRestartMs: this.#nextRestartMs,
    }
  }

  #onPhase(phase: ChildPhase, error: Error | undefined): void {
    if (error !== undefined) this.lastError = error
    if (statusOf(phase) === 'down') this.endError = error
    if (phase !== 'lost') return
    this.#run = undefined
    this.#starting = undefined
  }

  #arm(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.after(delayMs, () => this.#life.send({ type: 'time' }), { unref: true })
  }

  #begin(): void {
    const starting = new AbortController()
    this.#starting = starting
    this.#starts++
    this.endError = undefined
    this.#nextRestartMs = undefined
    const begin = async (): Promise<RunningChild> => {
      // Not within the machine's step: what starts may be a machine itself.
      await undefined
      starting.signal.throwIfAborted()
      return checkedRun(this.spec.id, await this.spec.driver.start(starting.signal))
    }
    begin().then(
      (run) => this.#onStarted(starting, run),
      (error: unknown) => this.#onNotStarted(starting, toError(error)),
    )
  }

  #onStarted(starting: AbortController, run: RunningChild): void {
    // Given up long ago, and perhaps replaced.
    if (this.#starting !== starting) return this.#attempt(() => run.kill())
    this.#starting = undefined
    this.#run = run
    run.ended.then(
      (error) => this.#onEnded(run, error),
      (error: unknown) => this.#onEnded(run, toError(error)),
    )
    if (starting.signal.aborted) this.#tell('kill')
    else this.#life.send({ type: 'ready' })
  }

  #onNotStarted(starting: AbortController, error: Error): void {
    if (this.#starting !== starting) return
    this.#starting = undefined
    // What it says after it was aborted is only that it was aborted.
    this.#life.send(starting.signal.aborted ? { type: 'ended' } : { type: 'ended', error })
  }

  #onEnded(run: RunningChild, error: Error | undefined): void {
    if (this.#run !== run) return
    this.#run = undefined
    this.#life.send({ type: 'ended', ...(error && { error }) })
  }

  #end(mode: 'stop' | 'kill'): void {
    if (this.#run === undefined) this.#starting?.abort()
    else this.#tell(mode)
  }

  #tell(mode: ChildStopMode): void {
    const run = this.#run
    if (run !== undefined) this.#attempt(() => run[mode]())
  }

  /** A driver that throws when it is told to end has not ended: the next deadline goes on from there. */
  #attempt(task: () => void): void {
    try {
      task()
    } catch (error) {
      this.lastError = toError(error)
    }
  }
}

function checkedRun(child: string, run: RunningChild): RunningChild {
  const methods = ['drain', 'stop', 'kill'] as const
  const isOne =
    typeof run?.ended?.then === 'function' && methods.every((name) => typeof run[name] === 'function')
  return isOne ? run : invalidOption(`child ${child}: driver.start()`, run, '{ ended, drain, stop, kill }')
}

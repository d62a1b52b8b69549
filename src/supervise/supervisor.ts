/**
 * A supervisor: starts its children in order, restarts those that fail within limits, stops them in reverse.
 *
 * The decisions are those of `supervisor-machine.ts`, the lives those of `child-machine.ts`; this file joins
 * them to drivers, timers and promises. Clock and randomness are injected.
 *
 *     driver ─ ready, ended ─► ChildLife ─ report ─► SupervisorLife ─ start, stop ─► ChildLife ─► driver
 *
 * A start that is no longer wanted is aborted and its result thrown away, so a child that was killed while it
 * started never counts as running. What does not end after all deadlines is lost: it stands in the report,
 * and its successor is started beside it.
 *
 * Invariants: (1) each start of a child has one end; (2) `start()` and `stop()` settle whatever children do.
 * Tests: test/supervise/supervisor.test.ts
 */
import {
  type Clock,
  checkKnownOptions,
  choiceOption,
  invalidOption,
  type Random,
  ShardloomError,
  type TimerHandle,
  toError,
} from '../base/index.ts'
import { type ChildLife, type ChildPhase, type ChildStopMode, childLife, statusOf } from './child-machine.ts'
import { type ChildSpec, childLimits, childRow, type RunningChild } from './child-spec.ts'
import type { InspectedEvent } from './inspected-event.ts'
import {
  type Plan,
  type PlanPhase,
  restartIntensity,
  restartsInWindow,
  strategyOption,
} from './policy/index.ts'
import type { StopReport, SupervisionEvent, SupervisorView } from './supervision-views.ts'
import { type SupervisorLife, supervisorLife } from './supervisor-machine.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

/** What a supervisor needs of its surroundings. */
export interface SupervisorParts {
  readonly clock: Clock
  readonly random: Random
  onEvent?(event: SupervisionEvent): void
  inspect?(event: InspectedEvent): void
}

const OPTION_KEYS = ['id', 'children', 'strategy', 'restarts', 'autoShutdown']
const SHUTDOWNS = ['never', 'any_significant', 'all_significant'] as const

/** A child and its present run. */
interface Child {
  readonly spec: ChildSpec
  readonly life: ChildLife
  run: RunningChild | undefined
  starting: AbortController | undefined
  timer: TimerHandle | undefined
  restarts: number
  lastError: Error | undefined
  nextRestartMs: number | undefined
  /** Whether it is killed instead of being stopped. */
  isBrutal: boolean
  /** Wait for it to be up, or to fail. */
  waiting: { resolve(): void; reject(error: Error): void }[]
}

/** Supervises children. */
export class Supervisor {
  readonly id: string
  /** Resolves when it has stopped or given up; never rejects. */
  readonly ended: Promise<StopReport>
  readonly #parts: SupervisorParts
  readonly #children = new Map<string, Child>()
  readonly #life: SupervisorLife
  readonly #overdue: { child: string; missed: readonly string[] }[] = []
  readonly #started: Promise<void>
  #resolveStarted: () => void = () => undefined
  #rejectStarted: (error: Error) => void = () => undefined
  #resolveEnded: (report: StopReport) => void = () => undefined

  /** @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
  constructor(options: SupervisorOptions, parts: SupervisorParts) {
    checkKnownOptions('supervisor', options, OPTION_KEYS)
    if (typeof options.id !== 'string' || options.id === '')
      invalidOption('supervisor.id', options.id, 'a name')
    this.id = options.id
    this.#parts = parts
    const specs = options.children ?? []
    const rows = specs.map(childRow)
    for (const spec of specs) this.#admit(spec)
    this.#started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve
      this.#rejectStarted = reject
    })
    // Whoever awaits `start` hears of it; whoever does not must not be killed by it.
    this.#started.catch(() => undefined)
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    const plan = {
      id: options.id,
      phase: 'idle' as const,
      strategy: strategyOption(options.strategy),
      autoShutdown: choiceOption('autoShutdown', options.autoShutdown, 'never', SHUTDOWNS),
      limit: restartIntensity(options.restarts),
      rows,
      batches: [],
      history: [],
      error: undefined,
    }
    const effects = {
      start: (id: string, delayMs: number) => this.#startChild(id, delayMs),
      stop: (id: string) => this.#stopChild(id),
      report: (phase: PlanPhase, plan: Plan) => this.#onPhase(phase, plan.error),
    }
    this.#life = supervisorLife(plan, effects, parts.inspect)
  }

  /** Starts all children in order. Rejects with the error of the one that could not start. */
  start(): Promise<void> {
    this.#life.send({ type: 'start' })
    return this.#started
  }

  /** Stops all children in the reverse order. */
  stop(): Promise<StopReport> {
    this.#life.send({ type: 'stop' })
    return this.ended
  }

  /** Kills all children, in the reverse order. */
  kill(): void {
    for (const child of this.#children.values()) child.isBrutal = true
    this.#life.send({ type: 'stop' })
    for (const { life } of this.#children.values()) life.send({ type: 'stop', mode: 'kill' })
  }

  /**
   * Adds a child and starts it, last in the order. Rejects with what kept it from starting; it is not a child
   * then. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_CHILD_EXISTS
   */
  add(spec: ChildSpec): Promise<void> {
    const row = childRow(spec)
    const child = this.#admit(spec)
    const phase = this.#life.plan.phase
    if (phase !== 'running' && phase !== 'starting') {
      this.#children.delete(spec.id)
      return Promise.reject(new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase }))
    }
    const up = this.#untilUp(child)
    this.#life.send({ type: 'add', row })
    return up
  }

  /** Stops a child and keeps it as one that is down. @throws SHL_CHILD_UNKNOWN */
  async stopChild(id: string): Promise<void> {
    const child = this.#child(id)
    this.#life.send({ type: 'down', id })
    await this.#untilDown(child)
  }

  /** Starts a child that is down, or stops and starts one that runs. @throws SHL_CHILD_UNKNOWN */
  restartChild(id: string): Promise<void> {
    const up = this.#untilUp(this.#child(id))
    this.#life.send({ type: 'up', id })
    return up
  }

  /** Stops a child and forgets it. @throws SHL_CHILD_UNKNOWN */
  async remove(id: string): Promise<void> {
    await this.stopChild(id)
    this.#life.send({ type: 'remove', id })
    this.#children.delete(id)
  }

  /** Replaces a child that is unhealthy: it is ended, and its end counts as a failure. */
  recycle(id: string, error: Error, mode: ChildStopMode = 'drain'): void {
    this.#child(id).life.send({ type: 'recycle', mode, error })
  }

  /** The whole state, as it is now. */
  view(): SupervisorView {
    const { phase, strategy, limit, history } = this.#life.plan
    const used = restartsInWindow(history, this.#parts.clock.nowMs(), limit).length
    return {
      id: this.id,
      phase,
      strategy,
      restartsLeft: Math.max(0, limit.intensity - used),
      children: [...this.#children.values()].map(({ spec, life, restarts, lastError, nextRestartMs }) => ({
        id: spec.id,
        phase: life.phase,
        restarts,
        lastError,
        nextRestartMs,
      })),
    }
  }

  #admit(spec: ChildSpec): Child {
    if (this.#children.has(spec.id)) {
      throw new ShardloomError('SHL_CHILD_EXISTS', { supervisor: this.id, child: spec.id })
    }
    const life = childLife(
      `${this.id}/${spec.id}`,
      {
        start: () => this.#run(child),
        drain: () => child.run?.drain(),
        stop: () => this.#end(child, false),
        kill: () => this.#end(child, true),
        arm: (delayMs) => this.#arm(child, delayMs),
        disarm: () => child.timer?.cancel(),
        report: (phase, error, overdue) => this.#onChild(child, phase, error, overdue),
      },
      childLimits(spec),
      this.#parts.inspect,
    )
    const child: Child = {
      spec,
      life,
      run: undefined,
      starting: undefined,
      timer: undefined,
      restarts: 0,
      lastError: undefined,
      nextRestartMs: undefined,
      isBrutal: false,
      waiting: [],
    }
    this.#children.set(spec.id, child)
    return child
  }

  #startChild(id: string, delayMs: number): void {
    const child = this.#child(id)
    if (child.lastError !== undefined) child.restarts++
    if (delayMs === 0) {
      child.life.send({ type: 'start' })
      return
    }
    child.nextRestartMs = this.#parts.clock.nowMs() + delayMs
    child.life.send({ type: 'wait', delayMs })
  }

  #stopChild(id: string): void {
    const { life, spec, isBrutal } = this.#child(id)
    const { drainMs = 0, stopMs } = spec.shutdown ?? {}
    const mode = isBrutal || stopMs === 0 ? 'kill' : drainMs > 0 ? 'drain' : 'stop'
    life.send({ type: 'stop', mode })
  }

  #arm(child: Child, delayMs: number): void {
    child.timer?.cancel()
    child.timer = this.#parts.clock.after(delayMs, () => child.life.send({ type: 'time' }), { unref: true })
  }

  /** Starts the driver. What comes of a start that was aborted meanwhile is thrown away. */
  #run(child: Child): void {
    const starting = new AbortController()
    child.starting = starting
    child.nextRestartMs = undefined
    const begin = async (): Promise<RunningChild> => {
      // Not within the machine's step: what starts may be a machine itself.
      await undefined
      return child.spec.driver.start(starting.signal)
    }
    begin().then(
      (run) => {
        if (child.starting !== starting || starting.signal.aborted) {
          run.kill()
          return
        }
        child.run = run
        child.starting = undefined
        void run.ended.then((error) => this.#onEnded(child, run, error))
        child.life.send({ type: 'ready' })
      },
      (error: unknown) => {
        if (child.starting !== starting) return
        child.starting = undefined
        child.life.send({ type: 'ended', error: toError(error) })
      },
    )
  }

  #end(child: Child, isKill: boolean): void {
    if (child.run !== undefined) {
      if (isKill) child.run.kill()
      else child.run.stop()
      return
    }
    // It has not started yet: once its start is aborted, nothing is left of it.
    const { starting } = child
    child.starting = undefined
    starting?.abort()
    child.life.send({ type: 'ended' })
  }

  #onEnded(child: Child, run: RunningChild, error: Error | undefined): void {
    if (child.run !== run) return
    child.run = undefined
    child.life.send({ type: 'ended', ...(error && { error }) })
  }

  #onChild(child: Child, phase: ChildPhase, error: Error | undefined, missed: readonly string[]): void {
    const { id } = child.spec
    const atMs = this.#parts.clock.nowMs()
    this.#emit({ type: 'child', supervisor: this.id, child: id, phase, ...(error && { error }), atMs })
    if (error !== undefined) child.lastError = error
    const status = statusOf(phase)
    if (status !== 'down') {
      this.#life.send({ type: 'changed', id, status, nowMs: atMs })
      if (status === 'up') this.#settle(child, undefined)
      return
    }
    if (missed.length > 0) this.#overdue.push({ child: id, missed })
    if (phase === 'lost') child.run = undefined
    const directive = error === undefined ? undefined : this.#decide(child, error)
    const draw = this.#parts.random.next()
    this.#life.send({ type: 'ended', id, error, directive, nowMs: atMs, draw })
    this.#settle(child, error ?? new ShardloomError('SHL_CHILD_START', { supervisor: this.id, child: id }))
    if (!this.#life.plan.rows.some((row) => row.id === id)) this.#children.delete(id)
  }

  #decide(child: Child, error: Error) {
    try {
      return child.spec.decide?.(error)
    } catch {
      // A decider that fails cannot decide: the type of the child does.
      return undefined
    }
  }

  #onPhase(phase: PlanPhase, error: Error | undefined): void {
    this.#emit({
      type: 'supervisor',
      supervisor: this.id,
      phase,
      ...(error && { error }),
      atMs: this.#parts.clock.nowMs(),
    })
    if (phase === 'running') this.#resolveStarted()
    if (phase !== 'stopped' && phase !== 'failed') return
    this.#rejectStarted(error ?? new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase }))
    this.#resolveEnded({ overdue: this.#overdue, error })
  }

  #untilUp(child: Child): Promise<void> {
    return new Promise((resolve, reject) => child.waiting.push({ resolve, reject }))
  }

  async #untilDown(child: Child): Promise<void> {
    while (statusOf(child.life.phase) !== 'down') {
      await this.#untilUp(child).catch(() => undefined)
    }
  }

  #settle(child: Child, error: Error | undefined): void {
    const { waiting } = child
    child.waiting = []
    for (const one of waiting) {
      if (error === undefined) one.resolve()
      else one.reject(error)
    }
  }

  #child(id: string): Child {
    const child = this.#children.get(id)
    if (child !== undefined) return child
    const children = [...this.#children.keys()].join(', ')
    throw new ShardloomError('SHL_CHILD_UNKNOWN', { supervisor: this.id, child: id, children })
  }

  #emit(event: SupervisionEvent): void {
    try {
      this.#parts.onEvent?.(event)
    } catch (error) {
      // A listener's error is the program's, and must not break a supervisor in the middle of a step.
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

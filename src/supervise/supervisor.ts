/**
 * A supervisor: starts its children in order, restarts those that fail within limits, stops them in reverse.
 *
 * The decisions are those of `supervisor-machine.ts`; this file joins them to the children and to the
 * promises of whoever waits. Clock and randomness are injected.
 *
 *     ChildRunner ─ report ─► SupervisorLife ─ start, stop ─► ChildRunner
 *
 * What does not end after all deadlines is lost: it stands in the report, and its successor is started beside
 * it. Of two wishes about one child the later one holds, and who had the earlier one is told.
 *
 * Invariants: `start()`, `stop()` and every wish about a child settle, whatever children do.
 * Tests: test/supervise/supervisor.test.ts
 */
import {
  type Clock,
  checkKnownOptions,
  choiceOption,
  invalidOption,
  type Random,
  ShardloomError,
} from '../base/index.ts'
import { type ChildPhase, type ChildStopMode, statusOf } from './child-machine.ts'
import { ChildRunner } from './child-runner.ts'
import { type ChildSpec, childRow } from './child-spec.ts'
import type { InspectedEvent } from './inspected-event.ts'
import {
  isWantedDown,
  isWantedUp,
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
  /** A child is no child any more: it was removed, was temporary and ended, or could not be added. */
  onForgotten?(id: string): void
}

const OPTION_KEYS = ['id', 'children', 'strategy', 'restarts', 'autoShutdown']
const SHUTDOWNS = ['never', 'any_significant', 'all_significant'] as const

/** Supervises children. */
export class Supervisor {
  readonly id: string
  /** Resolves when it has stopped or given up; never rejects. */
  readonly ended: Promise<StopReport>
  readonly #parts: SupervisorParts
  readonly #children = new Map<string, ChildRunner>()
  /** Children whose next end or readiness somebody waits for. */
  readonly #awaited = new Set<ChildRunner>()
  #plannedCount = 0
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
      start: (id: string, delayMs: number) => this.#child(id).start(delayMs),
      stop: (id: string) => this.#child(id).stop(),
      settled: (settled: Plan) => this.#onSettled(settled),
      report: (phase: PlanPhase, reported: Plan) => this.#onPhase(phase, reported),
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
    const children = [...this.#children.values()].reverse()
    for (const child of children) child.isBrutal = true
    this.#life.send({ type: 'stop' })
    for (const child of children) child.kill()
  }

  /** Whether there is such a child. */
  has(id: string): boolean {
    return this.#children.has(id)
  }

  /**
   * Adds a child and starts it, last in the order. Rejects with what kept it from starting; it is not a child
   * then. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_CHILD_EXISTS, SHL_SUPERVISOR_STOPPED
   */
  add(spec: ChildSpec): Promise<void> {
    const row = childRow(spec)
    const child = this.#admit(spec)
    if (!this.#isOpen()) {
      this.#children.delete(spec.id)
      return Promise.reject(this.#stoppedError())
    }
    const up = this.#untilUp(child)
    this.#life.send({ type: 'add', row })
    return up
  }

  /** Stops a child and keeps it as one that is down. @throws SHL_CHILD_UNKNOWN */
  stopChild(id: string): Promise<void> {
    const child = this.#child(id)
    const down = new Promise<void>((resolve, reject) => child.downWaiters.push({ resolve, reject }))
    this.#awaited.add(child)
    this.#life.send({ type: 'down', id })
    if (!this.#isOpen()) this.#onSettled(this.#life.plan)
    return down
  }

  /**
   * Starts a child that is down, or stops and starts one that runs. Rejects with what kept it from starting.
   * @throws SHL_CHILD_UNKNOWN, SHL_SUPERVISOR_STOPPED
   */
  restartChild(id: string): Promise<void> {
    const child = this.#child(id)
    if (!this.#isOpen()) return Promise.reject(this.#stoppedError())
    const up = this.#untilUp(child)
    this.#life.send({ type: 'up', id })
    return up
  }

  /** Stops a child and forgets it. @throws SHL_CHILD_UNKNOWN */
  async remove(id: string): Promise<void> {
    const child = this.#child(id)
    // Somebody may start it again meanwhile.
    while (this.#children.get(id) === child) {
      await this.stopChild(id)
      this.#life.send({ type: 'remove', id })
      if (!this.#isOpen()) return this.#forget(child)
    }
  }

  /** Replaces a child that is unhealthy: it is ended, and its end counts as a failure. */
  recycle(id: string, error: Error, mode: ChildStopMode = 'drain'): void {
    this.#child(id).recycle(mode, error)
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
      children: [...this.#children.values()].map((child) => child.view),
    }
  }

  #admit(spec: ChildSpec): ChildRunner {
    if (this.#children.has(spec.id)) {
      throw new ShardloomError('SHL_CHILD_EXISTS', { supervisor: this.id, child: spec.id })
    }
    const { clock, inspect } = this.#parts
    const child = new ChildRunner(spec, {
      supervisor: this.id,
      clock,
      report: (reporting, phase, error, missed) => this.#onChild(reporting, phase, error, missed),
      ...(inspect && { inspect }),
    })
    this.#children.set(spec.id, child)
    return child
  }

  #onChild(child: ChildRunner, phase: ChildPhase, error: Error | undefined, missed: readonly string[]): void {
    const { id } = child.spec
    const atMs = this.#parts.clock.nowMs()
    this.#emit({ type: 'child', supervisor: this.id, child: id, phase, ...(error && { error }), atMs })
    const status = statusOf(phase)
    if (status !== 'down') {
      this.#life.send({ type: 'changed', id, status, nowMs: atMs })
      return
    }
    if (missed.length > 0) this.#overdue.push({ child: id, missed })
    const directive = error === undefined ? undefined : this.#decide(child, error)
    const draw = this.#parts.random.next()
    this.#life.send({ type: 'ended', id, error, directive, nowMs: atMs, draw })
    for (const waiter of child.downWaiters.splice(0)) waiter.resolve()
  }

  #decide(child: ChildRunner, error: Error) {
    try {
      return child.spec.decide?.(error)
    } catch {
      // A decider that fails cannot decide: the type of the child does.
      return undefined
    }
  }

  #onPhase(phase: PlanPhase, plan: Plan): void {
    const { error } = plan
    const atMs = this.#parts.clock.nowMs()
    this.#emit({ type: 'supervisor', supervisor: this.id, phase, ...(error && { error }), atMs })
    if (phase === 'running') this.#resolveStarted()
    if (phase !== 'stopped' && phase !== 'failed') return
    this.#onSettled(plan)
    this.#rejectStarted(error ?? this.#stoppedError(phase))
    this.#resolveEnded({ overdue: this.#overdue, error })
  }

  /** Settles who waits, and forgets children that the plan has forgotten. */
  #onSettled(plan: Plan): void {
    const isOver = plan.phase === 'stopped' || plan.phase === 'failed'
    for (const child of this.#awaited) this.#settle(child, plan, isOver)
    if (plan.rows.length === this.#plannedCount) return
    const ids = new Set(plan.rows.map((row) => row.id))
    for (const child of [...this.#children.values()]) {
      if (ids.has(child.spec.id)) child.isPlanned = true
      else if (child.isPlanned) this.#forget(child)
    }
    this.#plannedCount = plan.rows.length
  }

  #settle(child: ChildRunner, plan: Plan, isOver: boolean): void {
    const { id } = child.spec
    const status = plan.rows.find((row) => row.id === id)?.status
    if (status === 'up' && !isWantedDown(plan, id)) {
      for (const waiter of child.upWaiters.splice(0)) waiter.resolve()
    }
    const isDown = status === 'down' || (status === undefined && child.isPlanned)
    if (isDown && (isOver || !isWantedUp(plan, id))) {
      for (const waiter of child.upWaiters.splice(0)) waiter.reject(this.#notUpError(child, plan.phase))
      for (const waiter of child.downWaiters.splice(0)) waiter.resolve()
    }
    if (child.upWaiters.length + child.downWaiters.length === 0) this.#awaited.delete(child)
  }

  #notUpError(child: ChildRunner, phase: PlanPhase): Error {
    if (child.endError !== undefined) return child.endError
    if (phase !== 'running' && phase !== 'starting') return this.#stoppedError(phase)
    return new ShardloomError('SHL_CHILD_START', { supervisor: this.id, child: child.spec.id })
  }

  #forget(child: ChildRunner): void {
    const { id } = child.spec
    if (this.#children.get(id) !== child) return
    this.#children.delete(id)
    this.#parts.onForgotten?.(id)
  }

  #untilUp(child: ChildRunner): Promise<void> {
    this.#awaited.add(child)
    return new Promise((resolve, reject) => child.upWaiters.push({ resolve, reject }))
  }

  #isOpen(): boolean {
    const { phase } = this.#life.plan
    return phase === 'running' || phase === 'starting'
  }

  #stoppedError(phase = this.#life.plan.phase): ShardloomError {
    return new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase })
  }

  #child(id: string): ChildRunner {
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

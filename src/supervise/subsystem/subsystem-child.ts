/**
 * A subsystem as a child of its supervisor: runs one after the other, the state that goes from one to the
 * next, the gate before them, and the replacement of one version by another.
 *
 * A run ends in one of two ways. Asked to drain, it finishes its calls and hands over its snapshot; after a
 * failure the last snapshot that was kept is used, because a state that has failed is not trusted. Meanwhile
 * calls wait at the gate.
 *
 * A replacement (`reload`) is loaded on a new thread while the old run goes on; then calls wait, the old run
 * is drained, its snapshot migrated, the new one checked, and calls pass again. The old run stays, drained,
 * until the new one has passed its first checks; if it fails one, the old one goes on, with the newest
 * snapshot that it understands.
 *
 * A stop, a restart or the end of the old run in the middle of a replacement ends the replacement.
 *
 * Invariants: (1) at most one run is behind the gate; (2) `ended` is about the run that is responsible; (3) a
 * module is never given a snapshot of a version that it does not understand.
 * Source: Erlang's `code_change` and release upgrades; blue-green deployment.
 * Tests: test/supervise/subsystem/subsystem.race.test.ts,
 * test/supervise/subsystem/subsystem-child.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Clock, ShardloomError, toError } from '../../base/index.ts'
import { unlessAborted } from '../abortable.ts'
import type { ChildStopMode } from '../child-machine.ts'
import type { ChildDriver, RunningChild } from '../child-spec.ts'
import type { Hang } from '../watchdog.ts'
import { CallGate } from './call-gate.ts'
import {
  handBack,
  probation,
  type Reload,
  type ReloadOptions,
  type ReloadReport,
  refused,
  rolledBack,
} from './reload.ts'
import { type SubsystemInstance, type SubsystemRuntime, startInstance } from './subsystem-instance.ts'
import { SubsystemMonitor } from './subsystem-monitor.ts'
import type { SubsystemSettings } from './subsystem-options.ts'
import type { InitRequest, KeptSnapshot, NumberedSnapshot, SnapshotKeeper } from './subsystem-protocol.ts'

/** What a child needs of its surroundings. */
export interface SubsystemChildParts {
  readonly runtime: SubsystemRuntime
  readonly clock: Clock
  readonly settings: SubsystemSettings
  readonly keeper: ActorRef<SnapshotKeeper>
  /** The run must be replaced. */
  onFailure(instance: SubsystemInstance, error: Error, mode: ChildStopMode, hang: Hang | undefined): void
}

type Snapshot = InitRequest['previous']

/** Where a run comes from. */
interface Source {
  readonly module: URL
  readonly export: string | undefined
  readonly args: unknown
}

/** Runs a subsystem, again and again. */
export class SubsystemChild implements ChildDriver {
  readonly gate: CallGate<SubsystemInstance>
  /** How its last run ended, where that was abnormal. */
  lastError: Error | undefined = undefined
  readonly #parts: SubsystemChildParts
  #source: Source
  #runs = 0
  #snapshot: Snapshot
  #instance: SubsystemInstance | undefined
  #monitor: SubsystemMonitor | undefined
  #reload: Reload | undefined
  #settle: (error: Error | undefined) => void = () => undefined

  constructor(parts: SubsystemChildParts) {
    this.#parts = parts
    const { module, export: exported, args, name } = parts.settings
    this.#source = { module, export: exported, args }
    this.gate = new CallGate(name, parts.clock)
  }

  /** The run that is responsible. */
  get instance(): SubsystemInstance | undefined {
    return this.#instance
  }

  async start(signal: AbortSignal): Promise<RunningChild> {
    const instance = await this.#launch(this.#source, signal)
    await this.#init(instance, this.#source.args, this.#snapshot, signal)
    const ended = new Promise<Error | undefined>((resolve) => {
      this.#settle = resolve
    })
    this.#instance = instance
    this.#follow(instance)
    try {
      await unlessAborted(this.#watch(instance), signal)
    } catch (error) {
      instance.kill()
      throw error
    }
    this.gate.open(instance)
    return {
      ended,
      drain: () => void this.#drain(),
      stop: () => this.#end((one) => one.stop()),
      kill: () => this.#end((one) => one.kill()),
    }
  }

  /** A checkpoint of the subsystem has come. */
  keep({ run, ...snapshot }: KeptSnapshot): void {
    const instance = this.#instance
    // One that was on its way when its run was replaced is old.
    if (instance?.run === run) this.#adopt(instance, snapshot)
  }

  /** Nobody shall wait for it any more. */
  close(error: Error): void {
    this.gate.close(error)
  }

  /** Replaces the run by another version; rejects when that was rolled back, or could not begin. */
  async reload(
    options: Required<Pick<ReloadOptions, 'checks' | 'everyMs'>> & ReloadOptions,
  ): Promise<ReloadReport> {
    const { name } = this.#parts.settings
    const old = this.#instance
    if (this.#reload !== undefined) throw refused(name, 'another reload is under way')
    if (old === undefined || this.gate.target !== old) throw refused(name, 'it does not run at the moment')
    const reload: Reload = {
      old,
      next: undefined,
      given: new AbortController(),
      phase: 'loading',
      handover: undefined,
      newest: undefined,
    }
    this.#reload = reload
    try {
      return await this.#replace(reload, options)
    } catch (error) {
      const cause = await this.#rollBack(reload, toError(error))
      throw rolledBack(name, cause)
    } finally {
      this.#reload = undefined
    }
  }

  async #replace(
    reload: Reload,
    options: Required<Pick<ReloadOptions, 'checks' | 'everyMs'>> & ReloadOptions,
  ): Promise<ReloadReport> {
    const { clock, settings } = this.#parts
    const { old, given } = reload
    const source = this.#nextSource(options)
    const next = await this.#launch(source, given.signal)
    reload.next = next
    const pausedSinceMs = clock.nowMs()
    await this.#takeOver(reload, next, source)
    const pausedMs = clock.nowMs() - pausedSinceMs
    const checkMs = settings.health?.timeoutMs ?? settings.startMs
    const { checks, everyMs } = options
    await unlessAborted(probation(next, clock, { checks, everyMs, checkMs }), given.signal)
    this.#source = source
    this.#snapshot = reload.newest ?? reload.handover
    next.fallback = undefined
    this.#reload = undefined
    old.stopWithin(this.#parts.settings.shutdown.stopMs)
    await this.#watch(next)
    return { fromVersion: old.answer.version, toVersion: next.answer.version, checks: checks + 1, pausedMs }
  }

  #nextSource(options: ReloadOptions): Source {
    const module = new URL(options.module ?? this.#source.module)
    // Threads that stay would give the module that they have: its URL must be another one there.
    if (this.#parts.settings.placement !== 'dedicated') module.searchParams.set('reload', `${this.#runs + 1}`)
    return {
      module,
      export: 'export' in options ? options.export : this.#source.export,
      args: 'args' in options ? options.args : this.#source.args,
    }
  }

  /** Calls wait; the old run finishes, its state goes over, the new one is checked, calls pass. */
  async #takeOver(reload: Reload, next: SubsystemInstance, source: Source): Promise<void> {
    const { settings } = this.#parts
    const { old, given } = reload
    const { drainMs } = settings.shutdown
    reload.phase = 'draining'
    this.gate.shut()
    // Watched meanwhile: it may hang in the last of its calls.
    await unlessAborted(old.drain(drainMs, true), given.signal)
    reload.handover = (await unlessAborted(old.snapshot(drainMs), given.signal)) ?? this.#snapshot
    this.#monitor?.close()
    await this.#init(next, source.args, reload.handover, given.signal)
    await unlessAborted(next.health(settings.health?.timeoutMs ?? settings.startMs), given.signal)
    reload.phase = 'taken'
    next.fallback = old.answer
    this.#snapshot = reload.handover
    this.#instance = next
    this.#follow(next)
    this.gate.open(next)
  }

  /** The old run goes on, with the newest state that it understands. Returns why. */
  async #rollBack(reload: Reload, error: Error): Promise<Error> {
    const { old, next, given, phase } = reload
    const { settings, clock } = this.#parts
    // Somebody else decides already: what has taken over is his to end, and what has not is nobody's.
    if (given.signal.aborted) {
      if (phase === 'taken') old.stopWithin(settings.shutdown.stopMs)
      else next?.kill()
      return error
    }
    this.gate.shut()
    const cause = next !== undefined && saysGone(error) ? ((await next.endSoon(clock)) ?? error) : error
    const back =
      phase === 'taken' && next !== undefined ? await handBack(next, settings.shutdown.drainMs) : undefined
    if (given.signal.aborted) return cause
    next?.kill()
    this.#instance = old
    this.#snapshot = back ?? reload.handover ?? this.#snapshot
    if (old.isEnded) {
      this.#settle(await old.ended)
      return cause
    }
    try {
      if (phase !== 'loading') {
        await unlessAborted(old.resume(this.#snapshot, settings.startMs), given.signal)
      }
      await unlessAborted(this.#watch(old), given.signal)
      this.gate.open(old)
    } catch (failure) {
      // It cannot go on either: that is a failure like any other, and its supervisor's to decide.
      if (!given.signal.aborted) this.#parts.onFailure(old, toError(failure), 'kill', undefined)
    }
    return cause
  }

  #launch(source: Source, signal: AbortSignal): Promise<SubsystemInstance> {
    const { settings, runtime } = this.#parts
    const { name, placement, mailbox, limits } = settings
    const { resourceLimits } = limits
    const spawn = {
      placement,
      ...(source.export !== undefined && { export: source.export }),
      ...(mailbox !== undefined && { mailbox }),
      ...(resourceLimits !== undefined && { resourceLimits }),
    }
    return startInstance(runtime, { name, module: source.module, run: ++this.#runs, spawn }, signal)
  }

  async #init(
    instance: SubsystemInstance,
    args: unknown,
    previous: Snapshot,
    signal: AbortSignal,
  ): Promise<void> {
    const { settings, keeper } = this.#parts
    const { name, limits, startMs } = settings
    const words = instance.words.buffer as SharedArrayBuffer
    const { run } = instance
    try {
      const callMs = limits.messageMs
      await instance.init({ name, args, previous, run, words, keeper, callMs }, startMs, signal)
    } catch (error) {
      instance.kill()
      throw initError(name, error)
    }
  }

  /** Its end is the child's end, while it is the one that is responsible. */
  #follow(instance: SubsystemInstance): void {
    void instance.ended.then((error) => {
      if (this.#instance !== instance) return
      const reload = this.#reload
      // A reload sees the end of its candidate itself; the end of the old run is the end of the reload.
      if (reload?.next === instance && !reload.given.signal.aborted) return
      this.#interrupt('the run ended meanwhile')
      this.#monitor?.close()
      this.gate.shut()
      this.lastError = error ?? this.lastError
      this.#settle(error)
    })
  }

  async #watch(instance: SubsystemInstance): Promise<void> {
    const { runtime, clock, settings, onFailure } = this.#parts
    this.#monitor?.close()
    const monitor = new SubsystemMonitor(instance, {
      runtime,
      clock,
      settings,
      onSnapshot: (snapshot) => this.#adopt(instance, snapshot),
      onFailure: (error, mode, hang) => onFailure(instance, error, mode, hang),
    })
    this.#monitor = monitor
    await monitor.start()
  }

  /** Keeps a snapshot for the next start, if the version that is started then understands it. */
  #adopt(instance: SubsystemInstance, snapshot: NumberedSnapshot): void {
    if (snapshot.number <= instance.keptNumber) return
    instance.keptNumber = snapshot.number
    const { fallback } = instance
    if (this.#reload?.next === instance) this.#reload.newest = snapshot
    if (fallback !== undefined && !fallback.hasMigrate && fallback.version !== snapshot.version) return
    this.#snapshot = snapshot
  }

  /** Finishes its calls, hands over, ends. */
  async #drain(): Promise<void> {
    const { drainMs } = this.#parts.settings.shutdown
    this.#begin()
    const instance = this.#instance
    if (instance === undefined) return
    try {
      await instance.drain(drainMs)
      const snapshot = await instance.snapshot(drainMs)
      if (snapshot !== undefined) this.#adopt(instance, snapshot)
    } catch {
      // Its deadline is the supervisor's, and goes on from here.
      return
    }
    this.#end((one) => one.stop())
  }

  #end(end: (instance: SubsystemInstance) => void): void {
    this.#begin()
    const { old, next } = this.#reload ?? {}
    for (const one of new Set([this.#instance, old, next])) if (one !== undefined) end(one)
  }

  #begin(): void {
    this.#interrupt('it was stopped or restarted meanwhile')
    this.#monitor?.close()
    this.gate.shut()
  }

  #interrupt(why: string): void {
    this.#reload?.given.abort(refused(this.#parts.settings.name, why))
  }
}

/** Whether an error says only that somebody has ended, and not why. */
function saysGone({ code, cause }: Error & { code?: unknown }): boolean {
  const codes = [code, (cause as { code?: unknown } | undefined)?.code]
  return codes.some(
    (one) => one === 'SHL_ACTOR_STOPPED' || one === 'SHL_ACTOR_NOT_FOUND' || one === 'SHL_THREAD_LOST',
  )
}

/** What `init` threw, and not that it was thrown on another thread. */
function initError(subsystem: string, cause: unknown): ShardloomError {
  const code = (cause as { code?: unknown }).code
  if (code === 'SHL_ASK_ABORTED' || code === 'SHL_RELOAD_REFUSED') return cause as ShardloomError
  return new ShardloomError('SHL_SUBSYSTEM_INIT', { subsystem, why: toError(cause).message }, { cause })
}

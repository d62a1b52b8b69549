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
 * Invariants: (1) at most one run is behind the gate; (2) `ended` is about the run that is responsible.
 * Source: Erlang's `code_change` and release upgrades; blue-green deployment.
 * Tests: test/supervise/subsystem/subsystem.race.test.ts,
 * test/supervise/subsystem/subsystem-child.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Clock, ShardloomError, toError } from '../../base/index.ts'
import type { ChildStopMode } from '../child-machine.ts'
import type { ChildDriver, RunningChild } from '../child-spec.ts'
import type { Hang } from '../watchdog.ts'
import { CallGate } from './call-gate.ts'
import { type SubsystemInstance, type SubsystemRuntime, startInstance } from './subsystem-instance.ts'
import { SubsystemMonitor } from './subsystem-monitor.ts'
import type { SubsystemSettings } from './subsystem-options.ts'
import type { InitRequest, KeptSnapshot, SnapshotKeeper } from './subsystem-protocol.ts'

/** What a child needs of its surroundings. */
export interface SubsystemChildParts {
  readonly runtime: SubsystemRuntime
  readonly clock: Clock
  readonly settings: SubsystemSettings
  readonly keeper: ActorRef<SnapshotKeeper>
  onFailure(error: Error, mode: ChildStopMode, hang: Hang | undefined): void
}

/** How a replacement is tried out. */
export interface ReloadOptions {
  /** The new version. Default: the module as it is, loaded anew. */
  readonly module?: URL
  /** Which export of the module it is. Default: as before. */
  readonly export?: string
  readonly args?: unknown
  /** Health checks that it must pass after it has got calls, before the old version is let go. Default 3. */
  readonly checks?: number
  /** Between them. Default 1000. */
  readonly everyMs?: number
}

/** What became of a replacement. */
export interface ReloadReport {
  readonly fromVersion: number
  readonly toVersion: number
  /** Checks that it has passed. */
  readonly checks: number
  /** How long calls waited. */
  readonly pausedMs: number
}

/** Errors of a message to one that has ended. */
const GONE = new Set<unknown>([
  'SHL_ACTOR_STOPPED',
  'SHL_ACTOR_NOT_FOUND',
  'SHL_THREAD_LOST',
  'SHL_SUBSYSTEM_DOWN',
])

type Snapshot = InitRequest['previous']

/** Runs a subsystem, again and again. */
export class SubsystemChild implements ChildDriver {
  readonly gate: CallGate<SubsystemInstance>
  readonly #parts: SubsystemChildParts
  #module: URL
  #export: string | undefined
  #args: unknown
  #run = 0
  /** The run that has the state: only its checkpoints count. */
  #keptRun = 0
  #snapshot: Snapshot
  #instance: SubsystemInstance | undefined
  /** Beside the current one, during a replacement. */
  #other: SubsystemInstance | undefined
  #monitor: SubsystemMonitor | undefined
  #settle: (error: Error | undefined) => void = () => undefined
  #isEnding = false
  #isReloading = false

  constructor(parts: SubsystemChildParts) {
    this.#parts = parts
    this.#module = parts.settings.module
    this.#export = parts.settings.export
    this.#args = parts.settings.args
    this.gate = new CallGate(parts.settings.name, parts.clock)
  }

  get instance(): SubsystemInstance | undefined {
    return this.#instance
  }

  get module(): URL {
    return this.#module
  }

  async start(signal: AbortSignal): Promise<RunningChild> {
    const instance = await this.#launch(this.#module, this.#export, signal)
    const fresh: Snapshot = this.#snapshot
    await this.#init(instance, this.#args, fresh, signal)
    const ended = new Promise<Error | undefined>((resolve) => {
      this.#settle = resolve
    })
    this.#isEnding = false
    this.#instance = instance
    this.#follow(instance)
    await this.#watch(instance)
    if (!signal.aborted) this.gate.open(instance)
    return {
      ended,
      drain: () => void this.#drain(),
      stop: () => this.#end((one) => one.stop()),
      kill: () => this.#end((one) => one.kill()),
    }
  }

  /** A checkpoint of the subsystem has come. */
  keep({ run, value, version }: KeptSnapshot): void {
    // One that was on its way when its run was replaced is old.
    if (run === this.#keptRun) this.#snapshot = { value, version }
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
    if (this.#isReloading) throw refused(name, 'another reload is under way')
    if (old === undefined || this.gate.target === undefined)
      throw refused(name, 'it does not run at the moment')
    this.#isReloading = true
    try {
      return await this.#reload(old, options)
    } finally {
      this.#isReloading = false
    }
  }

  async #reload(
    old: SubsystemInstance,
    options: Required<Pick<ReloadOptions, 'checks' | 'everyMs'>> & ReloadOptions,
  ): Promise<ReloadReport> {
    const { clock } = this.#parts
    const module = options.module ?? this.#module
    const exported = 'export' in options ? options.export : this.#export
    const args = 'args' in options ? options.args : this.#args
    const given = new AbortController()
    let next: SubsystemInstance | undefined
    try {
      next = await this.#launch(module, exported, given.signal)
      this.#other = next
      const pausedSinceMs = clock.nowMs()
      await this.#takeOver(old, next, args, given.signal)
      const pausedMs = clock.nowMs() - pausedSinceMs
      await this.#probation(next, options)
      this.#module = module
      this.#export = exported
      this.#args = args
      this.#other = undefined
      old.stop()
      await this.#watch(next)
      const { version: toVersion } = next.answer
      return { fromVersion: old.answer.version, toVersion, checks: options.checks + 1, pausedMs }
    } catch (error) {
      // Why it ended says more than that it had ended. It may be either: the old one, too, can end meanwhile.
      const wasGone = GONE.has((error as { code?: unknown }).code)
      const ended = wasGone && next !== undefined ? await Promise.race([old.ended, next.ended]) : undefined
      const cause = ended ?? toError(error)
      await this.#rollBack(old, next)
      const details = { subsystem: this.#parts.settings.name, why: cause.message }
      throw new ShardloomError('SHL_RELOAD_ROLLED_BACK', details, { cause })
    }
  }

  /** Calls wait; the old run finishes, its state goes over, the new one is checked, calls pass. */
  async #takeOver(
    old: SubsystemInstance,
    next: SubsystemInstance,
    args: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const { settings } = this.#parts
    this.#monitor?.close()
    this.gate.shut()
    await old.drain(settings.shutdown.drainMs)
    this.#snapshot = (await old.snapshot(settings.shutdown.drainMs)) ?? this.#snapshot
    await this.#init(next, args, this.#snapshot, signal)
    await next.health(settings.health?.timeoutMs ?? settings.startMs)
    if (old.isEnded || this.#isEnding) throw refused(settings.name, 'it ended meanwhile')
    this.#instance = next
    this.#other = old
    this.#follow(next)
    this.gate.open(next)
  }

  async #probation(
    next: SubsystemInstance,
    { checks, everyMs }: { checks: number; everyMs: number },
  ): Promise<void> {
    const { clock, settings } = this.#parts
    for (let i = 0; i < checks; i++) {
      let stop = (): void => undefined
      const pause = new Promise<undefined>((resolve) => {
        const timer = clock.after(everyMs, () => resolve(undefined))
        stop = () => timer.cancel()
      })
      const died = await Promise.race([pause, next.ended.then((error) => error ?? true)])
      stop()
      if (died !== undefined || next.isEnded) {
        throw died instanceof Error ? died : refused(settings.name, 'it ended by itself')
      }
      await next.health(settings.health?.timeoutMs ?? settings.startMs)
    }
  }

  /** The old run goes on, with the newest state that it understands. */
  async #rollBack(old: SubsystemInstance, next: SubsystemInstance | undefined): Promise<void> {
    const { settings } = this.#parts
    const isDrained = this.gate.target !== old
    this.gate.shut()
    const handedBack = next === undefined ? undefined : await this.#handBack(old, next)
    next?.kill()
    this.#other = undefined
    if (this.#isEnding) return
    this.#instance = old
    this.#keptRun = old.run
    if (old.isEnded) {
      this.#settle(await old.ended)
      return
    }
    try {
      if (isDrained) await old.resume(handedBack ?? this.#snapshot, settings.startMs)
      await this.#watch(old)
      this.gate.open(old)
    } catch (error) {
      // It cannot go on either: that is a failure like any other, and its supervisor's to decide.
      this.#parts.onFailure(toError(error), 'kill', undefined)
    }
  }

  async #handBack(old: SubsystemInstance, next: SubsystemInstance): Promise<Snapshot> {
    const { hasMigrate, version } = old.answer
    if (this.#instance !== next || next.isEnded) return undefined
    const { drainMs } = this.#parts.settings.shutdown
    try {
      await next.drain(drainMs)
      const snapshot = await next.snapshot(drainMs)
      const isUnderstood = snapshot !== undefined && (hasMigrate || snapshot.version === version)
      return isUnderstood ? snapshot : undefined
    } catch {
      // It failed, after all: what it had done since it took over is lost with it.
      return undefined
    }
  }

  #launch(module: URL, exported: string | undefined, signal: AbortSignal): Promise<SubsystemInstance> {
    const { settings, runtime } = this.#parts
    const { name, placement, mailbox, limits } = settings
    const { resourceLimits } = limits
    const run = ++this.#run
    const spawn = {
      placement,
      ...(exported !== undefined && { export: exported }),
      ...(mailbox !== undefined && { mailbox }),
      ...(resourceLimits !== undefined && { resourceLimits }),
    }
    // Threads that stay would give the module that they have: its URL must be another one there.
    const url = new URL(module)
    if (placement !== 'dedicated' && this.#instance !== undefined && this.#isReloading) {
      url.searchParams.set('reload', String(run))
    }
    return startInstance(runtime, { name, run, module: url, spawn }, signal)
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
    this.#keptRun = run
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
      // A reload sees the end of its candidate itself.
      if (this.#isReloading && !this.#isEnding) return
      this.#monitor?.close()
      this.gate.shut()
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
      onSnapshot: (snapshot) => {
        this.#snapshot = snapshot
      },
      onFailure,
    })
    this.#monitor = monitor
    await monitor.start()
  }

  /** Finishes its calls, hands over, ends. */
  async #drain(): Promise<void> {
    const { shutdown } = this.#parts.settings
    this.#begin()
    const instance = this.#instance
    if (instance === undefined) return
    try {
      await instance.drain(shutdown.drainMs)
      this.#snapshot = (await instance.snapshot(shutdown.drainMs)) ?? this.#snapshot
      this.#end((one) => one.stop())
    } catch {
      // Its deadline is the supervisor's, and goes on from here.
    }
  }

  #end(end: (instance: SubsystemInstance) => void): void {
    this.#begin()
    if (this.#instance !== undefined) end(this.#instance)
    if (this.#other !== undefined && this.#other !== this.#instance) end(this.#other)
  }

  #begin(): void {
    this.#isEnding = true
    this.#monitor?.close()
    this.gate.shut()
  }
}

function refused(subsystem: string, why: string): ShardloomError {
  return new ShardloomError('SHL_RELOAD_REFUSED', { subsystem, why })
}

/** What `init` threw, and not that it was thrown on another thread. */
function initError(subsystem: string, cause: unknown): ShardloomError {
  const code = (cause as { code?: unknown }).code
  if (code === 'SHL_ASK_ABORTED') return cause as ShardloomError
  return new ShardloomError('SHL_SUBSYSTEM_INIT', { subsystem, why: toError(cause).message }, { cause })
}

/**
 * A subsystem, as the program that started it holds it. Tests:
 * test/supervise/subsystem/subsystem.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Clock, checkKnownOptions, invalidOption, numberOption } from '../../base/index.ts'
import type { ChildPhase } from '../child-machine.ts'
import type { ReloadOptions, ReloadReport } from './reload.ts'
import type { SubsystemChild } from './subsystem-child.ts'
import { type RemoteApi, remoteApi } from './subsystem-handle.ts'
import type { CallOptions, SubsystemInstance } from './subsystem-instance.ts'
import { SubsystemRestarted } from './subsystem-protocol.ts'

/** A subsystem as it is seen from outside. */
export interface SubsystemView {
  readonly name: string
  readonly phase: ChildPhase | 'given_up'
  readonly restarts: number
  /** Restarts that its window still allows. */
  readonly restartsLeft: number
  readonly nextRestartMs: number | undefined
  readonly lastError: Error | undefined
  /** How often it was recycled because of its memory. */
  readonly recycles: number
  readonly thread: number | undefined
  readonly version: number | undefined
  /** Calls under way, and calls that wait for it. */
  readonly calls: number
  readonly waitingCalls: number
  readonly dependsOn: readonly string[]
}

/** @internal What a subsystem needs of those that run it. */
export interface SubsystemParts {
  readonly child: SubsystemChild
  readonly clock: Clock
  readonly callMs: number
  hold<T>(task: Promise<T>): Promise<T>
  view(): SubsystemView
  restart(): Promise<void>
  stop(): Promise<void>
}

const MS = { min: 1, max: 2 ** 31 - 1 }

/** A subsystem. Made by `runtime.subsystem`. */
export class Subsystem<Api> {
  readonly name: string
  /**
   * What it offers. Calls go to whichever run there is, and wait while there is none. One that was under way
   * when its run died rejects with `SubsystemRestarted`.
   */
  readonly api: RemoteApi<Api>
  readonly #parts: SubsystemParts

  /** @internal */
  constructor(name: string, parts: SubsystemParts) {
    this.name = name
    this.#parts = parts
    this.api = this.with({})
  }

  /** The same interface, with a deadline or a signal for each call. @throws SHL_OPTION_INVALID */
  with(options: CallOptions): RemoteApi<Api> {
    checkKnownOptions('call', options, ['timeoutMs', 'signal'])
    const { hold, callMs } = this.#parts
    const timeoutMs = numberOption('timeoutMs', options.timeoutMs, callMs, MS)
    const { signal } = options
    return remoteApi<Api>((path, args) => hold(this.#call(path, args, timeoutMs, signal)))
  }

  async #call(
    path: readonly string[],
    args: readonly unknown[] | undefined,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<unknown> {
    const { clock, child } = this.#parts
    const endMs = clock.nowMs() + timeoutMs
    for (let leftMs = timeoutMs; ; leftMs = Math.max(1, endMs - clock.nowMs())) {
      let target: SubsystemInstance | undefined
      const make = (instance: SubsystemInstance, callMs: number): Promise<unknown> => {
        target = instance
        return instance.call(path, args, { timeoutMs: callMs, ...(signal && { signal }) })
      }
      try {
        return await child.gate.call(make, leftMs, signal)
      } catch (error) {
        if (!(error instanceof SubsystemRestarted)) throw error
        // Its run has ended, or is about to: whoever calls from here on waits for the next one. So does this
        // call, if it was never sent.
        child.gate.shut(target)
        if (!wasRefused(error)) throw error
      }
    }
  }

  /** Resolves when calls pass; rejects with SHL_CHILD_NOT_UP, or when it will not come up any more. */
  async ready(options: CallOptions = {}): Promise<void> {
    checkKnownOptions('ready', options, ['timeoutMs', 'signal'])
    const timeoutMs = numberOption('timeoutMs', options.timeoutMs, this.#parts.callMs, MS)
    await this.#parts.hold(this.#parts.child.gate.call(async () => undefined, timeoutMs, options.signal))
  }

  /** Its actor, as it runs now: for `runtime.sys`. Undefined while there is none. */
  get current(): ActorRef | undefined {
    const { instance } = this.#parts.child
    return instance?.isEnded === false ? instance.ref : undefined
  }

  /** What it is doing. */
  view(): SubsystemView {
    return this.#parts.view()
  }

  /** Drains it and starts it again, with its snapshot. */
  restart(): Promise<void> {
    return this.#parts.restart()
  }

  /**
   * Replaces it by another version of its module, on a new thread unless it is placed elsewhere: its state
   * goes over, and calls wait meanwhile. Rejects with SHL_RELOAD_ROLLED_BACK when the new version could not
   * be loaded, failed one of its first health checks, or crashed; the old one goes on then. Only a crash
   * loses calls: those that were under way.
   *
   * @throws SHL_RELOAD_REFUSED, SHL_RELOAD_ROLLED_BACK, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  async reload(options: ReloadOptions = {}): Promise<ReloadReport> {
    checkKnownOptions('reload', options, ['module', 'export', 'args', 'checks', 'everyMs'])
    const { module } = options as { module?: unknown }
    if (module !== undefined && !(module instanceof URL)) {
      invalidOption('module', module, "new URL('./x.js', import.meta.url)")
    }
    const checks = numberOption('checks', options.checks, 3, { min: 0, max: 1000, integer: true })
    const everyMs = numberOption('everyMs', options.everyMs, 1000, MS)
    return this.#parts.hold(this.#parts.child.reload({ ...options, checks, everyMs }))
  }

  /**
   * Drains and stops it, and forgets it.
   *
   * @throws SHL_SUBSYSTEM_IN_USE when others that run depend on it
   */
  stop(): Promise<void> {
    return this.#parts.stop()
  }
}

/** Whether a call was never sent, because its run takes no messages any more. */
function wasRefused({ cause }: SubsystemRestarted): boolean {
  return (cause as { code?: unknown } | undefined)?.code === 'SHL_ACTOR_NOT_FOUND'
}

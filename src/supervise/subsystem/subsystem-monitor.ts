/**
 * Watches one run of a subsystem: hangs, heartbeat, memory, health; and fetches its snapshots.
 *
 * What it finds it tells once; what follows is the supervisor's decision. Everything but health and snapshots
 * is read from shared memory, so that a thread that is stuck is seen as well.
 *
 * Tests: test/supervise/subsystem/subsystem-monitor.race.test.ts
 */
import { type Clock, ShardloomError, type TimerHandle, toError } from '../../base/index.ts'
import type { ChildStopMode } from '../child-machine.ts'
import { type Hang, hangError, Watchdog } from '../watchdog.ts'
import type { SubsystemInstance, SubsystemRuntime } from './subsystem-instance.ts'
import type { SubsystemSettings } from './subsystem-options.ts'
import type { NumberedSnapshot } from './subsystem-protocol.ts'

/** What a monitor needs, and whom it tells. */
export interface MonitorParts {
  readonly runtime: SubsystemRuntime
  readonly clock: Clock
  readonly settings: SubsystemSettings
  onSnapshot(snapshot: NumberedSnapshot): void
  /** It must be replaced; `hang` where it hangs. */
  onFailure(error: Error, mode: ChildStopMode, hang: Hang | undefined): void
}

const LOOKS_PER_BUDGET = 4
const LOOK_MIN_MS = 5
const MEMORY_LOOK_MS = 500

/** Watches one instance until it is closed. */
export class SubsystemMonitor {
  readonly #parts: MonitorParts
  readonly #instance: SubsystemInstance
  readonly #timers = new Map<string, TimerHandle>()
  #unwatch: (() => void) | undefined
  #isClosed = false
  #failures = 0

  constructor(instance: SubsystemInstance, parts: MonitorParts) {
    this.#instance = instance
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { settings, runtime } = this.#parts
    const { limits, health, snapshotEveryMs } = settings
    const { thread } = this.#instance.ref
    const { heartbeatMs } = limits
    if (heartbeatMs !== undefined && thread !== 0) {
      const lookMs = Math.max(LOOK_MIN_MS, heartbeatMs / LOOKS_PER_BUDGET)
      runtime.beatEvery(thread, lookMs)
      this.#every('heartbeat', lookMs, () => this.#lookAtHeartbeat(heartbeatMs))
    }
    if (limits.memory !== undefined) {
      if (thread !== 0) runtime.beatEvery(thread, MEMORY_LOOK_MS)
      this.#every('memory', MEMORY_LOOK_MS, () => this.#lookAtMemory())
    }
    if (health !== undefined) this.#every('health', health.everyMs, () => this.#checkHealth(health))
    if (snapshotEveryMs !== undefined) this.#every('snapshot', snapshotEveryMs, () => this.#fetchSnapshot())
    // Last, because it asks the thread, which may be stuck already.
    if (limits.messageMs !== undefined) await this.#watchMessages(limits.messageMs)
  }

  close(): void {
    this.#isClosed = true
    this.#unwatch?.()
    for (const timer of this.#timers.values()) timer.cancel()
  }

  /** Looks again and again; a look that takes long puts off the next one. */
  #every(what: string, periodMs: number, look: () => void | Promise<void>): void {
    const next = (): void => {
      if (this.#isClosed) return
      const run = async (): Promise<void> => {
        await look()
        next()
      }
      this.#timers.set(
        what,
        this.#parts.clock.after(periodMs, () => void run(), { unref: true }),
      )
    }
    next()
  }

  #fail(error: Error, mode: ChildStopMode, hang?: Hang): void {
    if (this.#isClosed) return
    this.close()
    this.#parts.onFailure(error, mode, hang)
  }

  async #watchMessages(messageMs: number): Promise<void> {
    const { runtime, clock } = this.#parts
    const watchdog = new Watchdog({
      clock,
      messageMs,
      timeMessages: (ref) => runtime.timeMessages(ref),
      messageUnderWay: (ref) => runtime.messageUnderWay(ref),
      onHang: (_ref, hang) => {
        const named = { ...hang, message: this.#instance.blockingMethod ?? hang.message }
        this.#fail(hangError(named, messageMs), 'kill', named)
      },
    })
    this.#unwatch = await watchdog.watch(this.#instance.ref)
    if (this.#isClosed) this.#unwatch()
  }

  #lookAtHeartbeat(heartbeatMs: number): void {
    const { ref, blockingMethod } = this.#instance
    const pulse = this.#parts.runtime.pulseOf(ref.thread)
    if (pulse === undefined || pulse.ageMs <= heartbeatMs) return
    const message = blockingMethod ?? '(outside of calls)'
    const hang = { actor: `${ref}`, thread: ref.thread, message, forMs: pulse.ageMs, isBlocking: true }
    this.#fail(hangError(hang, heartbeatMs), 'kill', hang)
  }

  #lookAtMemory(): void {
    const { ref, arenaBytes, name } = this.#instance
    const limits = this.#parts.settings.limits.memory ?? {}
    const held = this.#parts.runtime.pulseOf(ref.thread)?.memory
    const use = { ...held, arenaBytes } as Readonly<Record<string, number | undefined>>
    for (const [what, limit] of Object.entries(limits)) {
      const bytes = use[what]
      if (bytes === undefined || limit === undefined || bytes <= limit) continue
      const details = { subsystem: name, what, bytes, limit }
      return this.#fail(new ShardloomError('SHL_SUBSYSTEM_MEMORY', details), 'drain')
    }
  }

  async #checkHealth({ timeoutMs, failures }: { timeoutMs: number; failures: number }): Promise<void> {
    try {
      await this.#instance.health(timeoutMs)
      this.#failures = 0
    } catch (error) {
      this.#failures++
      if (this.#failures < failures || this.#instance.isEnded) return
      const isOverdue = (error as { code?: unknown }).code === 'SHL_ASK_TIMEOUT'
      const why = isOverdue ? `no answer within ${timeoutMs} ms` : toError(error).message
      const details = { subsystem: this.#instance.name, why }
      const failure = new ShardloomError('SHL_SUBSYSTEM_UNHEALTHY', details, { cause: error })
      // A state that is not well is not handed over.
      this.#fail(failure, isOverdue ? 'kill' : 'stop')
    }
  }

  async #fetchSnapshot(): Promise<void> {
    const { snapshotEveryMs = 0 } = this.#parts.settings
    try {
      const snapshot = await this.#instance.snapshot(snapshotEveryMs)
      if (snapshot !== undefined && !this.#isClosed) this.#parts.onSnapshot(snapshot)
    } catch {
      // The one before it stays.
    }
  }
}

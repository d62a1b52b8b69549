/** What a subsystem's definition says. Tests: test/supervise/subsystem/subsystem.race.test.ts */
import type { ActorContext, MailboxOptions } from '../../actor/index.ts'

/** What a subsystem knows of its surroundings. */
export interface SubsystemContext {
  readonly name: string
  /** The thread it lives on. */
  readonly thread: number
  /** Aborts when it shall come to its end: loops look at it, servers stop to accept. */
  readonly signal: AbortSignal
  /** It has failed: calls under way are rejected, and its supervisor decides what follows. */
  fail(error: Error): void
  /** Hands its snapshot over now, for the next start. Resolves when it is kept. */
  checkpoint(): Promise<void>
  /** Tells of bytes that it holds outside of V8: shared memory, arenas, native libraries. */
  holds(arenaBytes: number): void
  /** Its actor: children, timers, registry, metrics. */
  readonly actor: ActorContext
}

/** A subsystem's definition. `Api` is an object whose functions may be called from elsewhere. */
export interface SubsystemDefinition<State, Args, Api, Snapshot> {
  readonly name: string
  /** Of its snapshots: `migrate` is told which version wrote one. Default 1. */
  readonly version?: number
  /**
   * Makes the state, with what the former run has handed over, if there was one. It is ready when this is.
   */
  readonly init: (
    ctx: SubsystemContext,
    args: Args,
    previous: NoInfer<Snapshot> | undefined,
  ) => State | Promise<State>
  /** What others may call. */
  readonly api?: (state: NoInfer<State>, ctx: SubsystemContext) => Api
  /** What the next run needs to go on; must be sendable. */
  readonly snapshot?: (state: NoInfer<State>) => Snapshot | Promise<Snapshot>
  /** Turns the snapshot of another version into one of this version. */
  readonly migrate?: (old: never, from: { readonly version: number }) => NoInfer<Snapshot>
  /** Unhealthy when it throws, rejects, takes too long or gives `false`. */
  readonly health?: (state: NoInfer<State>) => unknown
  /** Finishes what it has begun by itself; calls are finished without it. */
  readonly drain?: (state: NoInfer<State>) => void | Promise<void>
  /** Gives back what it holds: runs before its end, unless it is killed. */
  readonly stop?: (state: NoInfer<State>) => void | Promise<void>
  /** Functions of the interface that may be called again though an earlier call may have taken effect. */
  readonly idempotent?: readonly string[]
  /** What `runtime.sys.state` shows of its state: here secrets are left out. Default: the state. */
  readonly formatState?: (state: NoInfer<State>) => unknown
  readonly mailbox?: MailboxOptions
  readonly stopTimeoutMs?: number
}

/** Any definition. */
// biome-ignore lint/suspicious/noExplicitAny: variance, as with actors.
export type AnySubsystemDefinition = SubsystemDefinition<any, any, any, any>

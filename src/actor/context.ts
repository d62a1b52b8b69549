/**
 * What a handler is given as its third argument: the actor's view of the runtime. Implemented by
 * `cell-context.ts`.
 */
import type { Counter, Gauge, Histogram } from '../memory/index.ts'
import type { ArgsOf, DefinitionShape, ReceiveOf } from './message-types.ts'
import type { ActorRef } from './ref.ts'
import type { Registry } from './registry-api.ts'
import type { SpawnOptions } from './spawn-options.ts'

/** Keyed timers: starting a key again replaces its timer; a cancelled timer's message is never handled. */
export interface ActorTimers {
  /** Sends `type` to this actor once, after `delayMs`. */
  once(key: string, delayMs: number, type: string, payload?: unknown): void
  /**
   * Sends `type` to this actor every `periodMs`; a period that finds the last message still waiting is
   * skipped.
   */
  every(key: string, periodMs: number, type: string, payload?: unknown): void
  cancel(key: string): void
  cancelAll(): void
  isActive(key: string): boolean
}

/** The context of the message being handled. */
export interface ActorContext {
  readonly self: ActorRef
  readonly name: string
  /** The id of the thread this actor lives on; 0 is the main thread. */
  readonly thread: number
  /** The type of the message being handled. */
  readonly type: string
  /** The actor that sent the message, when an actor did. */
  readonly sender: ActorRef | undefined
  /** Monotonic milliseconds at which nobody waits for the answer any more; 0 when nobody does. */
  readonly deadlineMs: number
  /** Milliseconds left until the deadline; Infinity when there is none. */
  readonly remainingMs: number
  /** Aborts when the asker gives up, its deadline passes, or the actor is stopped meanwhile. */
  readonly signal: AbortSignal
  /** The same as a question that a synchronous loop can ask: read from shared memory. */
  readonly cancelled: boolean
  readonly timers: ActorTimers
  readonly registry: Registry
  /**
   * Starts a child: it is stopped when this actor ends. A definition starts on this thread, a URL where
   * placed.
   */
  spawn<Args, Receive>(
    definition: DefinitionShape<Args, Receive>,
    options?: SpawnOptions<Args>,
  ): Promise<ActorRef<Receive>>
  spawn<D>(module: URL | string, options?: SpawnOptions<ArgsOf<D>>): Promise<ActorRef<ReceiveOf<D>>>
  /** Asks for the `terminated` signal of another actor; exactly one comes, also if it has ended already. */
  watch(ref: ActorRef): void
  unwatch(ref: ActorRef): void
  /** Shares fate: when one ends abnormally, so does the other. */
  link(ref: ActorRef): void
  unlink(ref: ActorRef): void
  /** Puts the message being handled aside, unanswered, until `unstashAll`. */
  stash(): void
  /** Puts all stashed messages back in front, in their order. */
  unstashAll(): void
  /** Ends this actor after the message being handled. With an error it counts as failed. */
  stop(error?: Error): void
  counter(name: string): Counter
  gauge(name: string): Gauge
  histogram(name: string): Histogram
}

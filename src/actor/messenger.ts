/** What a ref needs to send: implemented by the thread's outbox, so that refs know no threads. */
import type { ActorAddress } from './address.ts'
import type { TerminationReason } from './termination.ts'

/** Options of `tell`. */
export interface TellOptions {
  /** `ArrayBuffer`s, `MessagePort`s and streams in the payload that move instead of being copied. */
  readonly transfer?: readonly unknown[]
  /** 0 (most urgent) to 3. Default 1. */
  readonly priority?: number
}

/** Options of `offer`. */
export interface OfferOptions extends TellOptions {
  /** How long to wait for space. Default: the runtime's `timeouts.askMs`. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Options of `ask`. */
export interface AskOptions extends TellOptions {
  /**
   * Default: the runtime's `timeouts.askMs`, and never later than the deadline of the message being handled.
   */
  readonly timeoutMs?: number
  /** Aborting rejects the ask; if it still waits it never runs, if it runs its `ctx.signal` aborts. */
  readonly signal?: AbortSignal
}

/** Options of `stream`. */
export interface StreamOptions extends AskOptions {
  /**
   * Items that may be on their way before they are asked for. Default 1: the producer follows the consumer.
   */
  readonly window?: number
}

/** How to end an actor. */
export type StopMode = 'drain' | 'stop' | 'kill'

/** Options of `stop`. */
export interface StopOptions {
  /** `drain`: take nothing new, finish the mailbox. `stop` (default): finish this message. `kill`: now. */
  readonly mode?: StopMode
  /** After it the actor is killed. Default: the runtime's `timeouts.stopMs`. */
  readonly timeoutMs?: number
}

/** The actor on whose behalf a message is sent. */
export interface Owner extends ActorAddress {
  /** The deadline of the message it handles now, 0 when there is none. */
  readonly deadlineMs: number
  /** Told of each ask it makes, so that it can be cancelled with the message it serves. */
  onNestedAsk(slot: number, generation: number): void
}

/** Sends on behalf of refs. */
export interface Messenger {
  tell(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: TellOptions,
  ): boolean
  offer(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: OfferOptions,
  ): Promise<void>
  ask(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: AskOptions,
  ): Promise<unknown>
  stream(
    to: ActorAddress,
    owner: Owner | undefined,
    type: string,
    payload: unknown,
    options?: StreamOptions,
  ): AsyncIterableIterator<unknown>
  stop(to: ActorAddress, options?: StopOptions): Promise<TerminationReason>
  awaitEnd(to: ActorAddress): Promise<TerminationReason>
  depth(to: ActorAddress): number
}

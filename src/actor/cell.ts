/**
 * The cell of one actor: everything that its thread keeps about it. Only the thread's `ActorHost` writes it.
 * Tests: test/actor/lifecycle.race.test.ts
 */

import type { KeyedTimers } from './actor-timers.ts'
import type { ActorAddress } from './address.ts'
import type { CellContext } from './cell-context.ts'
import type { AnyActorDefinition } from './define-actor.ts'
import type { Dispatch } from './dispatch.ts'
import type { Envelope, Mailbox } from './mailbox.ts'
import type { MessageTiming } from './message-timing.ts'
import type { ServedStream } from './served-stream.ts'
import type { TerminationReason } from './termination.ts'

/** Where an actor is in its life. */
export const CELL_STARTING = 0
export const CELL_RUNNING = 1
export const CELL_ENDING = 2
export const CELL_ENDED = 3

/** How an actor was asked to end; the numbers travel in records. */
export const STOP_NONE = 0
export const STOP_DRAIN = 1
export const STOP_STOP = 2
export const STOP_KILL = 3

/** Why somebody is told of an actor's end. */
export const TELL_WATCHER = 0
export const TELL_PARENT = 1
export const TELL_LINKED = 2

/** Somebody to tell when the actor ends. */
export interface Watcher extends ActorAddress {
  readonly kind: number
}

/** A promise on some thread that waits for the end. */
export interface EndWaiter {
  readonly askThread: number
  readonly askSlot: number
  readonly askGeneration: number
}

/** One actor. Rarely used parts are made on first use: an idle actor stays under 1 KB. */
export class ActorCell implements ActorAddress {
  readonly thread: number
  readonly slot: number
  readonly generation: number
  readonly name: string
  readonly definition: AnyActorDefinition
  readonly args: unknown
  readonly depthMax: number
  readonly bytesMax: number
  readonly isDropOldest: boolean
  /** Takes messages while asynchronous handlers of earlier ones go on. */
  readonly isReentrant: boolean
  /** Hands its messages on, instead of handling them. */
  readonly dispatch: Dispatch | undefined
  /** Shows what it handles, and since when. */
  timing: MessageTiming | undefined = undefined
  state: unknown = undefined
  status = CELL_STARTING
  isBusy = false
  isQueued = false
  isTouched = false
  /** Grows when what runs asynchronously must no longer have an effect. */
  epoch = 0
  stopMode = STOP_NONE
  stopReason: TerminationReason | undefined = undefined
  releaseCount = 0
  releaseBytes = 0
  context: CellContext | undefined = undefined
  /** The messages being handled, of a reentrant actor. */
  inFlight: Map<Envelope, CellContext> | undefined = undefined
  mailbox: Mailbox | undefined = undefined
  stash: Envelope[] | undefined = undefined
  timers: KeyedTimers | undefined = undefined
  streams: Set<ServedStream> | undefined = undefined
  watchers: Watcher[] | undefined = undefined
  endWaiters: EndWaiter[] | undefined = undefined
  watching: Map<string, ActorAddress> | undefined = undefined
  linked: Map<string, ActorAddress> | undefined = undefined
  children: Map<string, ActorAddress> | undefined = undefined

  constructor(
    address: ActorAddress,
    definition: AnyActorDefinition,
    args: unknown,
    bounds: { depthMax: number; bytesMax: number; isDropOldest: boolean },
    dispatch: Dispatch | undefined,
  ) {
    this.thread = address.thread
    this.slot = address.slot
    this.generation = address.generation
    this.name = address.name
    this.definition = definition
    this.args = args
    this.depthMax = bounds.depthMax
    this.bytesMax = bounds.bytesMax
    this.isDropOldest = bounds.isDropOldest
    this.isReentrant = definition.reentrant === true
    this.dispatch = dispatch
  }
}

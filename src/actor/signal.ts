/** Signals: what the runtime tells an actor about the life of others. Source: Akka Typed. */
import type { ActorRef } from './ref.ts'
import type { TerminationReason } from './termination.ts'

/** A watched actor has ended. Delivered exactly once per watch, whatever way the actor or its thread went. */
export interface Terminated {
  readonly type: 'terminated'
  readonly ref: ActorRef
  readonly reason: TerminationReason
}

/** What `onSignal` receives. */
export type Signal = Terminated

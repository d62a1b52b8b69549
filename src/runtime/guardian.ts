/**
 * The guardian: the first actor of every thread. It starts the others when asked to, and stops them at the
 * end.
 *
 * It is an ordinary, reentrant actor: an `init` that takes long holds up nobody else.
 * Tests: test/actor/lifecycle.race.test.ts, test/runtime/close.race.test.ts
 */
import {
  type ActorAddress,
  type ActorRef,
  defineActor,
  FIRST_GENERATION,
  GUARDIAN_SLOT,
  type MailboxOptions,
  type SystemEvent,
  type ThreadLossCause,
  type ThreadResourceLimits,
  type TraceRecord,
} from '../actor/index.ts'
import { toError } from '../base/index.ts'
import { decodeError, type PlainError } from '../codec/index.ts'
import type { LinkEnds } from '../transport/index.ts'

/** A request to start an actor from a module. */
export interface SpawnRequest {
  readonly module: string
  readonly exportName: string | undefined
  readonly args: unknown
  readonly name: string | undefined
  readonly mailbox: MailboxOptions | undefined
  readonly placement: string | undefined
  /** Of the thread that is started for it. */
  readonly resourceLimits?: ThreadResourceLimits | undefined
}

/** An actor, as `sys.state` asks for it. */
export interface ActorQuestion {
  readonly slot: number
  readonly generation: number
  readonly withState: boolean
}

/** What a thread says about one of its actors. */
export interface ActorReport {
  readonly state: unknown
  readonly text: string
  readonly status: string
  readonly depth: number
  /** The message that it handles. */
  readonly message: string | undefined
  readonly isSuspended: boolean
}

/** What did not end in time. */
export interface CutReport {
  readonly thread: number
  readonly actor: string
  readonly what: string
}

/** What one thread says about itself. */
export interface ThreadReport {
  readonly actors: readonly { readonly address: string; readonly name: string; readonly depth: number }[]
  readonly heapUsedBytes: number
}

/** What the guardian does for its thread; implemented by `thread-services.ts`. */
export interface GuardianServices {
  /** Starts an actor here. */
  spawn(request: SpawnRequest, signal?: AbortSignal): Promise<ActorRef>
  /** Starts an actor wherever it belongs: the main thread's guardian only. */
  place(request: SpawnRequest, signal?: AbortSignal): Promise<ActorRef>
  stopAll(timeoutMs: number): Promise<CutReport[]>
  report(limit: number): ThreadReport
  /** Times the messages of an actor from now on; the names of its handlers, or nothing when it is gone. */
  time(actor: { slot: number; generation: number }): readonly string[] | undefined
  /** What an actor holds and does; nothing when it is gone. */
  actor(question: ActorQuestion): ActorReport | undefined
  /** Looks at the mailbox of an actor that was resumed. */
  wake(actor: { slot: number; generation: number }): void
  /** Beats at least so often. */
  beat(periodMs: number): void
}

/** The guardian's definition over its services. */
export function guardianActor(services: GuardianServices) {
  return defineActor({
    name: 'guardian',
    reentrant: true,
    mailbox: { depthMax: 1 << 20, bytesMax: 2 ** 31 - 1, policy: 'wait' },
    onError: () => 'resume',
    receive: {
      spawn: (_state, request: SpawnRequest, ctx) => services.spawn(request, ctx.signal),
      place: (_state, request: SpawnRequest, ctx) => services.place(request, ctx.signal),
      stopAll: (_state, timeoutMs: number) => services.stopAll(timeoutMs),
      report: (_state, limit: number) => services.report(limit),
      time: (_state, actor: { slot: number; generation: number }) => services.time(actor),
      actor: (_state, question: ActorQuestion) => services.actor(question),
      wake: (_state, actor: { slot: number; generation: number }) => services.wake(actor),
      beat: (_state, periodMs: number) => services.beat(periodMs),
    },
  })
}

/** Where a thread's guardian is: its first actor. */
export function guardianAddress(thread: number): ActorAddress {
  return { thread, slot: GUARDIAN_SLOT, generation: FIRST_GENERATION, name: 'guardian' }
}

/** Messages from the main thread to a worker, on the control port. */
export type ControlToWorker =
  | {
      readonly type: 'link'
      readonly thread: number
      readonly ends: LinkEnds
    }
  | {
      readonly type: 'thread_lost'
      readonly thread: number
      readonly cause: ThreadLossCause
      readonly error: PlainError | undefined
    }
  | { readonly type: 'exit' }

/** An event on its way: its error in a form that can always be posted. */
export type SentEvent = { readonly plain?: PlainError | undefined } & (
  | Extract<SystemEvent, { type: 'dead_letter' }>
  | { readonly type: 'trace'; readonly record: Omit<TraceRecord, 'error'> }
  | Omit<Extract<SystemEvent, { type: 'actor_failed' }>, 'error'>
  | Omit<Extract<SystemEvent, { type: 'hook_failed' }>, 'error'>
)

/** The event as it was before it was sent. */
export function receivedEvent({ plain, ...event }: SentEvent): SystemEvent {
  if (event.type === 'dead_letter') return event
  const error = plain === undefined ? undefined : decodeError(plain)
  if (event.type === 'trace') return { type: 'trace', record: { ...event.record, ...(error && { error }) } }
  return { ...event, error: error ?? toError(undefined) }
}

/** Messages from a worker to the main thread, on the control port. */
export type ControlToMain =
  | { readonly type: 'ready' }
  | { readonly type: 'event'; readonly event: SentEvent }
  | { readonly type: 'empty' }
  | { readonly type: 'stop_overdue'; readonly thread: number }

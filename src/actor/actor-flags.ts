/**
 * Suspension and tracing of one actor, as flags in shared memory: they take effect before the actor's next
 * message, also when its thread is stuck at the moment.
 *
 *     the actor's flags word:   messages still to be traced … | with payloads | suspended
 *
 * An actor whose word is 0 pays for one load per message.
 *
 * Writer: any thread sets and clears, always with a read-modify-write; the owner counts the traced messages
 * down, and clears the word when the slot gets another actor. Readers: the owner.
 * Invariants: (1) a flag that was set for one actor never stays with its successor: who sets it looks at the
 * generation again, and takes it back; (2) a trace ends by itself after its messages.
 * Source: OTP's `sys:suspend/1` and `sys:trace/2`. Tests: test/actor/actor-flags.test.ts,
 * test/runtime/sys.race.test.ts
 */
import * as wire from '../transport/index.ts'
import type { ActorCell } from './cell.ts'
import type { Envelope } from './mailbox.ts'

/** The actor takes no user messages. */
export const FLAG_SUSPENDED = 1
/** Traces show payloads. */
const FLAG_PAYLOADS = 2
/** One message to be traced. */
const TRACE_UNIT = 4
/** How many messages one request may trace. */
export const TRACE_MAX = 2 ** 28 - 1

type ActorTable = Pick<wire.ThreadMemory, 'actors'>

/** One step of a traced message. */
export interface TraceRecord {
  readonly actor: string
  readonly step: 'begin' | 'end'
  readonly message: string
  readonly kind: 'tell' | 'ask' | 'stream' | 'signal'
  /** Monotonic. */
  readonly atMs: number
  /** The text of the payload at `begin`, where it was asked for. */
  readonly payload?: string
  /** At `end`. */
  readonly durationMs?: number
  /** At `end` of a message that failed. */
  readonly error?: Error
}

/** Sets or clears the suspension. False when the actor is gone. */
export function setSuspended(table: ActorTable, slot: number, generation: number, isOn: boolean): boolean {
  const flags = slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS
  if (!isThere(table, slot, generation)) return false
  if (isOn) Atomics.or(table.actors, flags, FLAG_SUSPENDED)
  else Atomics.and(table.actors, flags, ~FLAG_SUSPENDED)
  if (isThere(table, slot, generation)) return true
  Atomics.and(table.actors, flags, ~FLAG_SUSPENDED)
  return false
}

/** Traces the next `count` messages; 0 ends a trace. False when the actor is gone. */
export function setTrace(
  table: ActorTable,
  slot: number,
  generation: number,
  count: number,
  withPayloads: boolean,
): boolean {
  const flags = slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS
  if (!isThere(table, slot, generation)) return false
  Atomics.and(table.actors, flags, FLAG_SUSPENDED)
  Atomics.or(table.actors, flags, count * TRACE_UNIT + (withPayloads ? FLAG_PAYLOADS : 0))
  if (isThere(table, slot, generation)) return true
  Atomics.and(table.actors, flags, FLAG_SUSPENDED)
  return false
}

/** Whether an actor is suspended. */
export function isSuspended({ actors }: ActorTable, slot: number): boolean {
  return (actors[slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS]! & FLAG_SUSPENDED) !== 0
}

/** The owner's side: which messages are traced, and since when. */
export class MessageTracer {
  readonly #table: ActorTable
  readonly #emit: (cell: ActorCell, envelope: Envelope, step: TraceStep) => void
  readonly #begun = new Map<Envelope, number>()

  constructor(table: ActorTable, emit: (cell: ActorCell, envelope: Envelope, step: TraceStep) => void) {
    this.#table = table
    this.#emit = emit
  }

  /** A message begins, of an actor whose word is not 0. */
  begin(cell: ActorCell, envelope: Envelope, nowMs: number): void {
    const word = cell.slot * wire.ACTOR_WORDS + wire.ACTOR_FLAGS
    const flags = Atomics.load(this.#table.actors, word)
    if (flags < TRACE_UNIT) return
    if (flags >= 2 * TRACE_UNIT) Atomics.sub(this.#table.actors, word, TRACE_UNIT)
    else Atomics.and(this.#table.actors, word, FLAG_SUSPENDED)
    this.#begun.set(envelope, nowMs)
    this.#emit(cell, envelope, { step: 'begin', showsPayload: (flags & FLAG_PAYLOADS) !== 0 })
  }

  /** A message has ended. */
  end(cell: ActorCell, envelope: Envelope, nowMs: number, error: Error | undefined): void {
    const beganMs = this.#begun.get(envelope)
    if (beganMs === undefined) return
    this.#begun.delete(envelope)
    this.#emit(cell, envelope, { step: 'end', durationMs: nowMs - beganMs, ...(error && { error }) })
  }

  /** Whether any traced message is under way. */
  get isActive(): boolean {
    return this.#begun.size > 0
  }
}

/** What a tracer tells of a step. */
export type TraceStep =
  | { readonly step: 'begin'; readonly showsPayload: boolean }
  | { readonly step: 'end'; readonly durationMs: number; readonly error?: Error }

function isThere({ actors }: ActorTable, slot: number, generation: number): boolean {
  return Atomics.load(actors, slot * wire.ACTOR_WORDS + wire.ACTOR_GENERATION) === generation
}

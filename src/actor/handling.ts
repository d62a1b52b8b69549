/**
 * Small questions about messages and their handlers, asked by the host.
 * Tests: test/actor/ask.race.test.ts, test/actor/handling.race.test.ts
 */
import { inspect } from 'node:util'
import * as wire from '../transport/index.ts'
import type { TraceRecord, TraceStep } from './actor-flags.ts'
import { formatAddress } from './address.ts'
import type { ActorCell } from './cell.ts'
import type { CellContext } from './cell-context.ts'
import type { AnyActorDefinition, ErrorInfo } from './define-actor.ts'
import type { Envelope } from './mailbox.ts'

type AnyHandler = (state: unknown, payload: unknown, context: CellContext) => unknown

/** Long payloads are cut where they are shown. */
const SHORT = { depth: 2, breakLength: 120, maxStringLength: 200, maxArrayLength: 10 }

/** The handler of a message type. */
export function handlerOf(definition: AnyActorDefinition, type: string): AnyHandler | undefined {
  const receive = definition.receive as Record<string, AnyHandler>
  // Own properties only: `constructor` is no message.
  return Object.hasOwn(receive, type) ? receive[type] : undefined
}

/** The iterator of what a handler returned, where it is one. */
export function iteratorOf(iterable: unknown): Iterator<unknown> | AsyncIterator<unknown> | undefined {
  if (typeof iterable !== 'object' || iterable === null) return undefined
  const source = iterable as Partial<AsyncIterable<unknown> & Iterable<unknown>>
  return source[Symbol.asyncIterator]?.() ?? source[Symbol.iterator]?.()
}

/** Whether a handler goes on after it has returned. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** Takes an ask out of what an actor has put aside. */
export function takeStashed(
  cell: ActorCell,
  thread: number,
  askSlot: number,
  askGeneration: number,
): Envelope | undefined {
  const index = cell.stash?.findIndex((envelope) => envelope.isAsk(thread, askSlot, askGeneration)) ?? -1
  return index === -1 ? undefined : cell.stash!.splice(index, 1)[0]
}

/** The key of a stream: the ask that opened it. */
export function streamKey(envelope: Envelope): string {
  return formatAddress(envelope.askThread, envelope.askSlot, envelope.askGeneration)
}

/** What a message is called where errors are decided upon. */
export function errorKind(kind: number): ErrorInfo['kind'] {
  if (kind === wire.KIND_ASK) return 'ask'
  if (kind === wire.KIND_STREAM_OPEN) return 'stream'
  return kind === wire.KIND_TERMINATED ? 'signal' : 'tell'
}

/** The contexts in which an actor handles messages now. */
export function contextsOf(cell: ActorCell | undefined): Iterable<CellContext> {
  if (cell === undefined) return []
  if (cell.isReentrant) return cell.inFlight?.values() ?? []
  return cell.context === undefined ? [] : [cell.context]
}

/** The context in which an ask is handled now. */
export function contextOfAsk(
  cell: ActorCell,
  thread: number,
  askSlot: number,
  askGeneration: number,
): CellContext | undefined {
  for (const context of contextsOf(cell)) {
    if (context.envelope?.isAsk(thread, askSlot, askGeneration) === true) return context
  }
  return undefined
}

function textOf(payload: unknown): string {
  try {
    return inspect(payload, SHORT)
  } catch {
    // It has its own idea of how it is shown, and that failed.
    return '[unprintable]'
  }
}

/** What a trace tells of a message. */
export function traceRecord(cell: ActorCell, envelope: Envelope, step: TraceStep, atMs: number): TraceRecord {
  const actor = `${cell.name}@${formatAddress(cell.thread, cell.slot, cell.generation)}`
  const record = { actor, message: envelope.type, kind: errorKind(envelope.kind), atMs }
  if (step.step === 'end') return { ...record, ...step }
  if (!step.showsPayload) return { ...record, step: 'begin' }
  return { ...record, step: 'begin', payload: textOf(envelope.payload) }
}

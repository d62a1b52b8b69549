/**
 * The streams that the actors of one thread serve: from the message that opens one to its end.
 *
 * A stream outlives the message that opens it, so it has a context of its own; its consumer pulls, cancels or
 * is lost with its thread.
 * Tests: test/actor/streams.race.test.ts
 */
import { toError } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import { formatAddress } from './address.ts'
import type { ActorCell } from './cell.ts'
import type { CellContext } from './cell-context.ts'
import { streamKey } from './handling.ts'
import type { Envelope } from './mailbox.ts'
import type { Outbox } from './outbox.ts'
import { ServedStream } from './served-stream.ts'

/** What serving needs of its thread. */
export interface StreamServerParts {
  readonly outbox: Outbox
  noteSettled(): void
  requestRun(): void
  find(slot: number, generation: number): ActorCell | undefined
}

/** Serves streams. */
export class StreamServer {
  readonly #parts: StreamServerParts
  readonly #streams = new Map<string, ServedStream>()
  #later: (() => void)[] = []

  constructor(parts: StreamServerParts) {
    this.#parts = parts
  }

  hasLater(): boolean {
    return this.#later.length > 0
  }

  /** Runs the steps that were put off. */
  runLater(): void {
    if (this.#later.length > 0) for (const step of this.#later.splice(0)) step()
  }

  serve(
    cell: ActorCell,
    envelope: Envelope,
    context: CellContext,
    iterator: Iterator<unknown> | AsyncIterator<unknown>,
  ): void {
    const { outbox, noteSettled, requestRun } = this.#parts
    const fail = (error: Error): void => outbox.answer(wire.KIND_REPLY_ERROR, envelope, error)
    const stream: ServedStream = new ServedStream(context, iterator, envelope.local as number, {
      item: (value, transfer) => {
        noteSettled()
        outbox.answer(wire.KIND_STREAM_ITEM, envelope, value, transfer)
      },
      end: (value) => {
        this.#forget(stream)
        try {
          outbox.answer(wire.KIND_STREAM_END, envelope, value)
        } catch (error) {
          fail(toError(error))
        }
      },
      error: (error) => {
        this.#forget(stream)
        fail(error)
      },
      later: (step) => {
        this.#later.push(step)
        requestRun()
      },
    })
    cell.streams ??= new Set()
    cell.streams.add(stream)
    this.#streams.set(streamKey(envelope), stream)
    noteSettled()
    stream.step()
  }

  /** The consumer grants more items. */
  pull(thread: number, askSlot: number, askGeneration: number, count: number): void {
    this.#streams.get(formatAddress(thread, askSlot, askGeneration))?.grant(count)
  }

  /** The consumer has had enough. False when there is no such stream. */
  cancel(thread: number, askSlot: number, askGeneration: number): boolean {
    const stream = this.#streams.get(formatAddress(thread, askSlot, askGeneration))
    if (stream === undefined) return false
    this.#forget(stream)
    stream.cancel()
    return true
  }

  /** The consumers on a thread are gone. */
  onThreadLost(thread: number): void {
    for (const stream of [...this.#streams.values()]) {
      if (stream.context.envelope?.askThread !== thread) continue
      this.#forget(stream)
      stream.cancel()
    }
  }

  /** Ends the streams of an actor; returns the messages that had opened them, for the caller to answer. */
  takeOf(cell: ActorCell): Envelope[] {
    return [...(cell.streams ?? [])].map((stream) => {
      this.#forget(stream)
      const envelope = stream.context.envelope!
      stream.cancel()
      return envelope
    })
  }

  #forget(stream: ServedStream): void {
    const { slot, generation, envelope } = stream.context
    this.#streams.delete(streamKey(envelope!))
    this.#parts.find(slot, generation)?.streams?.delete(stream)
  }
}

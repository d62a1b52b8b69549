/**
 * The dispatching actors of one thread: each hands its messages on to others, and the answers back.
 *
 * Such an actor takes messages while earlier ones are still being answered. Its mailbox bounds what is under
 * way: an ask keeps its place until it is answered. Deadline and cancelling reach through it, because what is
 * asked in turn is asked on behalf of the message that is handed on.
 *
 * Invariants: (1) an ask that is under way is in the table, once, until it is answered, given up, or its
 * actor ends; (2) whoever takes it out settles it. Tests: test/actor/router.race.test.ts
 */
import { toError } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import { formatAddress } from './address.ts'
import type { ActorCell } from './cell.ts'
import { CellContext, type ContextHost } from './cell-context.ts'
import type { Dispatch } from './dispatch.ts'
import type { Envelope } from './mailbox.ts'

/** What a dispatcher needs of the host that it is a part of. */
export interface DispatcherParts {
  readonly contextHost: ContextHost
  answer(kind: number, envelope: Envelope, value: unknown): void
  answerError(envelope: Envelope, error: Error): void
  serve(cell: ActorCell, envelope: Envelope, context: CellContext, items: AsyncIterator<unknown>): void
  finish(cell: ActorCell, envelope: Envelope): void
  noteSettled(): void
  addDeadLetter(cell: ActorCell, type: string): void
}

/** An ask that was handed on. */
interface Dispatched {
  readonly cell: ActorCell
  readonly envelope: Envelope
  /** On whose behalf it was asked in turn. */
  readonly context: CellContext
}

/** Hands messages on. */
export class Dispatcher {
  readonly #parts: DispatcherParts
  readonly #asks = new Map<string, Dispatched>()

  constructor(parts: DispatcherParts) {
    this.#parts = parts
  }

  /** A message for a dispatching actor. */
  handOn(cell: ActorCell, envelope: Envelope, dispatch: Dispatch): void {
    const { kind, type, payload, priority } = envelope
    const context = new CellContext(cell, this.#parts.contextHost)
    context.begin(envelope)
    try {
      if (kind === wire.KIND_ASK) {
        const answer = dispatch.ask(context, type, payload, priority)
        this.#asks.set(keyOf(envelope), { cell, envelope, context })
        this.#await(envelope, answer)
        return
      }
      if (kind === wire.KIND_TELL) dispatch.tell(context, type, payload, priority)
      if (kind === wire.KIND_STREAM_OPEN) {
        const window = envelope.local as number
        this.#parts.serve(cell, envelope, context, dispatch.stream(context, type, payload, window))
      }
    } catch (error) {
      // There is nobody to hand it on to.
      if (envelope.askSlot >= 0) this.#parts.answerError(envelope, toError(error))
      else this.#parts.addDeadLetter(cell, type)
    }
    this.#parts.finish(cell, envelope)
  }

  /** Nobody waits for this ask any more. False when it is none of those that were handed on. */
  cancel(askThread: number, askSlot: number, askGeneration: number): boolean {
    const key = formatAddress(askThread, askSlot, askGeneration)
    const dispatched = this.#asks.get(key)
    if (dispatched === undefined) return false
    this.#asks.delete(key)
    this.#giveUp(dispatched)
    return true
  }

  /** Nobody on that thread waits any more. */
  onThreadLost(thread: number): void {
    for (const one of this.#takeAll(({ envelope }) => envelope.askThread === thread)) this.#giveUp(one)
  }

  /** Takes out what an actor that ends has handed on; the caller tells the askers. */
  takeOf(cell: ActorCell): Envelope[] {
    return this.#takeAll((one) => one.cell === cell).map(({ envelope, context }) => {
      context.abort()
      return envelope
    })
  }

  #await(envelope: Envelope, answer: Promise<unknown>): void {
    const settle = (kind: number, value: unknown): void => {
      const dispatched = this.#asks.get(keyOf(envelope))
      if (dispatched?.envelope !== envelope) return
      this.#asks.delete(keyOf(envelope))
      this.#parts.noteSettled()
      try {
        this.#parts.answer(kind, envelope, value)
      } catch (error) {
        this.#parts.answerError(envelope, toError(error))
      }
      this.#parts.finish(dispatched.cell, envelope)
    }
    answer.then(
      (value) => settle(wire.KIND_REPLY, value),
      (error: unknown) => settle(wire.KIND_REPLY_ERROR, toError(error)),
    )
  }

  #giveUp({ cell, envelope, context }: Dispatched): void {
    context.abort()
    this.#parts.finish(cell, envelope)
  }

  #takeAll(fits: (dispatched: Dispatched) => boolean): Dispatched[] {
    const taken: Dispatched[] = []
    for (const [key, dispatched] of this.#asks) {
      if (!fits(dispatched)) continue
      this.#asks.delete(key)
      taken.push(dispatched)
    }
    return taken
  }
}

function keyOf({ askThread, askSlot, askGeneration }: Envelope): string {
  return formatAddress(askThread, askSlot, askGeneration)
}

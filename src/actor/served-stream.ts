/**
 * The producing end of a streaming answer: a generator that is advanced only while the consumer has granted
 * items.
 *
 * The request itself waits in the mailbox like any message. Once it runs, the generator's steps are taken
 * when credit arrives: a synchronous generator's step is atomic; an asynchronous one gives way to the actor's
 * other messages at each of its awaits, so that a stream of events does not hold up the actor that feeds it.
 *
 * Invariants: (1) at most one step runs at a time; (2) never more items than credit; (3) `return` of the
 * generator is called exactly once when the consumer goes first. Tests: test/actor/streams.race.test.ts
 * Tests: test/actor/streams.race.test.ts
 */
import { Transferred, toError } from '../base/index.ts'
import type { CellContext } from './cell-context.ts'

/** Steps taken in one go before others have their turn. */
const STEPS_MAX = 64

/** Where items go. */
export interface StreamSink {
  item(value: unknown, transfer: readonly unknown[] | undefined): void
  end(value: unknown): void
  error(error: Error): void
  /** Continues the steps a little later. */
  later(step: () => void): void
}

type Step = IteratorResult<unknown>
type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>

/** One stream being served. */
export class ServedStream {
  readonly context: CellContext
  readonly #iterator: AnyIterator
  readonly #sink: StreamSink
  #credit: number
  #isStepping = false
  #isEnded = false

  constructor(context: CellContext, iterator: AnyIterator, credit: number, sink: StreamSink) {
    this.context = context
    this.#iterator = iterator
    this.#credit = credit
    this.#sink = sink
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Takes granted items in and goes on. */
  grant(count: number): void {
    this.#credit += count
    this.step()
  }

  /** Advances the generator while there is credit. */
  step(): void {
    for (let steps = 0; this.#credit > 0 && !this.#isStepping && !this.#isEnded; steps++) {
      if (steps === STEPS_MAX) return this.#sink.later(() => this.step())
      this.#isStepping = true
      let result: Step | Promise<Step>
      try {
        result = this.#iterator.next()
      } catch (error) {
        return this.#onError(error)
      }
      if (result instanceof Promise) {
        result.then(
          (step) => {
            this.#onStep(step)
            this.step()
          },
          (error: unknown) => this.#onError(error),
        )
        return
      }
      this.#onStep(result)
    }
  }

  /** The consumer is gone, or the actor ends: closes the generator so that its `finally` blocks run. */
  cancel(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.context.abort()
    try {
      const closed = this.#iterator.return?.()
      // Nobody is left to hear of an error in a `finally` block.
      if (closed instanceof Promise) closed.catch(() => undefined)
    } catch {
      // As above.
    }
  }

  #onStep(step: Step): void {
    this.#isStepping = false
    if (this.#isEnded) return
    if (step.done === true) {
      this.#isEnded = true
      this.#sink.end(step.value)
      return
    }
    this.#credit--
    const { value } = step
    try {
      if (value instanceof Transferred) this.#sink.item(value.value, value.list)
      else this.#sink.item(value, undefined)
    } catch (error) {
      // The item cannot cross: the consumer hears so and the generator is closed.
      this.cancel()
      this.#sink.error(toError(error))
    }
  }

  #onError(error: unknown): void {
    this.#isStepping = false
    if (this.#isEnded) return
    this.#isEnded = true
    this.#sink.error(toError(error))
  }
}

const GeneratorFunction = Object.getPrototypeOf(function* () {})
const AsyncGeneratorFunction = Object.getPrototypeOf(async function* () {})

/** Whether a handler is a generator. */
export function isStreaming(handler: object): boolean {
  const prototype = Object.getPrototypeOf(handler)
  return prototype === GeneratorFunction || prototype === AsyncGeneratorFunction
}

/**
 * The consuming end of a streaming answer: an async iterator that grants one item per `next`.
 *
 * The producer runs only on credit. Opening grants `window` items; each item taken grants another one, in
 * batches of half a window. `return()` (a `break` in `for await`) cancels: the producer's generator is closed
 * and its `finally` blocks run. Each wait for an item has the deadline of the stream's `timeoutMs`.
 *
 * Invariants: (1) at most `window` items are on their way or buffered; (2) after the end, an error or
 * `return`, every `next` is done. Tests: test/actor/streams.race.test.ts
 * Tests: test/actor/streams.race.test.ts
 */
import type { PendingSink } from './pending-asks.ts'

/** What the reader asks of the outbox. */
export interface StreamPort {
  /** Grants `count` more items. */
  pull(count: number): void
  /** Tells the producer to end; nothing more arrives. */
  cancel(): void
  /** A wait begins: its deadline runs. */
  startWait(): void
  endWait(): void
}

type Waiter = {
  readonly resolve: (result: IteratorResult<unknown>) => void
  readonly reject: (error: unknown) => void
}

/** Reads the items of one stream. */
export class StreamReader implements AsyncIterableIterator<unknown>, PendingSink {
  readonly #window: number
  readonly #buffer: unknown[] = []
  readonly #waiters: Waiter[] = []
  #port: StreamPort | undefined
  #owed = 0
  #isEnded = false
  #error: unknown = undefined
  #hasError = false
  #returned: unknown = undefined

  constructor(window: number) {
    this.#window = window
  }

  /** Connects the reader once its request is on its way. */
  attach(port: StreamPort): void {
    this.#port = port
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<unknown>> {
    if (this.#buffer.length > 0) {
      const value = this.#buffer.shift()
      this.#grant()
      return Promise.resolve({ done: false, value })
    }
    if (this.#hasError) {
      this.#hasError = false
      return Promise.reject(this.#error)
    }
    if (this.#isEnded) {
      const value = this.#returned
      this.#returned = undefined
      return Promise.resolve({ done: true, value })
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      if (this.#waiters.length === 1) this.#port?.startWait()
    })
  }

  return(value?: unknown): Promise<IteratorResult<unknown>> {
    if (!this.#isEnded) {
      this.#isEnded = true
      this.#buffer.length = 0
      this.#port?.cancel()
      this.#settleWaiters()
    }
    this.#buffer.length = 0
    this.#hasError = false
    return Promise.resolve({ done: true, value })
  }

  throw(error?: unknown): Promise<IteratorResult<unknown>> {
    return this.return().then(() => Promise.reject(error))
  }

  onItem(payload: unknown): void {
    if (this.#isEnded) return
    const waiter = this.#waiters.shift()
    if (waiter === undefined) {
      this.#buffer.push(payload)
      return
    }
    if (this.#waiters.length === 0) this.#port?.endWait()
    else this.#port?.startWait()
    waiter.resolve({ done: false, value: payload })
    this.#grant()
  }

  onEnd(payload: unknown): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#returned = payload
    this.#settleWaiters()
  }

  onError(error: unknown): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.#hasError = true
    this.#settleWaiters()
  }

  #grant(): void {
    if (this.#isEnded) return
    this.#owed++
    if (this.#owed * 2 < this.#window) return
    this.#port?.pull(this.#owed)
    this.#owed = 0
  }

  #settleWaiters(): void {
    this.#port?.endWait()
    for (const waiter of this.#waiters.splice(0)) {
      if (this.#hasError) {
        this.#hasError = false
        waiter.reject(this.#error)
      } else {
        waiter.resolve({ done: true, value: this.#returned })
        this.#returned = undefined
      }
    }
  }
}

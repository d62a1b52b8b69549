/**
 * The end at which a program takes items: an async iterator over what is there now, and what comes later.
 *
 * Its owner says when there may be something (`wake`), and gives one item at a time (`take`): what waits
 * stays with the owner, who knows its limits. After an error, or the end, what can still be taken comes
 * first.
 *
 * Invariants: (1) each `next` settles once, in order; (2) the owner is told once that nobody will take any
 * more.
 * Tests: test/keyspace/watch/outlet.test.ts
 */
import { addAbortListener } from '../../base/index.ts'

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void
  reject(error: unknown): void
}

/** What an outlet asks of its owner. */
export interface OutletOwner<T> {
  /** The next item that is there; undefined: none, now. */
  take(): T | undefined
  /** Nobody takes any more. */
  onClosed(): void
}

/** An async iterator. */
export class Outlet<T> {
  readonly #owner: OutletOwner<T>
  readonly #waiters: Waiter<T>[] = []
  readonly #forgetSignal: (() => void) | undefined
  #isEnded = false
  #isClosed = false
  #error: Error | undefined

  /** Aborting `signal` ends it: nothing has failed. */
  constructor(owner: OutletOwner<T>, signal: AbortSignal | undefined) {
    this.#owner = owner
    if (signal === undefined) return
    if (signal.aborted) {
      this.#isEnded = true
      this.#isClosed = true
    } else this.#forgetSignal = addAbortListener(signal, () => void this.return())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      if (this.#waiters.length === 1) this.wake()
    })
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#isEnded = true
    this.#error = undefined
    this.#close()
    this.wake()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** There may be something to take. */
  wake(): void {
    while (this.#waiters.length > 0) {
      const item = this.#isClosed ? undefined : this.#owner.take()
      // What was asked for an item may have ended it.
      if (item === undefined && !this.#isEnded) return
      const waiter = this.#waiters.shift()
      if (item !== undefined) waiter?.resolve({ done: false, value: item })
      else if (this.#error === undefined) {
        this.#close()
        waiter?.resolve({ done: true, value: undefined })
      } else {
        const error = this.#error
        this.#error = undefined
        this.#close()
        waiter?.reject(error)
      }
    }
  }

  /** Nothing more comes, for this reason. */
  fail(error: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.wake()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#forgetSignal?.()
    this.#owner.onClosed()
  }
}

/** A promise with what settles it. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
}

/** A promise whose rejection need not be looked at: whoever takes items learns of the error as well. */
export function deferred<T>(): Deferred<T> {
  let settle: Pick<Deferred<T>, 'resolve' | 'reject'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  promise.catch(() => undefined)
  return { promise, ...(settle as NonNullable<typeof settle>) }
}

/**
 * How far a log has come on one level of durability, and who waits for it to come further.
 *
 * All that is appended before the next write goes with it, so those who wait for any of it share one promise:
 * a thousand callers in one turn of the event loop cost one.
 *
 * Invariants: (1) the position only grows; (2) waiters stand in the order of their positions, and are told in
 * it, never early. Tests: test/storage/log-level.test.ts
 */

interface Waiter {
  position: number
  readonly promise: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** One level of durability. */
export class LogLevel {
  #position: number
  readonly #waiters: Waiter[] = []
  /** Of those who wait for what no write has taken yet: the last one. */
  #open: Waiter | undefined

  constructor(position: number) {
    this.#position = position
  }

  /** Up to here it has come. */
  get position(): number {
    return this.#position
  }

  /** Whether somebody waits for what is before `position`. */
  isAwaitedBefore(position: number): boolean {
    const first = this.#waiters[0]
    return first !== undefined && first.position <= position
  }

  /** Resolves when `position` is reached; `isTaken`: a write has what is before it already. */
  wait(position: number, isTaken: boolean): Promise<void> {
    if (isTaken) return this.#insert(position).promise
    this.#open ??= this.#insert(position)
    this.#open.position = Math.max(this.#open.position, position)
    return this.#open.promise
  }

  /** A write takes what was appended: who waits for what comes now does not wait with them. */
  closeGroup(): void {
    this.#open = undefined
  }

  /** It has come as far as `position`: tells those who wait for no more. */
  reach(position: number): void {
    if (position <= this.#position) return
    this.#position = position
    const waiters = this.#waiters
    while (this.isAwaitedBefore(position)) waiters.shift()!.resolve()
  }

  /** It comes no further. */
  fail(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #insert(position: number): Waiter {
    const waiters = this.#waiters
    let at = waiters.length
    while (at > 0 && waiters[at - 1]!.position > position) at--
    const before = waiters[at - 1]
    if (before?.position === position) return before
    const waiter = newWaiter(position)
    waiters.splice(at, 0, waiter)
    return waiter
  }
}

function newWaiter(position: number): Waiter {
  let resolve: () => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<void>((onDone, onError) => {
    resolve = onDone
    reject = onError
  })
  return { position, promise, resolve, reject }
}

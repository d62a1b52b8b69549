/**
 * Bounds on connections that have not proved anything yet: how many there are, and how long they may take.
 *
 * `ConnectionLimit` counts over all threads in words of shared memory that the caller gives; a thread that is
 * lost takes its connections with it, so what it held is given back by whoever sees its end (`forget`).
 * `Deadlines` is one timer for all that wait equally long: a list in the order of arrival, since a timer for
 * each of ten thousand connections is what an attacker would like.
 *
 *     words   [0] all threads · [1 + seat] each
 *
 * Invariants: (1) never more than `totalMax` are let in; (2) `leave` follows `enter` once.
 * Tests: test/server/listen/accept-limits.test.ts
 */
import type { Clock, TimerHandle } from '../../base/index.ts'

/** Counts connections of all threads. */
export class ConnectionLimit {
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #seat: number
  /** Connections at the same time, of all threads. May be changed. */
  totalMax: number

  constructor(buffer: SharedArrayBuffer, seat: number, totalMax: number) {
    this.#words = new Int32Array(buffer)
    this.#seat = seat + 1
    this.totalMax = totalMax
  }

  static buffer(seats: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * (1 + seats))
  }

  /** Connections of all threads. */
  get total(): number {
    return Atomics.load(this.#words, 0)
  }

  /** Connections of this thread. */
  get own(): number {
    return Atomics.load(this.#words, this.#seat)
  }

  /** Whether one more is let in; then it counts. */
  enter(): boolean {
    if (Atomics.add(this.#words, 0, 1) >= this.totalMax) {
      Atomics.sub(this.#words, 0, 1)
      return false
    }
    Atomics.add(this.#words, this.#seat, 1)
    return true
  }

  leave(): void {
    Atomics.sub(this.#words, this.#seat, 1)
    Atomics.sub(this.#words, 0, 1)
  }

  /** A thread is lost: what it held is free again. Before another takes its seat. */
  forget(seat: number): void {
    Atomics.sub(this.#words, 0, Atomics.exchange(this.#words, seat + 1, 0))
  }
}

/** Items that must be done with after the same time. */
export class Deadlines<T> {
  readonly #clock: Clock
  readonly #onLate: (item: T) => void
  /** In the order of their deadlines: a map keeps the order in which keys came. */
  readonly #dueMs = new Map<T, number>()
  #timer: TimerHandle | undefined
  /** The same for all: the order of arrival is that of the deadlines. */
  readonly delayMs: number

  constructor(clock: Clock, delayMs: number, onLate: (item: T) => void) {
    this.#clock = clock
    this.delayMs = delayMs
    this.#onLate = onLate
  }

  get size(): number {
    return this.#dueMs.size
  }

  add(item: T): void {
    this.#dueMs.delete(item)
    this.#dueMs.set(item, this.#clock.nowMs() + this.delayMs)
    this.#timer ??= this.#clock.after(this.delayMs, () => this.#look(), { unref: true })
  }

  /** It is done with in time. False: it was not waited for. */
  done(item: T): boolean {
    return this.#dueMs.delete(item)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#dueMs.clear()
  }

  #look(): void {
    this.#timer = undefined
    const nowMs = this.#clock.nowMs()
    const late: T[] = []
    for (const [item, dueMs] of this.#dueMs) {
      if (dueMs > nowMs) {
        // Before anybody is told, who may add what is due later.
        this.#timer = this.#clock.after(dueMs - nowMs, () => this.#look(), { unref: true })
        break
      }
      this.#dueMs.delete(item)
      late.push(item)
    }
    for (const item of late) this.#onLate(item)
  }
}

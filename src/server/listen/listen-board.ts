/**
 * What the threads of one listener know of each other, in shared words; and who should accept next.
 *
 *     word 0   1: closed, nothing may be inherited any more
 *     word 1   threads that start a process which inherits right now
 *     word 16 + 16 × seat    open connections of that thread
 *                       + 1  its state
 *                       + 2  when it was last seen, ms, the low 32 bits
 *
 * Who writes: a thread its own seat, except that others turn RESTING to CALLED; the main thread word 0.
 *
 * Why there is a rule at all. All threads poll one socket, and the kernel wakes all of them for each
 * connection: the first takes it, on Node 20 together with all that wait. Left alone, 50 connections fell as
 * [0, 0, 50, 0] or [3, 1, 4, 42] on four threads, and on two between [25, 25] and [7, 43] (measured on Node
 * 20 to 26; the variable UV_TCP_SINGLE_ACCEPT is not in any of them). So a thread that has more than another
 * by some slack, and sees that the other accepts, stops to poll until the other has caught up.
 *
 * Invariants: (1) a thread rests only while another with fewer connections accepts and was seen lately, so
 * somebody always accepts; (2) a thread that is lost or busy is not waited for longer than `STALE_MS`.
 *
 * Tests: test/server/listen/listen-board.test.ts
 */

const CLOSED = 0
const INHERITING = 1
const HEADER_WORDS = 16
const SEAT_WORDS = 16

const OPEN = 0
const STATE = 1
const SEEN = 2

/** Nobody sits here, or it listens no more. */
const ABSENT = 0
const ACCEPTING = 1
/** It has more connections than others, and leaves the next ones to them. */
const RESTING = 2
/** It rests, and has been told to look whether it should accept again. */
const CALLED = 3

/** A thread says so often that it turns. */
export const BEAT_MS = 100
/** A thread that was not seen for so long is not counted on. */
export const STALE_MS = 350
/** How many connections more a thread may have: these, and one for every so many that it has. */
const SLACK = 1
const SLACK_SHARE = 16

/** One seat at the board, or none, on the main thread. */
export class ListenBoard {
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #seats: number

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
    this.#seats = (this.#words.length - HEADER_WORDS) / SEAT_WORDS
  }

  static buffer(seats: number): SharedArrayBuffer {
    return new SharedArrayBuffer(4 * (HEADER_WORDS + seats * SEAT_WORDS))
  }

  // The life of the sockets that are inherited.

  /** False when the listener is closed. True: `inherited` must follow. */
  beginToInherit(): boolean {
    Atomics.add(this.#words, INHERITING, 1)
    if (Atomics.load(this.#words, CLOSED) === 0) return true
    this.inherited()
    return false
  }

  inherited(): void {
    Atomics.sub(this.#words, INHERITING, 1)
  }

  get isInheriting(): boolean {
    return Atomics.load(this.#words, INHERITING) > 0
  }

  close(): void {
    Atomics.store(this.#words, CLOSED, 1)
  }

  // The seats.

  /** A thread sits down: a new one in the place of one that is lost begins at nothing. */
  sitDown(seat: number, nowMs: number): void {
    this.#set(seat, OPEN, 0)
    this.accept(seat, nowMs)
  }

  accept(seat: number, nowMs: number): void {
    this.beat(seat, nowMs)
    this.#set(seat, STATE, ACCEPTING)
    // Somebody may wait for it.
    Atomics.notify(this.#words, indexOf(seat, STATE))
  }

  rest(seat: number): void {
    this.#set(seat, STATE, RESTING)
  }

  leave(seat: number): void {
    this.#set(seat, STATE, ABSENT)
  }

  beat(seat: number, nowMs: number): void {
    this.#set(seat, SEEN, Math.trunc(nowMs) | 0)
  }

  opened(seat: number): void {
    Atomics.add(this.#words, indexOf(seat, OPEN), 1)
  }

  closed(seat: number): void {
    Atomics.sub(this.#words, indexOf(seat, OPEN), 1)
  }

  /** Connections of a thread that are open. */
  openOf(seat: number): number {
    return this.#get(seat, OPEN)
  }

  /**
   * Whether a thread has so much more than one that accepts that it should rest. `price` is what a rest
   * costs: the slack is as many times as large.
   */
  shouldRest(seat: number, nowMs: number, price = 1): boolean {
    const open = this.#get(seat, OPEN)
    return this.#accepts(seat, open - slackOf(open) * price, nowMs)
  }

  /** Whether a thread that rests goes on: another has fewer still, and accepts. */
  shouldStay(seat: number, nowMs: number): boolean {
    return this.#accepts(seat, this.#get(seat, OPEN), nowMs)
  }

  /** Marks those who rest and have fewer connections than this thread. True: there are some to be told. */
  callRested(seat: number): boolean {
    const open = this.#get(seat, OPEN)
    let isCalled = false
    for (let other = 0; other < this.#seats; other++) {
      if (other === seat || this.#get(other, STATE) !== RESTING || this.#get(other, OPEN) >= open) continue
      const index = indexOf(other, STATE)
      if (Atomics.compareExchange(this.#words, index, RESTING, CALLED) === RESTING) isCalled = true
    }
    return isCalled
  }

  /**
   * Waits until those that have been called, and have fewer connections by more than the slack, accept: a
   * burst would be over before they wake up. False: one has not within the time, since it is busy.
   */
  awaitCalled(seat: number, timeoutMs: number): boolean {
    const open = this.#get(seat, OPEN)
    const below = open - slackOf(open)
    for (let other = 0; other < this.#seats; other++) {
      if (other === seat || this.#get(other, STATE) !== CALLED || this.#get(other, OPEN) >= below) continue
      const waited = Atomics.wait(this.#words, indexOf(other, STATE), CALLED, timeoutMs)
      if (waited === 'timed-out') return false
    }
    return true
  }

  /** Whether another thread accepts that has fewer than so many connections. */
  #accepts(seat: number, below: number, nowMs: number): boolean {
    for (let other = 0; other < this.#seats; other++) {
      if (other === seat || this.#get(other, STATE) !== ACCEPTING) continue
      const unseenMs = (Math.trunc(nowMs) - this.#get(other, SEEN)) | 0
      if (this.#get(other, OPEN) < below && unseenMs < STALE_MS) return true
    }
    return false
  }

  #get(seat: number, field: number): number {
    return Atomics.load(this.#words, indexOf(seat, field))
  }

  #set(seat: number, field: number, value: number): void {
    Atomics.store(this.#words, indexOf(seat, field), value)
  }
}

function indexOf(seat: number, field: number): number {
  return HEADER_WORDS + seat * SEAT_WORDS + field
}

function slackOf(open: number): number {
  return SLACK + Math.floor(open / SLACK_SHARE)
}

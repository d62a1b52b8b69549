/**
 * The bytes of a connection that wait to be read, wherever they lie: in the buffer that the socket was read
 * into, or held in memory of the connection's own.
 *
 * Usually `source` is the read buffer, and nothing is copied. What is left of it when a request is not whole
 * is held. Of the next read no more is added than the request may need, since the rest would be copied for
 * nothing; what turns out to be too much is given back, and reading goes on in the read buffer.
 *
 *     source   … | start: the request begins | at: read so far | end
 *     input      inputStart | inputAt: added to what is held | inputEnd      only while isHeld
 *
 * Invariants: 1. `source[at … end)`, and then `input[inputAt … inputEnd)`, is what has not been read.
 * 2. While `isHeld`, `source` is memory of our own, which is given to nobody. 3. Its size is at most twice
 * what it holds, or HELD_BYTES_MIN, or the bytes that are certainly missing, at most HELD_BYTES_KEPT.
 * Tests: test/server/resp/request-parser.test.ts, test/server/resp/request-parser.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { allocate } from './slab-pool.ts'

const HELD_BYTES_MIN = 256
/** So much is kept between requests. */
const HELD_BYTES_KEPT = 2048

const NOTHING: Uint8Array = allocate(0)

/** Unread bytes. Fields are plain, since the parser reads them for each request. */
export class RequestBytes {
  source: Uint8Array = NOTHING
  start = 0
  at = 0
  end = 0
  isHeld = false
  #held: Uint8Array = NOTHING
  #input: Uint8Array = NOTHING
  #inputStart = 0
  #inputAt = 0
  #inputEnd = 0

  /** Bytes that were fed and are not in `source`. */
  get inputBytes(): number {
    return this.#inputEnd - this.#inputAt
  }

  /** Bytes of memory that is our own. */
  get heldBytes(): number {
    return this.isHeld ? this.end - this.start : 0
  }

  get heldCapacityBytes(): number {
    return this.#held.length
  }

  feed(bytes: Uint8Array, start: number, end: number): void {
    const rest = this.isHeld ? this.inputBytes : this.end - this.at
    assert(rest === 0, 'what was fed before has been read or held')
    if (this.isHeld) {
      this.#input = bytes
      this.#inputStart = start
      this.#inputAt = start
      this.#inputEnd = end
    } else {
      this.source = bytes
      this.at = start
      this.end = end
    }
  }

  /** Copies what there is from `start` on: how far down it has moved. `missing`: bytes that will follow. */
  hold(missing: number): number {
    const size = this.end - this.start
    const room = size + Math.min(missing, HELD_BYTES_KEPT)
    if (this.#held.length < room) this.#held = allocate(Math.max(room, HELD_BYTES_MIN))
    this.#held.set(this.source.subarray(this.start, this.end))
    this.source = this.#held
    this.isHeld = true
    return this.#rebase()
  }

  /** Adds at most `count` bytes of the input to what is held: how far down that has moved. */
  append(count: number): number {
    const added = Math.min(count, this.inputBytes)
    const moved = this.end + added > this.#held.length ? this.#makeRoom(added) : 0
    this.#held.set(this.#input.subarray(this.#inputAt, this.#inputAt + added), this.end)
    this.end += added
    this.#inputAt += added
    return moved
  }

  /** Hands the input to somebody who says how much of it was taken. */
  pass(receiver: { receive(bytes: Uint8Array, start: number, end: number): number }): void {
    this.#inputAt += receiver.receive(this.#input, this.#inputAt, this.#inputEnd)
  }

  /** Between two requests: goes on in the input, when all that is held beyond the last came from there. */
  leave(): void {
    const rest = this.end - this.at
    if (rest > this.#inputAt - this.#inputStart) return
    this.source = this.#input
    this.at = this.#inputAt - rest
    this.end = this.#inputEnd
    this.isHeld = false
    if (this.#held.length > HELD_BYTES_KEPT) this.#held = NOTHING
    this.forgetInput()
  }

  /** The read buffer is used again by others: nothing can be given back to it. */
  forgetInput(): void {
    this.#input = NOTHING
    this.#inputStart = 0
    this.#inputAt = 0
    this.#inputEnd = 0
  }

  clear(): void {
    this.forgetInput()
    this.source = NOTHING
    this.#held = NOTHING
    this.isHeld = false
    this.start = 0
    this.at = 0
    this.end = 0
  }

  #makeRoom(count: number): number {
    const size = this.end - this.start
    const from = this.#held
    // What is moved within the same memory is at most what was read from it before.
    if (size + count > from.length || size > this.start) {
      this.#held = allocate(Math.max(size + count, 2 * size))
    }
    this.#held.set(from.subarray(this.start, this.end))
    this.source = this.#held
    return this.#rebase()
  }

  #rebase(): number {
    const { start } = this
    this.start = 0
    this.at -= start
    this.end -= start
    return start
  }
}

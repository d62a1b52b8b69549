/**
 * A large argument on its way in: received once, into memory that is given away without a copy.
 *
 * A length is only announced: whoever claims half a gigabyte has not sent it yet. So memory follows what has
 * arrived, four times as much at each step, and the last step is exactly the announced length. Most values
 * take none or one of the copies that growing needs.
 *
 * Invariant: the memory is at most GROWTH times what has arrived, or FIRST_BYTES.
 * Tests: test/server/resp/request-parser.test.ts
 */
import { allocate } from './slab-pool.ts'

const FIRST_BYTES = 64 * 1024
const GROWTH = 4

/** Bytes that are being received. */
export class LargeArgument {
  readonly lengthBytes: number
  /** Bytes that have arrived. */
  received = 0
  #bytes: Uint8Array

  /** `availableBytes`: how much of it is there already. */
  constructor(lengthBytes: number, availableBytes: number) {
    this.lengthBytes = lengthBytes
    this.#bytes = allocate(Math.min(lengthBytes, Math.max(FIRST_BYTES, availableBytes * GROWTH)))
  }

  get isWhole(): boolean {
    return this.received === this.lengthBytes
  }

  /** What it has room for now. */
  get capacityBytes(): number {
    return this.#bytes.length
  }

  /** Takes what belongs to it: how much that was. */
  receive(source: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, this.lengthBytes - this.received)
    if (this.received + count > this.#bytes.length) this.#grow(count)
    this.#bytes.set(source.subarray(start, start + count), this.received)
    this.received += count
    return count
  }

  /** All of it. */
  take(): Uint8Array {
    return this.#bytes
  }

  #grow(count: number): void {
    const arrived = this.received + count
    const grown = allocate(Math.min(arrived * GROWTH, this.lengthBytes))
    grown.set(this.#bytes.subarray(0, this.received))
    this.#bytes = grown
  }
}

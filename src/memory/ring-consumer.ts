/**
 * The reading end of a single-producer single-consumer byte ring.
 *
 * `next` walks through what has been published; `release` gives everything read so far back with one store. The
 * tail is looked at only when the known part is used up.
 *
 * Writer: the one thread that owns this object writes the head. Readers: one `RingProducer` reads it.
 * Invariants: (1) nothing is read behind the tail that was seen; (2) nothing is read after it was released; (3) a
 * length that cannot be is an assertion, before it is trusted.
 * Publication order: all loads of a record happen before its head is stored.
 * Tests: test/memory/ring.test.ts, ring.prop.test.ts, ring.model.test.ts, ring.race.test.ts
 */
import { assert } from '../base/index.ts'
import {
  DATA_OFFSET,
  HEAD_WORD,
  RECORD_HEADER_BYTES,
  recordBytes,
  ringCapacity,
  TAIL_WORD,
} from './ring-layout.ts'

/** Reads records from a ring. */
export class RingConsumer {
  readonly words: Int32Array<SharedArrayBuffer>
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly doubles: Float64Array<SharedArrayBuffer>
  readonly capacityBytes: number
  /** Payload bytes of the record that `next` returned. */
  lengthBytes = 0
  readonly #control: Int32Array<SharedArrayBuffer>
  readonly #mask: number
  #head: number
  #released: number
  #tail: number

  constructor(buffer: SharedArrayBuffer) {
    this.capacityBytes = ringCapacity(buffer)
    this.#mask = this.capacityBytes - 1
    this.#control = new Int32Array(buffer, 0, DATA_OFFSET >> 2)
    this.words = new Int32Array(buffer, DATA_OFFSET)
    this.bytes = new Uint8Array(buffer, DATA_OFFSET)
    this.doubles = new Float64Array(buffer, DATA_OFFSET)
    this.#head = Atomics.load(this.#control, HEAD_WORD)
    this.#released = this.#head
    this.#tail = this.#head
  }

  /** The offset in the data of the next record's payload, or -1 when there is none. */
  next(): number {
    for (;;) {
      if (this.#head === this.#tail) {
        this.#tail = Atomics.load(this.#control, TAIL_WORD)
        if (this.#head === this.#tail) return -1
      }
      const index = this.#head & this.#mask
      const length = this.words[index >> 2]!
      if (length < 0) {
        assert(-length === this.capacityBytes - index, 'padding reaches the end of the ring')
        this.#head = (this.#head - length) | 0
        continue
      }
      const size = recordBytes(length)
      assert(size <= this.capacityBytes - index, 'a record lies in one piece')
      assert(size <= ((this.#tail - this.#head) | 0), 'a record lies before the tail')
      this.lengthBytes = length
      this.#head = (this.#head + size) | 0
      return index + RECORD_HEADER_BYTES
    }
  }

  /** Gives everything read so far back to the producer. */
  release(): void {
    if (this.#head === this.#released) return
    this.#released = this.#head
    Atomics.store(this.#control, HEAD_WORD, this.#head)
  }

  /** A fresh look at the tail: for a thread that is about to sleep, or spins. */
  isEmpty(): boolean {
    return this.#head === this.#tail && Atomics.load(this.#control, TAIL_WORD) === this.#head
  }
}

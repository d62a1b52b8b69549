/**
 * The reading end of a single-producer single-consumer byte ring.
 *
 * `next` walks through what has been published; `release` gives everything read so far back with one store.
 * The tail is looked at only when the known part is used up.
 *
 * Writer: the one thread that owns this object writes the head. Readers: one `RingProducer` reads it.
 * Invariants: (1) nothing is read behind the tail that was seen; (2) a payload is read before it is released,
 * by the caller: an offset is good until `release`; (3) what the other thread wrote is checked before it is
 * trusted.
 * Publication order: all loads of a record come before the `Atomics.store` of the head that gives it back, so
 * the producer cannot overwrite what is still being read.
 * Cost: 10 to 20 ns a record of 32 bytes; one call of `Atomics.load` and one of `Atomics.store` a batch (7 ns
 * each).
 * Tests: test/memory/ring-producer.test.ts, ring-producer.{prop,model,race}.test.ts
 */
import { assert } from '../base/index.ts'
import {
  DATA_OFFSET,
  HEAD_WORD,
  RECORD_ALIGN,
  RECORD_HEADER_BYTES,
  recordBytes,
  recordBytesMaxOf,
  ringCapacity,
  TAIL_WORD,
} from './ring-layout.ts'

/** Reads records from a ring. */
export class RingConsumer {
  /** Views of the data; the offsets of `next` count from their beginning. */
  readonly words: Int32Array<SharedArrayBuffer>
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly doubles: Float64Array<SharedArrayBuffer>
  readonly capacityBytes: number
  /** Payload bytes of the record that `next` returned. */
  lengthBytes = 0
  readonly #control: Int32Array<SharedArrayBuffer>
  readonly #mask: number
  readonly #recordBytesMax: number
  /** Where the next record begins: behind everything consumed. */
  #head: number
  /** The head that the producer may see. */
  #released: number
  /** The tail when it was last looked at: never ahead of the real one. */
  #tail: number

  /** Attaches to a ring, new or used; the consumer before it must be gone. @throws SHL_OPTION_INVALID */
  constructor(buffer: SharedArrayBuffer) {
    this.capacityBytes = ringCapacity(buffer)
    this.#mask = this.capacityBytes - 1
    this.#recordBytesMax = recordBytesMaxOf(this.capacityBytes)
    this.#control = new Int32Array(buffer, 0, DATA_OFFSET >> 2)
    this.words = new Int32Array(buffer, DATA_OFFSET)
    this.bytes = new Uint8Array(buffer, DATA_OFFSET)
    this.doubles = new Float64Array(buffer, DATA_OFFSET)
    this.#head = Atomics.load(this.#control, HEAD_WORD)
    this.#released = this.#head
    this.#tail = this.#head
  }

  /** The offset in the data of the next record's payload (a multiple of 8), or -1 when there is none. */
  next(): number {
    for (;;) {
      if (this.#head === this.#tail && !this.#lookAtTail()) return -1
      const index = this.#head & this.#mask
      const length = this.words[index >> 2]!
      const toEndBytes = this.capacityBytes - index
      const availableBytes = (this.#tail - this.#head) | 0
      if (length < 0) {
        assert(-length === toEndBytes, 'padding reaches the end of the data')
        assert(toEndBytes < availableBytes, 'a record follows padding')
        this.#head = (this.#head + toEndBytes) | 0
        continue
      }
      assert(length <= this.#recordBytesMax, 'a record takes at most a quarter of the ring')
      const size = recordBytes(length)
      assert(size <= toEndBytes && size <= availableBytes, 'a record lies in one piece, before the tail')
      this.lengthBytes = length
      this.#head = (this.#head + size) | 0
      return index + RECORD_HEADER_BYTES
    }
  }

  /** Gives everything consumed so far back to the producer: that is its credit. */
  release(): void {
    if (this.#head === this.#released) return
    this.#released = this.#head
    Atomics.store(this.#control, HEAD_WORD, this.#head)
  }

  /**
   * Whether nothing is left to consume, with a fresh look at the tail: for a thread that spins or will sleep.
   */
  isEmpty(): boolean {
    return this.#head === this.#tail && !this.#lookAtTail()
  }

  /** True when there is something behind the part that was known. */
  #lookAtTail(): boolean {
    const tail = Atomics.load(this.#control, TAIL_WORD)
    const availableBytes = (tail - this.#head) | 0
    assert(availableBytes >= 0 && availableBytes <= this.capacityBytes, 'the tail lies within the ring')
    assert((tail & (RECORD_ALIGN - 1)) === 0, 'the tail is at a record')
    this.#tail = tail
    return availableBytes !== 0
  }
}

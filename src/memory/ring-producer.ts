/**
 * The writing end of a single-producer single-consumer byte ring.
 *
 * Writing a record is claim, fill, commit; `publish` makes everything committed so far visible with one store, so
 * a batch costs one. The producer keeps its own copy of the head and looks at the real one only when the ring seems
 * full. The room that is left is the credit of the producer: `creditBytes`; there is no other flow control.
 *
 * Writer: the one thread that owns this object. Readers: one `RingConsumer`.
 * Invariants: (1) `tail - head <= capacityBytes`; (2) nothing behind the published tail is ever rewritten before
 * the consumer has released it; (3) a record that does not fit before the end of the data is preceded by padding.
 * Publication order: payload and header with plain stores, then the tail with `Atomics.store`. A reader that sees
 * the tail sees everything before it: store-release and load-acquire in the sound direction on x64 and arm64. (The
 * negative-length protocol of Agrona needs a fence that JavaScript does not have.)
 * Cost: about 10 ns a record, one locked store a batch (bench/tell.ts).
 * Tests: test/memory/ring.test.ts, ring.prop.test.ts, ring.model.test.ts, ring.race.test.ts
 * Source: Agrona's OneToOneRingBuffer, with a tail position in the place of its negative lengths.
 */
import { assert } from '../base/index.ts'
import {
  DATA_OFFSET,
  HEAD_WORD,
  INSUFFICIENT_CAPACITY,
  RECORD_HEADER_BYTES,
  recordBytes,
  ringCapacity,
  TAIL_WORD,
} from './ring-layout.ts'

/** Writes records into a ring. */
export class RingProducer {
  readonly words: Int32Array<SharedArrayBuffer>
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly doubles: Float64Array<SharedArrayBuffer>
  readonly capacityBytes: number
  /** The longest payload: a quarter of the ring, so that a record and its padding always find room some time. */
  readonly recordBytesMax: number
  readonly #control: Int32Array<SharedArrayBuffer>
  readonly #mask: number
  #published: number
  #tail: number
  #head: number
  #claimIndex = -1
  #claimBytes = 0
  #claimPadding = 0

  constructor(buffer: SharedArrayBuffer) {
    this.capacityBytes = ringCapacity(buffer)
    this.#mask = this.capacityBytes - 1
    this.recordBytesMax = (this.capacityBytes >> 2) - RECORD_HEADER_BYTES
    this.#control = new Int32Array(buffer, 0, DATA_OFFSET >> 2)
    this.words = new Int32Array(buffer, DATA_OFFSET)
    this.bytes = new Uint8Array(buffer, DATA_OFFSET)
    this.doubles = new Float64Array(buffer, DATA_OFFSET)
    this.#tail = Atomics.load(this.#control, TAIL_WORD)
    this.#published = this.#tail
    this.#head = Atomics.load(this.#control, HEAD_WORD)
  }

  /** The offset in the data at which `lengthBytes` may be written, or `INSUFFICIENT_CAPACITY`. */
  tryClaim(lengthBytes: number): number {
    assert(this.#claimIndex === -1, 'one claim at a time')
    assert(lengthBytes >= 0 && lengthBytes <= this.recordBytesMax, 'a record fits a quarter of the ring')
    const needed = recordBytes(lengthBytes)
    const index = this.#tail & this.#mask
    const toEnd = this.capacityBytes - index
    const padding = needed > toEnd ? toEnd : 0
    const total = needed + padding
    if (((this.#tail - this.#head) | 0) + total > this.capacityBytes) {
      this.#head = Atomics.load(this.#control, HEAD_WORD)
      if (((this.#tail - this.#head) | 0) + total > this.capacityBytes) return INSUFFICIENT_CAPACITY
    }
    const start = padding === 0 ? index : 0
    this.#claimIndex = start
    this.#claimBytes = lengthBytes
    this.#claimPadding = padding
    return start + RECORD_HEADER_BYTES
  }

  /** Ends the claim; `lengthBytes` may be less than was claimed. Not visible before `publish`. */
  commit(lengthBytes: number = this.#claimBytes): void {
    assert(this.#claimIndex !== -1, 'commit follows a claim')
    assert(lengthBytes >= 0 && lengthBytes <= this.#claimBytes, 'a commit does not exceed its claim')
    const padding = this.#claimPadding
    if (padding !== 0) this.words[(this.#tail & this.#mask) >> 2] = -padding
    this.words[this.#claimIndex >> 2] = lengthBytes
    this.#tail = (this.#tail + padding + recordBytes(lengthBytes)) | 0
    this.#claimIndex = -1
  }

  /** Gives the claim up; nothing was written. */
  abort(): void {
    this.#claimIndex = -1
  }

  /** Makes all committed records visible with one store. False when there was nothing new. */
  publish(): boolean {
    if (this.#tail === this.#published) return false
    Atomics.store(this.#control, TAIL_WORD, this.#tail)
    this.#published = this.#tail
    return true
  }

  get unpublishedBytes(): number {
    return (this.#tail - this.#published) | 0
  }

  /** Bytes that may still be claimed, with a fresh look at the head. */
  creditBytes(): number {
    return this.capacityBytes - this.usedBytes()
  }

  /** Bytes that the consumer has not released yet. */
  usedBytes(): number {
    this.#head = Atomics.load(this.#control, HEAD_WORD)
    return (this.#tail - this.#head) | 0
  }
}

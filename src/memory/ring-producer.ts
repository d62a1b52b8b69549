/**
 * The writing end of a single-producer single-consumer byte ring.
 *
 * Writing a record is claim, fill, commit; `publish` makes everything committed so far visible with one
 * store, so a batch costs one. The producer keeps its own copy of the head and looks at the real one only
 * when the ring seems full. The room that is left is the producer's credit, `creditBytes`; there is no other
 * flow control.
 *
 * Writer: the one thread that owns this object. Readers: one `RingConsumer`.
 * Invariants: (1) `tail - head <= capacityBytes`; (2) nothing before the published tail is written again
 * until the consumer has released it; (3) a record that does not fit before the end of the data is preceded
 * by padding, and both are committed at once; (4) an aborted claim leaves no trace.
 * Publication order: payload and headers with plain stores, then the tail with `Atomics.store`. A reader that
 * sees the tail sees everything before it: store-release and load-acquire in the sound direction on x64 and
 * arm64. (The negative-length protocol of Agrona needs a fence that JavaScript does not have.) In the other
 * direction the producer overwrites only what it has seen released: its `Atomics.load` of the head comes
 * before those stores.
 * Cost: 10 to 20 ns a record of 32 bytes, and one call of `Atomics.store` a batch (7 ns); bench/tell.ts.
 * Tests: test/memory/ring-producer.test.ts, ring-producer.{prop,model,race}.test.ts
 * Source: Agrona's OneToOneRingBuffer, with a tail position in the place of its negative lengths.
 */
import { assert } from '../base/index.ts'
import {
  DATA_OFFSET,
  HEAD_WORD,
  INSUFFICIENT_CAPACITY,
  RECORD_ALIGN,
  RECORD_HEADER_BYTES,
  recordBytes,
  recordBytesMaxOf,
  ringCapacity,
  TAIL_WORD,
} from './ring-layout.ts'

/** Writes records into a ring. */
export class RingProducer {
  /** Views of the data; the offsets of `tryClaim` count from their beginning. */
  readonly words: Int32Array<SharedArrayBuffer>
  readonly bytes: Uint8Array<SharedArrayBuffer>
  readonly doubles: Float64Array<SharedArrayBuffer>
  readonly capacityBytes: number
  /** The longest payload that may be claimed. */
  readonly recordBytesMax: number
  readonly #control: Int32Array<SharedArrayBuffer>
  readonly #mask: number
  /** Where the next record begins: behind everything committed. */
  #tail: number
  /** The tail that the consumer may see. */
  #published: number
  /** The head when it was last looked at: never ahead of the real one. */
  #head: number
  /** Of the open claim: its index in the data, or -1; its payload; the padding before it. */
  #claimIndex = -1
  #claimBytes = 0
  #claimPadding = 0

  /** Attaches to a ring, new or used; the producer before it must be gone. @throws SHL_OPTION_INVALID */
  constructor(buffer: SharedArrayBuffer) {
    this.capacityBytes = ringCapacity(buffer)
    this.#mask = this.capacityBytes - 1
    this.recordBytesMax = recordBytesMaxOf(this.capacityBytes)
    this.#control = new Int32Array(buffer, 0, DATA_OFFSET >> 2)
    this.words = new Int32Array(buffer, DATA_OFFSET)
    this.bytes = new Uint8Array(buffer, DATA_OFFSET)
    this.doubles = new Float64Array(buffer, DATA_OFFSET)
    this.#tail = Atomics.load(this.#control, TAIL_WORD)
    this.#published = this.#tail
    this.#head = this.#tail
    this.#lookAtHead()
  }

  /**
   * The offset in the data at which `lengthBytes` may be written (a multiple of 8), or
   * `INSUFFICIENT_CAPACITY`. `commit` or `abort` must follow before the next claim. A length above
   * `recordBytesMax` fails an assertion.
   */
  tryClaim(lengthBytes: number): number {
    assert(this.#claimIndex === -1, 'one claim at a time')
    assert((lengthBytes | 0) === lengthBytes && lengthBytes >= 0, 'a length is a whole number of bytes')
    assert(lengthBytes <= this.recordBytesMax, 'a record takes at most a quarter of the ring')
    const neededBytes = recordBytes(lengthBytes)
    const index = this.#tail & this.#mask
    const toEndBytes = this.capacityBytes - index
    const paddingBytes = neededBytes > toEndBytes ? toEndBytes : 0
    const usedBytesMax = this.capacityBytes - paddingBytes - neededBytes
    if (((this.#tail - this.#head) | 0) > usedBytesMax) {
      this.#lookAtHead()
      if (((this.#tail - this.#head) | 0) > usedBytesMax) return INSUFFICIENT_CAPACITY
    }
    const start = paddingBytes === 0 ? index : 0
    this.#claimIndex = start
    this.#claimBytes = lengthBytes
    this.#claimPadding = paddingBytes
    return start + RECORD_HEADER_BYTES
  }

  /** Ends the claim; `lengthBytes` may be less than was claimed. Not visible before `publish`. */
  commit(lengthBytes: number = this.#claimBytes): void {
    assert(this.#claimIndex !== -1, 'a commit follows a claim')
    assert((lengthBytes | 0) === lengthBytes && lengthBytes >= 0, 'a length is a whole number of bytes')
    assert(lengthBytes <= this.#claimBytes, 'a commit is no longer than its claim')
    const paddingBytes = this.#claimPadding
    if (paddingBytes !== 0) this.words[(this.#tail & this.#mask) >> 2] = -paddingBytes
    this.words[this.#claimIndex >> 2] = lengthBytes
    this.#tail = (this.#tail + paddingBytes + recordBytes(lengthBytes)) | 0
    this.#claimIndex = -1
  }

  /** Gives the claim up: what was written into it is never seen. Without a claim it does nothing. */
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

  /** Bytes of committed records, with headers and padding, that the consumer cannot see yet. */
  get unpublishedBytes(): number {
    return (this.#tail - this.#published) | 0
  }

  /** Bytes that the consumer has not released yet, committed ones included. Looks at the head. */
  usedBytes(): number {
    this.#lookAtHead()
    return (this.#tail - this.#head) | 0
  }

  /** The credit: bytes that records, headers and padding may still take. Looks at the head. */
  creditBytes(): number {
    return this.capacityBytes - this.usedBytes()
  }

  /** The head comes from another thread: it is checked before it allows anything to be written over. */
  #lookAtHead(): void {
    const head = Atomics.load(this.#control, HEAD_WORD)
    const usedBytes = (this.#tail - head) | 0
    assert(usedBytes >= 0 && usedBytes <= this.capacityBytes, 'the head lies within the ring')
    assert((head & (RECORD_ALIGN - 1)) === 0, 'the head is at a record')
    this.#head = head
  }
}

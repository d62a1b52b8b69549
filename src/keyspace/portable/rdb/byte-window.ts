/**
 * The part of a file that has come and is not read yet.
 *
 * Chunks come as they like, so a length may be cut anywhere. Whoever reads does so in steps: `missing` throws
 * INCOMPLETE, the window goes back to where the step began, and the step is done again when more has come. It
 * remembers how many bytes the step wanted, so that a string of 100 MB is not tried for with each chunk. The
 * alternative, a generator or a promise per field, costs more than all the reading.
 *
 *     chunk …  │ read and forgotten │ read in this step │ not read │
 *              0                  #start             position     end
 *
 * Memory: what a step needs and has come; never by a length alone. A chunk is used in place until the next
 * one comes; what is left of it is copied before.
 *
 * Invariants: (1) #start ≤ position ≤ end; (2) the checksum holds all bytes before #start and none behind.
 * Tests: test/keyspace/portable/rdb/byte-window.test.ts
 */
import { type ByteString, Crc64, RdbInput } from '../../engine/index.ts'
import { invalidImport } from '../import-error.ts'

/** Thrown by a step that needs more bytes. Not an error: nobody sees it but the reader's loop. */
export const INCOMPLETE: unique symbol = Symbol('incomplete')

const NOTHING = new Uint8Array()
const OWN_BYTES_MIN = 4096

/** Bytes that come in chunks. */
export class ByteWindow extends RdbInput {
  readonly #source: string
  readonly #crc = new Crc64()
  #start = 0
  /** Where the window's first byte lies in the file. */
  #origin = 0
  #wanted = 0
  /** Whether the window's memory is its own, and not a chunk. */
  #isOwn = false

  constructor(source: string) {
    super()
    this.#source = source
  }

  /** Where the next byte lies in the file. */
  get offset(): number {
    return this.#origin + this.position
  }

  /** Bytes that are there and not read yet. */
  get left(): number {
    return this.end - this.position
  }

  /** The checksum of everything before the present step. */
  get checksum(): bigint {
    return this.#crc.value
  }

  /** Adds a chunk. False: the step that was tried last needs still more. */
  push(chunk: Uint8Array): boolean {
    if (this.#start === this.end) this.#use(chunk)
    else this.#append(chunk)
    return this.end - this.#start >= this.#wanted
  }

  /** Lets go of the last chunk: what is left of it is copied. Call it before another chunk is asked for. */
  keep(): void {
    if (!this.#isOwn && this.#start < this.end) this.#append(NOTHING)
  }

  /** What was read so far is not read again. */
  commit(): void {
    this.#crc.update(this.bytes, this.#start, this.position)
    this.#start = this.position
    this.#wanted = 0
  }

  /** Goes back to the beginning of the step. */
  rewind(): void {
    this.position = this.#start
  }

  /** Goes on by so many bytes, as far as they are there; returns how many they were. */
  skip(count: number): number {
    const skipped = Math.min(count, this.left)
    this.position += skipped
    return skipped
  }

  /** Asks for `count` bytes more, in a step of its own. */
  want(count: number): never {
    return this.missing(this.left + count)
  }

  /** So many bytes as they are. */
  raw(count: number): ByteString {
    return this.latin1(count)
  }

  /** A length, exact up to 2^64. */
  bigLength(): bigint {
    const from = this.position
    const length = this.length()
    return length <= Number.MAX_SAFE_INTEGER ? BigInt(length) : this.view.getBigUint64(from + 1)
  }

  /** The length of a string that lies here, packed or not; 0 for an integer. Its bytes come next. */
  stringSize(): number {
    const first = this.bytes[this.take(1)]!
    if (first < 0xc0) {
      this.position--
      return this.length()
    }
    if (first <= 0xc2) {
      this.take(1 << (first & 3))
      return 0
    }
    if (first !== 0xc3) return this.damaged(`found byte ${first}, expected a string`)
    const packed = this.length()
    this.length()
    return packed
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true)
  }

  int64(): bigint {
    return this.view.getBigInt64(this.take(8), true)
  }

  uint64(): bigint {
    return this.view.getBigUint64(this.take(8), true)
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true)
  }

  /** @throws SHL_IMPORT_INVALID, at the present byte unless told otherwise */
  fail(reason: string, offset = this.offset): never {
    throw invalidImport(this.#source, offset, reason)
  }

  /** `count` is from the present byte on. */
  protected override missing(count: number): never {
    this.#wanted = this.position - this.#start + count
    throw INCOMPLETE
  }

  protected override damaged(reason: string): never {
    this.fail(reason)
  }

  #use(chunk: Uint8Array): void {
    this.#origin += this.end
    this.bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) as typeof this.bytes
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.end = chunk.length
    this.#isOwn = false
    this.#start = 0
    this.position = 0
  }

  /** Puts a chunk behind what is left of those before, in memory of the window's own. */
  #append(chunk: Uint8Array): void {
    const kept = this.end - this.#start
    const size = kept + chunk.length
    if (!this.#isOwn || size > this.bytes.length) {
      // Twice as much as has come, so that each byte is copied a few times at most.
      const larger = Buffer.allocUnsafeSlow(Math.max(size, Math.min(2 * size, this.#wanted), OWN_BYTES_MIN))
      this.bytes.copy(larger, 0, this.#start, this.end)
      this.bytes = larger as typeof this.bytes
      this.view = new DataView(larger.buffer, larger.byteOffset, larger.byteLength)
      this.#isOwn = true
    } else if (this.#start > 0) {
      this.bytes.copyWithin(0, this.#start, this.end)
    }
    this.bytes.set(chunk, kept)
    this.#origin += this.#start
    this.position -= this.#start
    this.#start = 0
    this.end = size
  }
}

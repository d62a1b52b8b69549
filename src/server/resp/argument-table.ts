/**
 * Where the arguments of one request lie: a row of offset and length for each.
 *
 * Two arrays of integers and no objects: filling them allocates nothing, and a client that sends many small
 * arguments costs 8 bytes for each of at least 6 that it has sent. Arguments that were received into memory
 * of their own (large-argument.ts) have the offset ELSEWHERE.
 *
 * Invariant: `isContiguous` is false exactly when a row has the offset ELSEWHERE, and then `own` has it.
 * Tests: test/server/resp/request-parser.test.ts
 */
import { MIDDLE_CHARS_MAX, middleLatin1, SHORT_CHARS_MAX, shortLatin1 } from '../../codec/index.ts'
import type { Argument } from '../../keyspace/engine/index.ts'

/** The offset of an argument that does not lie where the others do. */
export const ELSEWHERE: number = -1

const ROWS_MIN = 16
const ROWS_KEPT = 256

const { latin1Slice } = Buffer.prototype as Buffer & { latin1Slice(start: number, end: number): string }

/** The arguments of one request. */
export class ArgumentTable {
  offsets: Int32Array = new Int32Array(ROWS_MIN)
  lengths: Int32Array = new Int32Array(ROWS_MIN)
  isContiguous = true
  /** Bytes that the request has elsewhere. */
  ownBytes = 0
  #own: (Uint8Array | undefined)[] = []

  put(index: number, offset: number, length: number): void {
    if (index === this.offsets.length) this.grow()
    this.offsets[index] = offset
    this.lengths[index] = length
  }

  putOwn(index: number, bytes: Uint8Array): void {
    this.put(index, ELSEWHERE, bytes.length)
    this.#own[index] = bytes
    this.ownBytes += bytes.length
    this.isContiguous = false
  }

  /** Makes room for another row. */
  grow(): void {
    const { offsets, lengths } = this
    this.offsets = new Int32Array(offsets.length * 2)
    this.lengths = new Int32Array(offsets.length * 2)
    this.offsets.set(offsets)
    this.lengths.set(lengths)
  }

  /** The bytes of the first `count` rows have moved down. */
  rebase(count: number, by: number): void {
    const { offsets } = this
    for (let i = 0; i < count; i++) if (offsets[i]! >= 0) offsets[i]! -= by
  }

  /** Forgets what belongs to the last request. */
  clear(): void {
    if (!this.isContiguous) {
      this.#own = []
      this.isContiguous = true
    }
    this.ownBytes = 0
    if (this.offsets.length > ROWS_KEPT) {
      this.offsets = new Int32Array(ROWS_MIN)
      this.lengths = new Int32Array(ROWS_MIN)
    }
  }

  /** An argument: from `largeBytes` on as bytes that are nobody else's, else as a string. */
  argument(bytes: Uint8Array, index: number, largeBytes: number): Argument {
    const offset = this.offsets[index]!
    const length = this.lengths[index]!
    if (offset < 0) return this.#ownArgument(index, largeBytes)
    if (length >= largeBytes) return Uint8Array.prototype.slice.call(bytes, offset, offset + length)
    if (length <= SHORT_CHARS_MAX) return shortLatin1(bytes, offset, length)
    if (length <= MIDDLE_CHARS_MAX) return middleLatin1(bytes, offset, length)
    return latin1Slice.call(bytes, offset, offset + length)
  }

  #ownArgument(index: number, largeBytes: number): Argument {
    const own = this.#own[index]!
    return own.length >= largeBytes ? own : latin1Slice.call(own, 0, own.length)
  }
}

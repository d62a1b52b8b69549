/**
 * Ziplists: how Redis up to 6 kept small collections.
 *
 *     total    4 bytes    all of it, with itself
 *     tail     4 bytes    where the last entry begins
 *     count    2 bytes    entries; 65535: as many as there are
 *     entry    size of the entry before: 1 byte, or 254 and 4 bytes
 *              00llllll, bytes                text of up to 63 bytes
 *              01llllll llllllll, bytes       text of up to 16383 bytes
 *              10000000, 4 bytes, bytes       text; the length is big-endian
 *              11000000, 11010000, 11100000   a number of 2, 4, 8 bytes, little-endian
 *              11110000, 11111110             a number of 3 bytes, of 1 byte
 *              1111nnnn                       the number n - 1, for n from 1 to 13
 *     end      1 byte     0xff
 *
 * Numbers are little-endian where nothing is said.
 *
 * Tests: test/keyspace/portable/rdb/text-cursor.test.ts
 * Source: Redis 6.2, src/ziplist.c.
 */
import type { ByteString } from '../../engine/index.ts'
import { EntryCursor, type Fail } from './text-cursor.ts'

const HEADER_BYTES = 10
const TAIL_AT = 4
const WIDE = 254

/** The elements of a ziplist. */
export class Ziplist extends EntryCursor {
  /** Where the entry before begins, and its size. */
  #lastStart = HEADER_BYTES
  #lastSize = 0

  constructor(blob: Uint8Array, fail: Fail) {
    super('ziplist', HEADER_BYTES, blob, fail)
  }

  protected override entry(first: number, start: number): ByteString {
    const before = first === WIDE ? this.view.getUint32(this.take(4), true) : first
    if (before !== this.#lastSize) {
      this.damaged(`an entry of ${this.#lastSize} bytes is followed by a size of ${before}`)
    }
    const text = this.#text(this.byte())
    this.#lastStart = start
    this.#lastSize = this.position - start
    return text
  }

  protected override checkEnd(): void {
    const tail = this.view.getUint32(TAIL_AT, true)
    if (tail !== this.#lastStart) {
      this.damaged(`its last entry is at ${this.#lastStart}, and its header says ${tail}`)
    }
  }

  #text(first: number): ByteString {
    if (first < 0x40) return this.latin1(first)
    if (first < 0x80) return this.latin1(((first & 0x3f) << 8) | this.byte())
    // The lower bits of these were never looked at.
    if (first < 0xc0) return this.latin1(this.view.getUint32(this.take(4)))
    if (first > 0xf0 && first < 0xfe) return String(first - 0xf1)
    switch (first) {
      case 0xc0:
        return String(this.view.getInt16(this.take(2), true))
      case 0xd0:
        return String(this.view.getInt32(this.take(4), true))
      case 0xe0:
        return String(this.view.getBigInt64(this.take(8), true))
      case 0xf0:
        return String(this.bytes.readIntLE(this.take(3), 3))
      case 0xfe:
        return String(this.view.getInt8(this.take(1)))
      default:
        return this.damaged(`found byte ${first}, expected an entry`)
    }
  }
}

/**
 * Listpacks: how Redis 7 keeps small collections.
 *
 *     total    4 bytes    all of it, with itself
 *     count    2 bytes    entries; 65535: as many as there are
 *     entry    0nnnnnnn                       a number of 7 bits, not negative
 *              10llllll, bytes                text of up to 63 bytes
 *              110nnnnn nnnnnnnn              a number of 13 bits, the sign in front
 *              1110llll llllllll, bytes       text of up to 4095 bytes
 *              11110000, 4 bytes, bytes       text; the length is little-endian
 *              11110001 … 11110100            a number of 2, 3, 4, 8 bytes, little-endian
 *              back       1-5 bytes           the size of the entry up to here, for who comes from behind
 *     end      1 byte     0xff
 *
 * Tests: test/keyspace/portable/rdb/text-cursor.test.ts
 * Source: Redis 7.2, src/listpack.c.
 */
import type { ByteString } from '../../engine/index.ts'
import { EntryCursor, type Fail } from './text-cursor.ts'

const HEADER_BYTES = 6

/** The elements of a listpack. */
export class Listpack extends EntryCursor {
  constructor(blob: Uint8Array, fail: Fail) {
    super('listpack', HEADER_BYTES, blob, fail)
  }

  protected override entry(first: number, start: number): ByteString {
    const text = this.#text(first)
    this.#back(this.position - start)
    return text
  }

  #text(first: number): ByteString {
    if (first < 0x80) return String(first)
    if (first < 0xc0) return this.latin1(first & 0x3f)
    if (first < 0xe0) return String(((((first & 0x1f) << 8) | this.byte()) << 19) >> 19)
    if (first < 0xf0) return this.latin1(((first & 0x0f) << 8) | this.byte())
    switch (first) {
      case 0xf0:
        return this.latin1(this.view.getUint32(this.take(4), true))
      case 0xf1:
        return String(this.view.getInt16(this.take(2), true))
      case 0xf2:
        return String(this.bytes.readIntLE(this.take(3), 3))
      case 0xf3:
        return String(this.view.getInt32(this.take(4), true))
      case 0xf4:
        return String(this.view.getBigInt64(this.take(8), true))
      default:
        return this.damaged(`found byte ${first}, expected an entry`)
    }
  }

  /** Seven bits a byte, the lowest in the last; all but the first are marked by their highest bit. */
  #back(size: number): void {
    const count = size < 128 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5
    let found = 0
    for (let i = 0; i < count; i++) {
      const byte = this.byte()
      if (byte > 0x7f !== i > 0) this.damaged(`the size behind an entry of ${size} bytes is not one`)
      found = found * 0x80 + (byte & 0x7f)
    }
    if (found !== size) this.damaged(`an entry of ${size} bytes is followed by a size of ${found}`)
  }
}

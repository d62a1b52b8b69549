/**
 * Intsets: how Redis keeps sets of nothing but integers while they are small.
 *
 *     width    4 bytes    2, 4 or 8: bytes of each number
 *     count    4 bytes
 *     number … ascending, signed; all is little-endian
 *
 * Tests: test/keyspace/portable/rdb/text-cursor.test.ts
 * Source: Redis 7.2, src/intset.c.
 */
import type { ByteString } from '../../engine/index.ts'
import { type Fail, TextCursor } from './text-cursor.ts'

const HEADER_BYTES = 8

/** The members of an intset. */
export class Intset extends TextCursor {
  readonly #width: number
  #last: number | bigint = Number.NEGATIVE_INFINITY

  /** @throws SHL_IMPORT_INVALID when header and size do not agree */
  constructor(blob: Uint8Array, fail: Fail) {
    super('intset', blob, fail)
    const at = this.take(HEADER_BYTES)
    this.#width = this.view.getUint32(at, true)
    const count = this.view.getUint32(at + 4, true)
    if (this.#width !== 2 && this.#width !== 4 && this.#width !== 8) {
      this.damaged(`found numbers of ${this.#width} bytes, expected 2, 4 or 8`)
    }
    if (HEADER_BYTES + count * this.#width !== blob.length) {
      this.damaged(`its header says ${count} numbers of ${this.#width} bytes`)
    }
  }

  override next(): ByteString | undefined {
    if (this.position === this.end) return undefined
    const value = this.#number(this.take(this.#width))
    if (value <= this.#last) this.damaged(`found ${value} behind ${this.#last}, expected a larger number`)
    this.#last = value
    return String(value)
  }

  #number(at: number): number | bigint {
    switch (this.#width) {
      case 2:
        return this.view.getInt16(at, true)
      case 4:
        return this.view.getInt32(at, true)
      default:
        return this.view.getBigInt64(at, true)
    }
  }
}

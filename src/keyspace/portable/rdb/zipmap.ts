/**
 * Zipmaps: how Redis up to 2.4 kept small hashes.
 *
 *     count    1 byte     fields; 254 or 255: as many as there are
 *     field    length, bytes
 *     value    length, 1 byte that says how many bytes behind it are free, bytes, free bytes
 *     end      1 byte     0xff
 *     length   1 byte up to 253; or 254 and 4 bytes, little-endian
 *
 * Tests: test/keyspace/portable/rdb/text-cursor.test.ts
 * Source: Redis 7.2, src/zipmap.c.
 */
import type { ByteString } from '../../engine/index.ts'
import { type Fail, TextCursor } from './text-cursor.ts'

const COUNT_UNKNOWN = 254
const WIDE = 254
const END = 0xff

/** The fields and values of a zipmap, in turn. */
export class Zipmap extends TextCursor {
  readonly #count: number
  #seen = 0

  /** @throws SHL_IMPORT_INVALID when it is empty */
  constructor(blob: Uint8Array, fail: Fail) {
    super('zipmap', blob, fail)
    this.#count = this.byte()
  }

  override next(): ByteString | undefined {
    const first = this.byte()
    const isValue = this.#seen % 2 === 1
    if (first === END) return isValue ? this.damaged('a field has no value') : this.#end()
    const length = first === WIDE ? this.view.getUint32(this.take(4), true) : first
    const free = isValue ? this.byte() : 0
    const text = this.latin1(length)
    this.take(free)
    this.#seen++
    return text
  }

  #end(): undefined {
    if (this.position !== this.end) this.damaged('it ends too early')
    // Whoever asks again gets the same.
    this.position--
    if (this.#count < COUNT_UNKNOWN && this.#count * 2 !== this.#seen) {
      this.damaged(`it has ${this.#seen / 2} fields, and says ${this.#count}`)
    }
    return undefined
  }
}

/**
 * Lengths and strings as Redis writes them, in payloads of DUMP and in RDB files.
 *
 *     length   00llllll                       of 6 bits
 *              01llllll llllllll              of 14 bits
 *              10000000 and 4 bytes           of 32 bits, big-endian; 10000001 and 8 bytes: of 64
 *     string   a length, bytes
 *              11000000, 11000001, 11000010   an integer of 1, 2 or 4 bytes, little-endian
 *              11000011 packed, length        two lengths, and bytes packed with LZF
 *
 * What it means that bytes are not there differs: a payload is damaged then, of a file more may come. So that
 * is asked of the class that extends this one; nothing is read behind `end`, and no memory is taken for bytes
 * that are not there.
 *
 * Tests: test/keyspace/engine/dump/rdb-string.test.ts
 * Source: Redis 7.2, src/rdb.c.
 */
import { SHORT_CHARS_MAX, shortLatin1 } from '../../../codec/index.ts'
import { type ByteString, VALUE_BYTES_MAX } from '../byte-string.ts'
import { unpackLzf } from './lzf.ts'

/** Node's own method below `toString`, which spares a third of a short call. */
type NativeBuffer = Buffer & { latin1Slice(start: number, end: number): string }

const INT8 = 0xc0
const INT16 = 0xc1
const INT32 = 0xc2
const LZF = 0xc3

/** Bytes that are read from `position` to `end`. */
export abstract class RdbInput {
  protected bytes: NativeBuffer
  protected view: DataView
  protected position = 0
  protected end: number

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as NativeBuffer
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = bytes.length
  }

  /** `count` bytes are wanted, and fewer are left. */
  protected abstract missing(count: number): never

  /** What was read cannot be. */
  protected abstract damaged(reason: string): never

  byte(): number {
    return this.bytes[this.take(1)]!
  }

  /** A length, exact up to 2^53. */
  length(): number {
    return this.#lengthAfter(this.byte())
  }

  /** A string of any form. */
  text(): ByteString {
    const first = this.byte()
    if (first < INT8) return this.latin1(this.#stringLength(first))
    switch (first) {
      case INT8:
        return String(this.view.getInt8(this.take(1)))
      case INT16:
        return String(this.view.getInt16(this.take(2), true))
      case INT32:
        return String(this.view.getInt32(this.take(4), true))
      default: {
        const bytes = this.#unpacked(first) as NativeBuffer
        return bytes.latin1Slice(0, bytes.length)
      }
    }
  }

  /** The same as bytes: those that lie here, or a buffer of their own. */
  blob(): Buffer {
    const first = this.byte()
    if (first === LZF) return this.#unpacked(first)
    if (first >= INT8) return this.damaged('an integer where bytes were expected')
    const length = this.#stringLength(first)
    const start = this.take(length)
    return this.bytes.subarray(start, start + length)
  }

  /** Goes on by so many bytes, and returns where they begin. */
  protected take(count: number): number {
    if (count > this.end - this.position) this.missing(count)
    this.position += count
    return this.position - count
  }

  /** The next bytes as they are. */
  protected latin1(length: number): ByteString {
    const start = this.take(length)
    if (length <= SHORT_CHARS_MAX && start + SHORT_CHARS_MAX <= this.bytes.length) {
      return shortLatin1(this.bytes, start, length)
    }
    return this.bytes.latin1Slice(start, start + length)
  }

  #lengthAfter(first: number): number {
    if (first < 0x40) return first
    if (first < 0x80) return ((first & 0x3f) << 8) | this.byte()
    if (first === 0x80) return this.view.getUint32(this.take(4))
    if (first === 0x81) return Number(this.view.getBigUint64(this.take(8)))
    return this.damaged(`found byte ${first}, expected a length`)
  }

  #stringLength(first: number): number {
    const length = this.#lengthAfter(first)
    if (length > VALUE_BYTES_MAX) {
      return this.damaged(`found a string of ${length} bytes, expected at most ${VALUE_BYTES_MAX}`)
    }
    return length
  }

  #unpacked(first: number): Buffer {
    if (first !== LZF) return this.damaged(`found byte ${first}, expected a string`)
    const packedLength = this.#stringLength(this.byte())
    const length = this.length()
    const start = this.take(packedLength)
    const bytes = unpackLzf(this.bytes.subarray(start, start + packedLength), length)
    if (bytes === undefined) {
      return this.damaged(`${packedLength} bytes of LZF do not unpack to ${length}`)
    }
    return Buffer.from(bytes.buffer)
  }
}

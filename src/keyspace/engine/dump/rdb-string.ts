/**
 * Redis' own payload of a string, as a server up to 7.2 writes it for DUMP.
 *
 *     type 0   1 byte
 *     string   00llllll                       length of 6 bits, bytes
 *              01llllll llllllll              of 14 bits
 *              10000000 and 4 bytes           of 32 bits, big-endian; 10000001 and 8 bytes: of 64
 *              11000000, 11000001, 11000010   an integer of 1, 2 or 4 bytes, little-endian
 *              11000011 packed, length        two lengths, and bytes packed with LZF
 *     version  2 bytes, little-endian: at most 11
 *     CRC-64   8 bytes, little-endian, of all before
 *
 * Other types have many encodings each, and are refused.
 *
 * Tests: test/keyspace/engine/dump/rdb-string.test.ts
 * Source: Redis 7.2, src/rdb.c, src/cluster.c (createDumpPayload), src/lzf_d.c.
 */
import { type ByteString, byteString, VALUE_BYTES_MAX } from '../byte-string.ts'
import { crc64 } from './crc64.ts'
import { BAD_CHECKSUM, BAD_PAYLOAD } from './dump-format.ts'

const TYPE_STRING = 0
const VERSION_MAX = 11
const FOOTER_BYTES = 10
/** Three bytes of LZF stand for 264 at most. */
const LZF_RATIO_MAX = 88

/** The string of a payload. @throws ErrorReply when it is damaged, newer, or of another type */
export function readRdbString(payload: Uint8Array): ByteString {
  const end = payload.length - FOOTER_BYTES
  if (end < 0) throw BAD_CHECKSUM
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (view.getUint16(end, true) > VERSION_MAX) throw BAD_CHECKSUM
  if (crc64(payload.subarray(0, end + 2)) !== view.getBigUint64(end + 2, true)) throw BAD_CHECKSUM
  if (end === 0 || payload[0] !== TYPE_STRING) throw BAD_PAYLOAD
  const reader = new RdbReader(payload, view, 1, end)
  const value = reader.string()
  if (!reader.isAtEnd) throw BAD_PAYLOAD
  return value
}

class RdbReader {
  readonly #payload: Uint8Array
  readonly #view: DataView
  readonly #end: number
  #at: number

  constructor(payload: Uint8Array, view: DataView, start: number, end: number) {
    this.#payload = payload
    this.#view = view
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end
  }

  string(): ByteString {
    const first = this.#byte()
    switch (first) {
      case 0xc0:
        return String(this.#view.getInt8(this.#take(1)))
      case 0xc1:
        return String(this.#view.getInt16(this.#take(2), true))
      case 0xc2:
        return String(this.#view.getInt32(this.#take(4), true))
      case 0xc3: {
        const packed = this.#length(this.#byte())
        const length = this.#length(this.#byte())
        return byteString(unpackLzf(this.#bytes(packed), length))
      }
      default:
        return byteString(this.#bytes(this.#length(first)))
    }
  }

  #length(first: number): number {
    if (first < 0x40) return first
    if (first < 0x80) return ((first & 0x3f) << 8) | this.#byte()
    if (first === 0x80) return this.#view.getUint32(this.#take(4))
    if (first === 0x81) return Number(this.#view.getBigUint64(this.#take(8)))
    throw BAD_PAYLOAD
  }

  #byte(): number {
    return this.#payload[this.#take(1)]!
  }

  #bytes(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#payload.subarray(start, start + length)
  }

  /** Goes on by so many bytes, and returns where they begin. */
  #take(count: number): number {
    if (count > this.#end - this.#at) throw BAD_PAYLOAD
    this.#at += count
    return this.#at - count
  }
}

/** LZF: literal runs of up to 32 bytes, and copies of up to 264 from at most 8 KiB back. */
function unpackLzf(packed: Uint8Array, length: number): Uint8Array {
  if (length > VALUE_BYTES_MAX || length > packed.length * LZF_RATIO_MAX) throw BAD_PAYLOAD
  const bytes = new Uint8Array(length)
  let at = 0
  let to = 0
  while (at < packed.length) {
    const control = packed[at++]!
    if (control < 0x20) {
      const count = control + 1
      if (at + count > packed.length || to + count > length) throw BAD_PAYLOAD
      bytes.set(packed.subarray(at, at + count), to)
      at += count
      to += count
      continue
    }
    let count = control >> 5
    if (count === 7) count += packed[at++] ?? 0
    const from = to - ((control & 0x1f) << 8) - (packed[at++] ?? length) - 1
    count += 2
    if (from < 0 || to + count > length) throw BAD_PAYLOAD
    // Byte by byte: a copy may overlap what it makes.
    for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i]!
    to += count
  }
  if (to !== length) throw BAD_PAYLOAD
  return bytes
}

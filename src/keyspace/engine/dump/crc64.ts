/**
 * CRC-64 as Redis has it at the end of DUMP and of its files: Jones' polynomial, reflected, beginning at 0.
 *
 * In 32-bit halves, since a bigint per byte would be fifty times as slow, and eight bytes at a time, by a
 * table for each of eight places ("slicing by 8"): twice as fast as byte by byte.
 *
 * Cost: about 1.3 ns a byte. Tests: test/keyspace/engine/dump/crc64.test.ts
 * Source: Redis 7.2, src/crc64.c; the check value of "123456789" is e9c6d914c4b8d9ca. Slicing: Kounavis and
 * Berry, "A systematic approach to building high performance software-based CRC generators" (2005).
 */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n
const SLICES = 8

/** What a byte becomes that is followed by 0 to 7 others: a table of 256 words for each. */
const LOW = new Int32Array(256 * SLICES)
const HIGH = new Int32Array(256 * SLICES)
for (let byte = 0; byte < 256; byte++) {
  let crc = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 0n ? crc >> 1n : (crc >> 1n) ^ POLYNOMIAL
  LOW[byte] = Number(BigInt.asIntN(32, crc))
  HIGH[byte] = Number(BigInt.asIntN(32, crc >> 32n))
}
for (let at = 256; at < LOW.length; at++) {
  const low = LOW[at - 256]!
  const high = HIGH[at - 256]!
  LOW[at] = ((low >>> 8) | (high << 24)) ^ LOW[low & 0xff]!
  HIGH[at] = (high >>> 8) ^ HIGH[low & 0xff]!
}

/** A checksum of bytes that come one after another. */
export class Crc64 {
  #low = 0
  #high = 0

  /** The bytes from `start` to before `end` come next. */
  update(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    let low = this.#low
    let high = this.#high
    let at = start
    for (; at + SLICES <= end; at += SLICES) {
      low ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      high ^= bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24)
      const a = 0x700 | (low & 0xff)
      const b = 0x600 | ((low >>> 8) & 0xff)
      const c = 0x500 | ((low >>> 16) & 0xff)
      const d = 0x400 | (low >>> 24)
      const e = 0x300 | (high & 0xff)
      const f = 0x200 | ((high >>> 8) & 0xff)
      const g = 0x100 | ((high >>> 16) & 0xff)
      const h = high >>> 24
      low = LOW[a]! ^ LOW[b]! ^ LOW[c]! ^ LOW[d]! ^ LOW[e]! ^ LOW[f]! ^ LOW[g]! ^ LOW[h]!
      high = HIGH[a]! ^ HIGH[b]! ^ HIGH[c]! ^ HIGH[d]! ^ HIGH[e]! ^ HIGH[f]! ^ HIGH[g]! ^ HIGH[h]!
    }
    for (; at < end; at++) {
      const index = (low ^ bytes[at]!) & 0xff
      low = ((low >>> 8) | (high << 24)) ^ LOW[index]!
      high = (high >>> 8) ^ HIGH[index]!
    }
    this.#low = low
    this.#high = high
  }

  /** Of all bytes so far. */
  get value(): bigint {
    return (BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)
  }
}

/** The checksum of bytes. */
export function crc64(bytes: Uint8Array): bigint {
  const crc = new Crc64()
  crc.update(bytes)
  return crc.value
}

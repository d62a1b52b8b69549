/**
 * A hash of byte strings that others cannot aim at: HalfSipHash-1-3 with a key of its owner.
 *
 * V8 has a seeded hash of every string but does not give it away. FNV and its like are as fast, but anyone
 * may write down thousands of fields that fall into one chain, and then every command on that hash is slow;
 * Redis took SipHash for the same reason. Nothing that a client sees depends on the hash, so that two
 * processes with the same data may have different seeds.
 *
 * Cost: about 1 ns a byte, plus 10 ns. All bytes count, also of a long string: if only its ends did, anyone
 * could make strings that differ in between.
 * Tests: test/keyspace/engine/values/byte-hash.test.ts
 * Source: Aumasson and Bernstein, SipHash; https://github.com/veorq/SipHash (halfsiphash.c).
 */
import type { ByteString } from '../byte-string.ts'

/** 32 bits, signed. */
export function hashBytes(text: ByteString, seed: number): number {
  return halfSipHash13(text, seed | 0, Math.imul(seed ^ 0x5bf03635, 0x85ebca6b))
}

/** One compression round a word of four bytes, three to finish. */
export function halfSipHash13(text: ByteString, key0: number, key1: number): number {
  const length = text.length
  let v0 = key0
  let v1 = key1
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  const wholeEnd = length & ~3
  let rest = length << 24
  for (let i = wholeEnd; i < length; i++) rest |= text.charCodeAt(i) << ((i - wholeEnd) << 3)
  // The words, then the rest with the length, then three rounds to finish.
  const finish = wholeEnd + 4
  const last = finish + 12
  for (let i = 0; i < last; i += 4) {
    let word = 0
    if (i < wholeEnd) {
      word =
        text.charCodeAt(i) |
        (text.charCodeAt(i + 1) << 8) |
        (text.charCodeAt(i + 2) << 16) |
        (text.charCodeAt(i + 3) << 24)
    } else if (i === wholeEnd) word = rest
    else if (i === finish) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}

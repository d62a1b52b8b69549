/**
 * A hash of byte strings that others cannot aim at: HalfSipHash-1-3 with a key of its owner.
 *
 * V8 has a seeded hash of every string but does not give it away. FNV and its like are as fast, but anyone may
 * write down thousands of fields that fall into one chain, and then every command on that hash is slow; Redis
 * took SipHash for the same reason. Nothing that a client sees depends on the hash, so that two processes
 * with the same data may have different seeds.
 *
 * Cost: about 1 ns a byte, plus 10 ns. Of a string of more than 1,024 bytes only both ends and the length
 * count: strings that differ only in between share a chain.
 * Tests: test/keyspace/engine/values/byte-hash.test.ts
 * Source: Aumasson and Bernstein, SipHash; https://github.com/veorq/SipHash (halfsiphash.c).
 */
import type { ByteString } from '../byte-string.ts'

const HASHED_WHOLE_MAX = 1024
const HASHED_END = HASHED_WHOLE_MAX >> 1

/** 32 bits, signed. */
export function hashBytes(text: ByteString, seed: number): number {
  const length = text.length
  if (length > HASHED_WHOLE_MAX) {
    const head = hashRange(text, 0, HASHED_END, seed)
    return hashRange(text, length - HASHED_END, length, Math.imul(head ^ length, 0x9e3779b1))
  }
  return hashRange(text, 0, length, seed)
}

/** One compression round a word of four bytes, three to finish. */
function hashRange(text: ByteString, start: number, end: number, seed: number): number {
  const key0 = seed | 0
  const key1 = Math.imul(seed ^ 0x5bf03635, 0x85ebca6b)
  let v0 = key0
  let v1 = key1
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  const wholeEnd = start + ((end - start) & ~3)
  let rest = (end - start) << 24
  for (let i = wholeEnd; i < end; i++) rest |= text.charCodeAt(i) << ((i - wholeEnd) << 3)
  // The words, then the rest with the length, then three rounds to finish.
  const finish = wholeEnd + 4
  const last = finish + 12
  for (let i = start; i < last; i += 4) {
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

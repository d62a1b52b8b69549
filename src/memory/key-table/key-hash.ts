/**
 * The hash of a key: HalfSipHash-1-3, 32 bits, with a seed of 64.
 *
 * Clients choose the keys. With a hash that they can compute, they choose keys that all fall into one chain,
 * and one shard stands still; MurmurHash gives such keys for every seed. SipHash is made against that, and
 * its half version works on 32-bit words, which is what JavaScript has. It costs some 10 ns more than
 * MurmurHash for a key of 16 bytes.
 *
 * Bytes are hashed as little-endian words with the last one filled with zeros, as a record stores its key.
 * Tests: test/memory/key-table/key-hash.test.ts
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the variant is Linux' `hsiphash`.
 */

/** 64 bits that make the hash unknowable from outside. */
export type HashSeed = readonly [low: number, high: number]

/** What is used where no seed is given: good for keys that nobody picks against us. */
export const HASH_SEED_DEFAULT: HashSeed = [0x5eed_1e57, 0x0ddb_a115]

const TEXT_WORDS = 16

/** The hash of `length` bytes that lie in `words`, zeros behind the last one. An int32. */
export function hashWords(words: Int32Array, length: number, seedLow: number, seedHigh: number): number {
  let v0 = seedLow | 0
  let v1 = seedHigh | 0
  let v2 = 0x6c796765 ^ seedLow
  let v3 = 0x74656462 ^ seedHigh
  const full = length >> 2
  // One round per word, then one for the rest with the length, then three to finish.
  for (let i = 0; i < full + 4; i++) {
    let word = 0
    if (i < full) word = words[i]!
    else if (i === full) word = ((length & 3) === 0 ? 0 : words[i]!) | (length << 24)
    else if (i === full + 1) v2 ^= 0xff
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

/** The hash of bytes. */
export function hashBytes(
  bytes: Uint8Array,
  offset: number,
  length: number,
  seed: HashSeed = HASH_SEED_DEFAULT,
): number {
  const words = new Int32Array(Math.max(TEXT_WORDS, (length + 3) >> 2))
  new Uint8Array(words.buffer).set(bytes.subarray(offset, offset + length))
  return hashWords(words, length, seed[0], seed[1]) >>> 0
}

/** The hash of a `ByteString`. */
export function hashKey(key: string, seed: HashSeed = HASH_SEED_DEFAULT): number {
  const bytes = Buffer.from(key, 'latin1')
  return hashBytes(bytes, 0, bytes.length, seed)
}

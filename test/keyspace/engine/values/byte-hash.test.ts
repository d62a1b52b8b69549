/** The hash: the same for the same, another for another seed, and spread evenly. */
import { expect, test } from 'vitest'
import { halfSipHash13, hashBytes } from '../../../../src/keyspace/engine/values/byte-hash.ts'

test('it is HalfSipHash-1-3, by the published vectors: the bytes 0 to n - 1 under the key 0 to 7', () => {
  const vectors = [
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
    0x577999b1, 0xc839caed, 0xe4fa32cf, 0x959246ee, 0x6b28096c, 0x66dd9cd6, 0x16658a7c, 0xd0257b04,
  ]
  for (const [n, expected] of vectors.entries()) {
    const text = String.fromCharCode(...Array.from({ length: n }, (_, i) => i))
    expect(halfSipHash13(text, 0x03020100, 0x07060504) >>> 0).toBe(expected)
  }
})

test('it is a function of all bytes and of the seed', () => {
  for (const length of [1, 2, 3, 4, 5, 7, 8, 13, 64, 1024]) {
    const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 37) & 255)).join('')
    const hash = hashBytes(text, 7)
    expect(hashBytes(text, 7)).toBe(hash)
    expect(hashBytes(text, 8)).not.toBe(hash)
    expect(hashBytes(`${text}\0`, 7)).not.toBe(hash)
    for (let i = 0; i < length; i++) {
      const other = text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) + text.slice(i + 1)
      expect(hashBytes(other, 7)).not.toBe(hash)
    }
  }
})

test('every byte of a long string counts', () => {
  const long = 'x'.repeat(100_000)
  const hashes = new Set(
    [0, 511, 50_000, 99_999].map((at) => hashBytes(`${long.slice(0, at)}y${long.slice(at)}`, 1)),
  )
  expect(hashes.size).toBe(4)
  expect(hashes.has(hashBytes(long, 1))).toBe(false)
})

test.each([
  ['numbered keys', (n: number) => `key:${n}`],
  ['numbers', (n: number) => String(n)],
  ['padded keys', (n: number) => `user:${String(n).padStart(12, '0')}:profile`],
  ['binary', (n: number) => String.fromCharCode(n & 255, (n >> 8) & 255, 0, 0)],
])('%s spread over the buckets as chance would have it', (_, nameOf) => {
  const buckets = new Uint32Array(1024)
  const count = 64 * 1024
  for (let n = 0; n < count; n++) buckets[hashBytes(nameOf(n), 99) & 1023]!++
  // Chi-square with 1,023 degrees of freedom: the mean is 1,023, the deviation 45.
  const chiSquare = buckets.reduce((sum, found) => sum + (found - 64) ** 2 / 64, 0)
  expect(chiSquare).toBeGreaterThan(1023 - 6 * 45)
  expect(chiSquare).toBeLessThan(1023 + 6 * 45)
})

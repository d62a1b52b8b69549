/** The hash: the same for the same, another for another seed, and spread evenly. */
import { expect, test } from 'vitest'
import { hashBytes } from '../../../../src/keyspace/engine/values/byte-hash.ts'

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

test('of a long string the ends and the length count', () => {
  const long = 'x'.repeat(5000)
  expect(hashBytes(`y${long}`, 1)).not.toBe(hashBytes(`x${long}`, 1))
  expect(hashBytes(`${long}y`, 1)).not.toBe(hashBytes(`${long}x`, 1))
  expect(hashBytes(long, 1)).not.toBe(hashBytes(`${long}x`, 1))
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

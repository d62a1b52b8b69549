/** The hash: the published vectors, and the same hash for text and bytes. */
import { expect, test } from 'vitest'
import { hashBytes, hashKey } from '../../../src/memory/index.ts'

/** Of `hsiphash` with the key 00 01 … 07, for the inputs of 0, 1, 2 … bytes 00 01 …. */
const VECTORS = [
  0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6,
]
const SEED = [0x03020100, 0x07060504] as const

test('the hash is HalfSipHash-1-3', () => {
  const input = Uint8Array.from({ length: 64 }, (_, i) => i)
  expect(VECTORS.map((_, length) => hashBytes(input, 0, length, SEED))).toEqual(VECTORS)
})

test('text is hashed as its bytes, wherever they lie', () => {
  for (let length = 0; length < 100; length++) {
    const bytes = Buffer.from(Uint8Array.from({ length: length + 3 }, (_, i) => (i * 37) & 255))
    const text = bytes.toString('latin1', 3)
    expect(hashKey(text)).toBe(hashBytes(bytes, 3, length))
    expect(hashKey(text, SEED)).not.toBe(hashKey(text))
  }
})

test('keys that differ little are spread over the top bits, which choose the stripe', () => {
  const counts = new Int32Array(64)
  for (let i = 0; i < 64_000; i++) counts[hashKey(`key:${i}`) >>> 26]!++
  expect(Math.min(...counts)).toBeGreaterThan(850)
  expect(Math.max(...counts)).toBeLessThan(1150)
})

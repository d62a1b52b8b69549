/** LZF: what it unpacks to, and that it takes no memory for what cannot be. */
import { expect, test } from 'vitest'
import { unpackLzf } from '../../../../src/keyspace/engine/dump/lzf.ts'

function unpacked(packed: readonly number[], length: number): string | undefined {
  const bytes = unpackLzf(Uint8Array.from(packed), length)
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1')
}

test('runs are copied as they are, and copies from what is there, also over themselves', () => {
  expect(unpacked([], 0)).toBe('')
  expect(unpacked([2, 97, 98, 99], 3)).toBe('abc')
  // A copy of 3 from 3 back; of 9 + 10 from 1 back; of 264, the longest.
  expect(unpacked([2, 97, 98, 99, 0x20, 2], 6)).toBe('abcabc')
  expect(unpacked([0, 97, 0xe0, 10, 0], 20)).toBe('a'.repeat(20))
  expect(unpacked([0, 97, 0xe0, 255, 0], 265)).toBe('a'.repeat(265))
  // From 258 back, over a border of what was copied before: 288 bytes, 32 of each letter.
  const runs = [...'ABCDEFGHI'].flatMap((letter) => [31, ...Array(32).fill(letter.charCodeAt(0))])
  expect(unpacked([...runs, 0x21, 1], 291)?.slice(-3)).toBe('AAB')
})

test('what does not unpack to just the length that was said is refused', () => {
  const wrong: readonly (readonly [readonly number[], number])[] = [
    [[2, 97, 98, 99], 2],
    [[2, 97, 98, 99], 4],
    [[2, 97, 98], 3],
    [[0, 97, 0x20, 1], 4],
    [[0, 97, 0x20], 4],
    [[0, 97, 0xe0, 255], 265],
    [[], 1],
  ]
  for (const [packed, length] of wrong)
    expect([packed, unpacked(packed, length)]).toEqual([packed, undefined])
})

test('a length that cannot be takes no memory', () => {
  const before = process.memoryUsage().arrayBuffers
  expect(unpacked([2, 97, 98, 99], 400_000_000)).toBeUndefined()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
})

/** The checksum of short ranges against that of zlib, and what the chain of a log rests on. */
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { crc32Of } from '../../src/storage/crc.ts'

const random = seededRandom(1)
const bytes = Buffer.from(Array.from({ length: 1200 }, () => random.below(256)))
const word = (): number => Math.floor(random.next() * 2 ** 32)

test('every length, from every alignment, gives what zlib gives', () => {
  expect(crc32Of(Buffer.from('123456789'), 0, 9, 0)).toBe(0xcbf43926)
  for (let length = 0; length <= 600; length++) {
    const start = length % 9
    const seed = length % 4 === 0 ? 0 : word()
    const expected = crc32(bytes.subarray(start, start + length), seed)
    expect(crc32Of(bytes, start, start + length, seed), `${length} bytes from ${start}`).toBe(expected)
  }
})

test('a checksum is continued over any cut', () => {
  for (let cut = 0; cut <= 1000; cut += 7) {
    expect(crc32Of(bytes, cut, 1000, crc32Of(bytes, 0, cut, 0))).toBe(crc32Of(bytes, 0, 1000, 0))
  }
})

test('another beginning always gives another end', () => {
  for (let i = 0; i < 2000; i++) {
    const [seed, length] = [word(), random.below(400)]
    // One bit apart, which is as near as they can be.
    const other = (seed ^ (1 << random.below(32))) >>> 0
    expect(crc32Of(bytes, 0, length, seed)).not.toBe(crc32Of(bytes, 0, length, other))
  }
})

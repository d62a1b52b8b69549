/**
 * The window over a file that comes in chunks: steps that are done again, bytes that are kept, the checksum.
 */
import { describe, expect, test } from 'vitest'
import { crc64 } from '../../../../src/keyspace/engine/dump/crc64.ts'
import { ByteWindow, INCOMPLETE } from '../../../../src/keyspace/portable/rdb/byte-window.ts'
import { integer, join, length, little, packed, text } from '../../../support/portable/rdb-file.ts'

/** Whether a step had all of its bytes. */
function attempt(window: ByteWindow, step: () => unknown): unknown {
  try {
    const found = step()
    window.commit()
    return found
  } catch (thrown) {
    if (thrown !== INCOMPLETE) throw thrown
    window.rewind()
    return INCOMPLETE
  }
}

function windowOver(...chunks: readonly Uint8Array[]): ByteWindow {
  const window = new ByteWindow('w')
  for (const chunk of chunks) {
    window.push(chunk)
    window.keep()
  }
  return window
}

describe('a window', () => {
  test('does a step again when its bytes have come', () => {
    const window = windowOver(join([5], 'ab'))
    expect(attempt(window, () => window.text())).toBe(INCOMPLETE)
    window.push(join('cde', [2], 'x'))
    expect(attempt(window, () => window.text())).toBe('abcde')
    expect(attempt(window, () => window.text())).toBe(INCOMPLETE)
    window.push(join('y'))
    expect(attempt(window, () => window.text())).toBe('xy')
    expect(window.left).toBe(0)
  })

  test('says that a step needs more until all that it wanted is there', () => {
    const window = windowOver(text('x'.repeat(100)).subarray(0, 50))
    expect(attempt(window, () => window.text())).toBe(INCOMPLETE)
    expect(window.push(join('x'.repeat(51)))).toBe(false)
    expect(window.push(join('x'))).toBe(true)
    expect(attempt(window, () => window.text())).toBe('x'.repeat(100))
    // What was wanted is forgotten with the step.
    expect(window.push(join([1]))).toBe(true)
  })

  test('takes no memory for a length that was only said', () => {
    const window = windowOver(length(500_000_000))
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 10; i++) {
      expect(attempt(window, () => window.text())).toBe(INCOMPLETE)
      window.push(new Uint8Array(1000))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
  })

  test('copies each byte of a long text a few times at most', () => {
    const content = 'y'.repeat(4_000_000)
    const bytes = text(content)
    const window = new ByteWindow('w')
    const startMs = performance.now()
    for (let i = 0; i < bytes.length; i += 64) {
      if (window.push(bytes.subarray(i, i + 64))) {
        const found = attempt(window, () => window.text())
        expect(found === INCOMPLETE || found === content).toBe(true)
      }
      window.keep()
    }
    expect(window.left).toBe(0)
    // With every chunk copied anew it would be 125 GB.
    expect(performance.now() - startMs).toBeLessThan(10_000)
  })

  test('does not look at a chunk again that its owner has used for something else', () => {
    const chunk = join([4], 'ab')
    const window = new ByteWindow('w')
    window.push(chunk)
    expect(attempt(window, () => window.text())).toBe(INCOMPLETE)
    window.keep()
    chunk.fill(0)
    window.push(join('cd'))
    expect(attempt(window, () => window.text())).toBe('abcd')
  })

  test('knows where in the file it is, and the checksum of all before', () => {
    const bytes = join(text('first'), text('second'), text('third'))
    for (let size = 1; size <= bytes.length; size++) {
      const window = new ByteWindow('w')
      const found: unknown[] = []
      for (let i = 0; i < bytes.length; i += size) {
        window.push(bytes.subarray(i, i + size))
        for (let got = attempt(window, () => window.text()); got !== INCOMPLETE; ) {
          found.push([got, window.offset, window.checksum])
          got = attempt(window, () => window.text())
        }
        window.keep()
      }
      expect(found).toEqual([
        ['first', 6, crc64(bytes.subarray(0, 6))],
        ['second', 13, crc64(bytes.subarray(0, 13))],
        ['third', 19, crc64(bytes)],
      ])
    }
  })
})

describe('what is read from a window', () => {
  test('lengths are exact up to 2^64', () => {
    const lengths = [0, 63, 64, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2n ** 53n + 1n, 2n ** 64n - 1n]
    for (const value of lengths) {
      expect(windowOver(length(value)).bigLength()).toBe(BigInt(value))
    }
    for (const value of [0, 63, 64, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      expect(windowOver(length(value)).length()).toBe(value)
    }
  })

  test('a string is text, an integer or packed', () => {
    const window = windowOver(
      text('t\xff'),
      integer(-128),
      integer(-129),
      integer(2 ** 31 - 1),
      packed('p'.repeat(70)),
    )
    expect([1, 2, 3, 4, 5].map(() => window.text())).toEqual([
      ...['t\xff', '-128', '-129', '2147483647', 'p'.repeat(70)],
    ])
  })

  test('the size of a string tells how far it goes, whatever its form', () => {
    const strings = [text('abc'), integer(1), integer(300), integer(70_000), packed('abc')]
    for (const string of strings) {
      const window = windowOver(join(string, 'next'))
      window.skip(window.stringSize())
      expect(window.raw(4)).toBe('next')
    }
  })

  test('numbers are little-endian', () => {
    const window = windowOver(little(-2, 4), little(-3, 8), little(2n ** 64n - 1n, 8))
    expect([window.int32(), window.int64(), window.uint64()]).toEqual([-2, -3n, 2n ** 64n - 1n])
  })

  test('what cannot be is refused with its place', () => {
    const refusals = [
      [join('xx', [0x82]), 'found byte 130, expected a length'],
      [join('xx', [0xc0]), 'found byte 192, expected a length'],
    ] as const
    for (const [bytes, reason] of refusals) {
      const window = windowOver(bytes)
      window.raw(2)
      expect(() => window.length()).toThrow(`source=w offset=3: ${reason}`)
    }
    expect(() => windowOver(length(2 ** 29)).text()).toThrow(
      'found a string of 536870912 bytes, expected at most',
    )
    expect(() => windowOver(join([0xc4])).text()).toThrow('found byte 196, expected a string')
    expect(() => windowOver(join([0xc4])).stringSize()).toThrow('found byte 196, expected a string')
    expect(() => windowOver(integer(5)).blob()).toThrow('an integer where bytes were expected')
    expect(() => windowOver(join([0xc3], length(3), length(9), [1, 65, 66])).text()).toThrow(
      '3 bytes of LZF do not unpack to 9',
    )
  })
})

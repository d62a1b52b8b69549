/** Counts of two words, on one thread: where the words wrap, and additions that are larger than one step. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ADDEND_MAX, addCount, COUNT_WORDS, readCount } from '../../src/memory/wide-count.ts'

describe('a count', () => {
  test('starts at zero and adds', () => {
    const words = makeCount()
    expect(readCount(words, 0)).toBe(0)
    addCount(words, 0, 0)
    addCount(words, 0, 1)
    addCount(words, 0, 41)
    expect(readCount(words, 0)).toBe(42)
  })

  test.each([2 ** 31, 2 ** 32, 3 * 2 ** 31, 2 ** 40])('is exact one by one across %d', (edge) => {
    const words = makeCount(edge - 3)
    for (let i = 1; i <= 6; i++) {
      addCount(words, 0, 1)
      expect(readCount(words, 0)).toBe(edge - 3 + i)
    }
  })

  test('leaves its neighbours alone', () => {
    const words = new Int32Array(new SharedArrayBuffer(6 * 4))
    addCount(words, COUNT_WORDS, 2 ** 33 + 5)
    expect([readCount(words, 0), readCount(words, 2), readCount(words, 4)]).toEqual([0, 2 ** 33 + 5, 0])
  })

  test('is exact up to 2^53, in one addition or many', () => {
    const words = makeCount()
    addCount(words, 0, Number.MAX_SAFE_INTEGER)
    expect(readCount(words, 0)).toBe(Number.MAX_SAFE_INTEGER)
    const parts = makeCount()
    for (const part of [2 ** 52, 2 ** 51, 2 ** 51 - 2, 1]) addCount(parts, 0, part)
    expect(readCount(parts, 0)).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('helps with a carry that another thread has not told: one that is slow, or gone', () => {
    const words = makeCount(2 ** 31 - 1)
    // What a thread does that is stopped in the middle of an addition.
    Atomics.add(words, 0, 1)
    expect([words[1], readCount(words, 0)]).toEqual([0, 2 ** 31])
    addCount(words, 0, 1)
    expect([words[1], readCount(words, 0)]).toEqual([0, 2 ** 31 + 1])
    // Whoever crosses the next multiple of 2^20 tells it.
    addCount(words, 0, ADDEND_MAX)
    expect([words[1], readCount(words, 0)]).toEqual([1, 2 ** 31 + ADDEND_MAX + 1])
  })
})

test('the sum of any additions, from anywhere, is exact', () => {
  const addends = fc.oneof(
    fc.nat(1000),
    fc.integer({ min: ADDEND_MAX - 2, max: ADDEND_MAX + 2 }),
    fc.integer({ min: 2 ** 31 - 2, max: 2 ** 31 - 1 }),
    fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 45 + 12_345),
  )
  const starts = fc.constantFrom(0, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 50)
  fc.assert(
    fc.property(starts, fc.array(addends, { maxLength: 8 }), (start, list) => {
      const words = makeCount(start)
      let sum = start
      for (const addend of list) {
        addCount(words, 0, addend)
        sum += addend
        expect(readCount(words, 0)).toBe(sum)
      }
    }),
  )
})

function makeCount(start = 0): Int32Array<SharedArrayBuffer> {
  const words = new Int32Array(new SharedArrayBuffer(COUNT_WORDS * 4))
  words[0] = start
  words[1] = Math.floor(start / 2 ** 31)
  return words
}

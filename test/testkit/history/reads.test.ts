/** What each broken promise looks like. */
import { expect, test } from 'vitest'
import { checkReads } from '../../../src/testkit/index.ts'

const writes = [
  { key: 'x', value: 'a', revision: 1n, callAt: 1, returnAt: 2 },
  { key: 'x', value: 'b', revision: 2n, callAt: 3, returnAt: 6 },
]
const read = (thread: number, value: unknown, callAt: number, returnAt = callAt) => {
  return { thread, key: 'x', value, callAt, returnAt }
}
const judged = (...reads: ReturnType<typeof read>[]) => checkReads({ writes, reads })

test('a write under way may be seen or not', () => {
  expect(judged(read(1, 'a', 4), read(2, 'b', 4), read(2, 'b', 5), read(1, 'a', 5)).ok).toBe(true)
  expect(judged(read(1, undefined, 1, 2)).ok).toBe(true)
})

test('each violation says what was read, and what should have been', () => {
  expect(judged(read(1, 'a', 7, 8)).text).toBe(
    'stale: thread 1 read x="a" between 7 and 8, after "b" had been acknowledged',
  )
  expect(judged(read(1, 'b', 4), read(1, 'a', 5)).text).toBe(
    'went back: thread 1 read x="a" between 5 and 5, after "b" had been seen',
  )
  expect(judged(read(1, 'b', 1, 2)).text).toBe(
    'from the future: thread 1 read x="b" between 1 and 2, which was written only from 3 on',
  )
  expect(judged(read(1, 'ab', 4)).text).toBe(
    'never written: thread 1 read x="ab" between 4 and 4, which nobody wrote',
  )
})

test('across threads only if asked', () => {
  const reads = [read(1, 'b', 4), read(2, 'a', 5)]
  expect(checkReads({ writes, reads }).ok).toBe(true)
  expect(checkReads({ writes, reads }, { acrossThreads: true }).ok).toBe(false)
})

test('times must make sense, and options exist', () => {
  expect(() => judged(read(1, 'a', 5, 4))).toThrow(expect.objectContaining({ code: 'SHL_OPTION_INVALID' }))
  expect(() => checkReads({ writes, reads: [] }, { accross: true } as never)).toThrow(
    expect.objectContaining({ code: 'SHL_OPTION_UNKNOWN' }),
  )
})

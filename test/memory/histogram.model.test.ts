/** Recording into a histogram, over every interleaving of two threads: in the end everything is there. */
import { expect, test } from 'vitest'
import { HISTOGRAM_BYTES, Histogram, prepareHistogram } from '../../src/memory/histogram.ts'
import { explore, type ThreadProgram } from '../support/interleavings.ts'

const CASES: [first: number[], second: number[]][] = [
  [[5], [5]],
  [
    [5, 1],
    [3, 9],
  ],
  [
    [8, 2],
    [2, 8],
  ],
]

test.each(CASES)('%j and %j', (first, second) => {
  const recorderOf = (values: readonly number[]): ThreadProgram => {
    return (memory) => {
      const histogram = histogramOf(memory)
      for (const value of values) histogram.record(value)
    }
  }
  const all = [...first, ...second].sort((a, b) => a - b)
  const { schedules, outcomes } = explore({
    memory() {
      const memory = new SharedArrayBuffer(HISTOGRAM_BYTES)
      prepareHistogram(new BigInt64Array(memory, 0, HISTOGRAM_BYTES >> 3), 0)
      return memory
    },
    threads: { first: recorderOf(first), second: recorderOf(second) },
    check(memory) {
      const { count, sum, min, max, p50 } = histogramOf(memory).snapshot()
      return [count, sum, min, max, p50].join()
    },
  })
  expect(schedules).toBeGreaterThan(1000)
  const sum = all.reduce((a, b) => a + b, 0)
  expect(outcomes).toEqual([[all.length, sum, all[0], all.at(-1), all[all.length / 2 - 1]].join()])
})

function histogramOf(memory: SharedArrayBuffer): Histogram {
  return new Histogram('h', new BigInt64Array(memory, 0, HISTOGRAM_BYTES >> 3), new Int32Array(memory), 0)
}

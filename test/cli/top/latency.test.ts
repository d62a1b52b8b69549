/** Percentiles of what happened between two readings. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CommandHistogram, histogramSince, latencyOf } from '../../../src/cli/top/latency.ts'

const of = (...buckets: (readonly [number, number])[]): CommandHistogram => ({
  calls: buckets.at(-1)?.[1] ?? 0,
  buckets,
})

test('percentiles are bounds of buckets', () => {
  expect(latencyOf(of([1, 50], [2, 98], [4, 99], [64, 100]))).toEqual({
    p50Us: 1,
    p99Us: 4,
    maxUs: 64,
  })
  expect(latencyOf(of())).toEqual({ p50Us: 0, p99Us: 0, maxUs: 0 })
})

test('what was there before is taken off', () => {
  const before = of([1, 10], [8, 20])
  expect(histogramSince(of([1, 10], [4, 15], [8, 26]), before)).toEqual({
    calls: 6,
    buckets: [
      [4, 5],
      [8, 6],
    ],
  })
  expect(histogramSince(before, undefined)).toBe(before)
  // The counters were reset in between.
  expect(histogramSince(of([1, 3]), before)).toEqual(of([1, 3]))
})

test('the difference of two readings is the distribution of the calls between them', () => {
  const bounds = [1, 2, 4, 8, 16, 32]
  const histogram = (calls: readonly number[]): CommandHistogram => {
    const counted = bounds.map((bound) => [bound, calls.filter((us) => us <= bound).length] as const)
    // A server leaves out the bounds that add nothing.
    const buckets = counted.filter(([, count], i) => count > (counted[i - 1]?.[1] ?? 0))
    return { calls: calls.length, buckets }
  }
  const some = fc.array(fc.constantFrom(...bounds), { maxLength: 30 })
  fc.assert(
    fc.property(some, some, (before, added) => {
      const since = histogramSince(histogram([...before, ...added]), histogram(before))
      expect(latencyOf(since)).toEqual(latencyOf(histogram(added)))
    }),
  )
})

/**
 * Histograms on one thread: how exact they are, what they do at the edges, and what a snapshot may show
 * halfway.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Histogram } from '../../src/memory/histogram.ts'
import { Metrics } from '../../src/memory/metrics.ts'
import { allocateMetrics } from '../../src/memory/metrics-layout.ts'
import { observeAccesses } from '../support/instrumented-memory.ts'

const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const

describe('a snapshot', () => {
  test('is all zero while nothing was recorded', () => {
    const zero = { count: 0, sum: 0, min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0 }
    expect(makeHistogram().snapshot()).toEqual(zero)
  })

  test('of one value is that value', () => {
    for (const value of [0, 1e-9, 0.001, 1, 12.3, 1e6, 1e15]) {
      const histogram = makeHistogram()
      histogram.record(value)
      const all = { sum: value, min: value, max: value, mean: value }
      expect(histogram.snapshot()).toEqual({
        count: 1,
        ...all,
        p50: value,
        p90: value,
        p99: value,
        p999: value,
      })
    }
  })

  test('is exact for small whole numbers', () => {
    const histogram = makeHistogram()
    for (let value = 1; value <= 64; value++) histogram.record(value)
    const expected = {
      count: 64,
      sum: 2080,
      min: 1,
      max: 64,
      mean: 32.5,
      p50: 32,
      p90: 58,
      p99: 64,
      p999: 64,
    }
    expect(histogram.snapshot()).toEqual(expected)
  })

  test('holds zeros, of either sign', () => {
    const histogram = makeHistogram()
    for (const value of [-0, -0, 0, 5]) histogram.record(value)
    expect(histogram.snapshot()).toMatchObject({ count: 4, sum: 5, min: 0, max: 5, p50: 0, p999: 5 })
  })

  test('puts what is beyond its range at the ends', () => {
    const histogram = makeHistogram()
    for (const value of [1e-300, 1e-9, 1e300, 1e200]) histogram.record(value)
    const { count, min, max, p50 } = histogram.snapshot()
    expect([count, min, max, p50]).toEqual([4, 1e-300, 1e300, 1e-300])
  })
})

test('quantiles are within 4 % of what they would be with every value kept', () => {
  const values = fc.array(
    fc.oneof(
      fc.nat(1000),
      fc.double({ min: 2 ** -20, max: 2 ** 43, noNaN: true }),
      fc.double({ min: 0.001, max: 1000, noNaN: true }),
    ),
    { minLength: 1, maxLength: 300, size: 'max' },
  )
  fc.assert(
    fc.property(values, (list) => {
      const histogram = makeHistogram()
      for (const value of list) histogram.record(value)
      const sorted = list.toSorted((a, b) => a - b)
      const snapshot = histogram.snapshot()
      expect(snapshot.count).toBe(list.length)
      expect([snapshot.min, snapshot.max]).toEqual([sorted[0], sorted.at(-1)])
      expect(snapshot.sum).toBe(list.reduce((a, b) => a + b, 0))
      for (const [name, share] of Object.entries(SHARES)) {
        const exact = sorted[Math.ceil(share * list.length) - 1]!
        const found = snapshot[name as keyof typeof SHARES]
        expect(found).toBeLessThanOrEqual(exact)
        expect(exact - found).toBeLessThanOrEqual(exact * 0.04)
      }
    }),
    { numRuns: 50 },
  )
})

test('what cannot be recorded is an error, and changes nothing', () => {
  const histogram = makeHistogram()
  for (const value of [-1, Number.NaN, Number.POSITIVE_INFINITY, '1' as never, undefined as never]) {
    expect(() => histogram.record(value)).toThrowError(
      expect.objectContaining({ code: 'SHL_OPTION_INVALID' }),
    )
  }
  expect(histogram.snapshot().count).toBe(0)
})

test('a handle that remembers the extremes still sees what another handle recorded', () => {
  const memory = allocateMetrics(4)
  const [a, b] = [new Metrics(memory).histogram('h'), new Metrics(memory).histogram('h')]
  for (const value of [5, 6]) a.record(value)
  for (const value of [1, 9]) b.record(value)
  for (const value of [4, 7]) a.record(value)
  expect(a.snapshot()).toMatchObject({ count: 6, min: 1, max: 9, sum: 32 })
  expect(b.snapshot()).toEqual(a.snapshot())
})

/** The order of publication: a value is counted last. So whenever a snapshot is taken, what it shows fits. */
test('a snapshot taken in the middle of a recording counts only what it knows in full', () => {
  const memory = allocateMetrics(4)
  const observer = new Metrics(memory).histogram('h')
  const counts: number[] = []
  const record = (): void => {
    const recorder = new Metrics(memory).histogram('h')
    for (const value of [8, 2, 32]) recorder.record(value)
  }
  observeAccesses(memory, record, () => {
    const { count, sum, min, max, mean, p50 } = observer.snapshot()
    counts.push(count)
    if (count === 0) return
    // Extremes and sum may be ahead of the count, never behind it.
    expect([2, 8]).toContain(min)
    expect([8, 32]).toContain(max)
    expect(min).toBeLessThanOrEqual([8, 2, 2][count - 1]!)
    expect(max).toBeGreaterThanOrEqual([8, 8, 32][count - 1]!)
    expect(sum).toBeGreaterThanOrEqual([8, 10, 42][count - 1]!)
    for (const inner of [mean, p50])
      expect([min, inner, max]).toEqual([min, inner, max].toSorted((a, b) => a - b))
  })
  expect(new Set(counts)).toEqual(new Set([0, 1, 2, 3]))
  expect(observer.snapshot()).toMatchObject({ count: 3, sum: 42, min: 2, max: 32 })
})

function makeHistogram(): Histogram {
  return new Metrics(allocateMetrics(1)).histogram('h')
}

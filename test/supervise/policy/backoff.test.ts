/** Delays between restarts: when they begin, how they grow, and what jitter takes away. */
import { describe, expect, test } from 'vitest'
import { backoff, backoffDelayMs, nextAttempt } from '../../../src/supervise/policy/backoff.ts'

/** A source that always draws the same. */
const draws = (value: number) => ({ next: () => value, below: () => 0 })

describe('backoff', () => {
  test('begins after the immediate restarts, grows by the factor, and stops at the maximum', () => {
    const policy = backoff({ immediate: 2, firstMs: 100, factor: 3, maxMs: 1000, jitter: 0 })
    const delays = [1, 2, 3, 4, 5, 6, 1e9].map((attempt) => backoffDelayMs(policy, attempt, draws(0)))
    expect(delays).toEqual([0, 0, 100, 300, 900, 1000, 1000])
  })

  test('takes a random part of the delay away', () => {
    const policy = backoff({ immediate: 0, firstMs: 100, jitter: 0.4 })
    expect(backoffDelayMs(policy, 1, draws(0))).toBe(100)
    expect(backoffDelayMs(policy, 1, draws(0.5))).toBe(80)
    expect(backoffDelayMs(policy, 1, draws(0.999_999))).toBeGreaterThan(59.9)
  })

  test('starts over for a child that has run long enough', () => {
    const policy = backoff({ resetAfterMs: 500 })
    expect(nextAttempt(policy, 4, 499)).toBe(5)
    expect(nextAttempt(policy, 4, 500)).toBe(1)
  })

  test('refuses what cannot be, with the option and what is allowed', () => {
    expect(() => backoff({ factor: 0.5 })).toThrow(/backoff\.factor=0\.5/)
    expect(() => backoff({ jitter: 2 })).toThrow(/backoff\.jitter=2/)
    expect(() => backoff({ firstMs: 10, maxMs: 5 })).toThrow(/backoff\.firstMs=10/)
  })
})

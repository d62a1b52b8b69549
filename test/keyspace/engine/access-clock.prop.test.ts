/** Clocks of access: what they keep, what they forget, where they wrap. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import {
  clockOfFrequency,
  clockOfIdle,
  FREQUENCY_FIRST,
  FREQUENCY_MAX,
  frequency,
  idleMs,
  minutesOf,
  touchLfu,
  touchLru,
} from '../../../src/keyspace/engine/access-clock.ts'

const SCALE = { lfuLogFactor: 10, lfuDecayMinutes: 1 }
const nowMs = fc.integer({ min: 0, max: 2 ** 42 })
const DAY_MS = 86_400_000

describe('by age', () => {
  test('the time since the last access comes back in seconds, over any wrap', () => {
    fc.assert(
      fc.property(nowMs, fc.integer({ min: 0, max: 194 * DAY_MS }), (now, passedMs) => {
        const clock = touchLru(now)
        expect(clock).toBe(clock & 0xffffff)
        const seconds = Math.floor((now + passedMs) / 1000) - Math.floor(now / 1000)
        expect(idleMs(clock, now + passedMs)).toBe(seconds * 1000)
      }),
    )
  })

  test('a clock can be made from an age', () => {
    fc.assert(
      fc.property(nowMs, fc.integer({ min: 0, max: 2 ** 24 - 1 }), (now, seconds) => {
        expect(idleMs(clockOfIdle(seconds * 1000, now), now)).toBe(seconds * 1000)
      }),
    )
    expect(idleMs(clockOfIdle(Number.MAX_SAFE_INTEGER, 5e12), 5e12)).toBe((2 ** 24 - 1) * 1000)
  })
})

describe('by use', () => {
  test('the count loses one per decay time, down to none, over any wrap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 26 }),
        fc.integer({ min: 0, max: FREQUENCY_MAX }),
        fc.integer({ min: 0, max: 65_535 }),
        fc.integer({ min: 0, max: 10 }),
        (now, count, passed, lfuDecayMinutes) => {
          const clock = clockOfFrequency(count, now)
          expect(clock).toBe(clock & 0xffffff)
          const lost = lfuDecayMinutes === 0 ? 0 : Math.floor(passed / lfuDecayMinutes)
          expect(frequency(clock, now + passed, { lfuDecayMinutes })).toBe(Math.max(0, count - lost))
        },
      ),
    )
  })

  test('an access raises the count by one at most, and stays within eight bits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: FREQUENCY_MAX }),
        fc.nat(100),
        fc.integer(),
        (count, factor, seed) => {
          const scale = { lfuLogFactor: factor, lfuDecayMinutes: 1 }
          const touched = touchLfu(clockOfFrequency(count, 77), 77, seededRandom(seed), scale)
          const after = frequency(touched, 77, scale)
          expect(after - count).toBeGreaterThanOrEqual(0)
          expect(after - count).toBeLessThanOrEqual(1)
          expect(after).toBeLessThanOrEqual(FREQUENCY_MAX)
          expect(touched >>> 8).toBe(77)
        },
      ),
    )
  })

  test('a count at or below that of a new key always grows', () => {
    const never: Random = { next: () => 1 - 2 ** -32, below: () => 0 }
    for (let count = 0; count <= FREQUENCY_FIRST; count++) {
      expect(touchLfu(clockOfFrequency(count, 0), 0, never, SCALE) & 0xff).toBe(count + 1)
    }
    expect(touchLfu(clockOfFrequency(6, 0), 0, never, SCALE) & 0xff).toBe(6)
  })

  // Redis' documentation has these: hits against the factor.
  test.each([
    { factor: 0, hits: 1000, low: 255, high: 255 },
    { factor: 1, hits: 1000, low: 40, high: 60 },
    { factor: 10, hits: 100, low: 8, high: 13 },
    { factor: 10, hits: 1000, low: 15, high: 22 },
    { factor: 10, hits: 100_000, low: 130, high: 155 },
    { factor: 100, hits: 100_000, low: 42, high: 58 },
  ])('$hits hits at factor $factor count $low to $high', ({ factor, hits, low, high }) => {
    const random = seededRandom(11)
    const runs = 10
    let sum = 0
    for (let run = 0; run < runs; run++) {
      let clock = clockOfFrequency(FREQUENCY_FIRST, 0)
      const scale = { lfuLogFactor: factor, lfuDecayMinutes: 1 }
      for (let i = 0; i < hits; i++) clock = touchLfu(clock, 0, random, scale)
      sum += frequency(clock, 0, scale)
    }
    expect(sum / runs).toBeGreaterThanOrEqual(low)
    expect(sum / runs).toBeLessThanOrEqual(high)
  })

  test('minutes are counted from the beginning of the wall clock', () => {
    expect(minutesOf(59_999)).toBe(0)
    expect(minutesOf(60_000)).toBe(1)
  })
})

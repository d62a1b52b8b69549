/**
 * The 24 bits in which a key's record keeps when, or how often, it is used.
 *
 *     by age      ┌────────────────────────────────────┐
 *                 │ second of the last access       24 │   wraps after 194 days
 *                 └────────────────────────────────────┘
 *     by use      ┌──────────────────────────┬─────────┐
 *                 │ minute of last decay  16 │ count 8 │   wraps after 45 days
 *                 └──────────────────────────┴─────────┘
 *
 * Eight bits count to millions: an access raises the count only with probability 1 / ((count - 5) × factor +
 * 1), so that it grows as the logarithm of what it stands for; and it is lowered by one per decay time, so
 * that what was hot once does not stay for ever. A new key begins at 5: at 0 it would be thrown out before it
 * could be used again. True counters, or exact lists in order of use, would cost 16 bytes a key and a write
 * to several keys per access.
 *
 * What wraps looks recent again: a key untouched for 194 days may outlive one untouched for a day. Redis'
 * bits and Redis' numbers, so that OBJECT IDLETIME and OBJECT FREQ mean the same, and dumps carry over.
 *
 * Cost: no memory beyond the record; a few nanoseconds per access, plus one draw by use.
 * Tests: test/keyspace/engine/access-clock.prop.test.ts
 * Source: Redis' documentation of key eviction; Morris, "Counting large numbers of events in small
 * registers".
 */
import type { Random } from '../../base/index.ts'

/** 24 bits: what they mean depends on the policy. */
export type AccessClock = number

/** How the count of uses grows and decays. */
export interface FrequencyScale {
  /** The greater, the more uses the highest count stands for; 0: each use counts. Redis' lfu-log-factor. */
  readonly lfuLogFactor: number
  /** Minutes after which a count is lowered by one; 0: never. Redis' lfu-decay-time. */
  readonly lfuDecayMinutes: number
}

/** The count of a key that was never used again. */
export const FREQUENCY_FIRST = 5
export const FREQUENCY_MAX = 255

const CLOCK_MASK = 0xffffff
const MINUTE_MASK = 0xffff
const MS_PER_MINUTE = 60_000

/** Minutes of a wall clock in milliseconds, as the functions below take them. */
export function minutesOf(nowMs: number): number {
  return Math.floor(nowMs / MS_PER_MINUTE)
}

// By age.

/** The clock of a key that is used now. */
export function touchLru(nowMs: number): AccessClock {
  return Math.floor(nowMs / 1000) & CLOCK_MASK
}

/** The clock of a key that was last used so long ago, at most 194 days. */
export function clockOfIdle(idleMs: number, nowMs: number): AccessClock {
  return (Math.floor(nowMs / 1000) - Math.min(Math.floor(idleMs / 1000), CLOCK_MASK)) & CLOCK_MASK
}

/** How long ago the key was used, in whole seconds as milliseconds. */
export function idleMs(clock: AccessClock, nowMs: number): number {
  return ((Math.floor(nowMs / 1000) - clock) & CLOCK_MASK) * 1000
}

// By use.

/** The clock of a key that is used so often, from 0 to 255: 5 for a new one. */
export function clockOfFrequency(frequency: number, nowMinutes: number): AccessClock {
  return ((nowMinutes & MINUTE_MASK) << 8) | frequency
}

/** The clock of a key that is used now once more. */
export function touchLfu(
  clock: AccessClock,
  nowMinutes: number,
  random: Random,
  scale: FrequencyScale,
): AccessClock {
  let count = frequency(clock, nowMinutes, scale)
  if (count < FREQUENCY_MAX) {
    const above = Math.max(0, count - FREQUENCY_FIRST)
    if (random.next() * (above * scale.lfuLogFactor + 1) < 1) count++
  }
  return clockOfFrequency(count, nowMinutes)
}

/** The count as it is now, after what it has lost since it was written. */
export function frequency(
  clock: AccessClock,
  nowMinutes: number,
  scale: Pick<FrequencyScale, 'lfuDecayMinutes'>,
): number {
  const count = clock & 0xff
  if (scale.lfuDecayMinutes === 0) return count
  const elapsedMinutes = (nowMinutes - (clock >>> 8)) & MINUTE_MASK
  return Math.max(0, count - Math.floor(elapsedMinutes / scale.lfuDecayMinutes))
}

/**
 * How many commands a user may run: our own rule `rate:<count>[/<seconds>]`, by the generic cell rate
 * algorithm (GCRA).
 *
 * All of the state is up to when the user's commands reach at an even pace: how far it is ahead. A command
 * moves that on by one interval, and is refused when it would be further ahead than a full burst of `count`.
 * No timer refills anything, and no window has an edge at which twice as much gets through. The state lies in
 * a cell that all threads share (`RateCells`), so that a user has its rate once, however many connections it
 * has and wherever they are.
 *
 * Whole nanoseconds, so that no rounding adds up. The clock is the caller's; one that goes back, or is behind
 * another thread's, stands still until then.
 *
 * Invariant: in any `seconds`, at most `2 × count` are let through, and `count` when the user was at rest for
 * so long before: over all threads together.
 * Tests: test/server/acl/rate-limit.test.ts, test/server/acl/users-over-threads.race.test.ts
 * Source: ITU-T I.371 (GCRA).
 */
import type { ByteString } from '../../keyspace/engine/index.ts'
import { RateCells } from './rate-cells.ts'

const NS_PER_MS = 1_000_000
const MS_PER_SECOND = 1000
const COUNT_MAX = 1_000_000_000
const SECONDS_MAX = 86_400
/**
 * Clocks of threads may differ by much less; a time that is further ahead than a rule allows is another's.
 */
const SKEW_NS = 1_000_000_000n

const RULE = /^rate:([1-9]\d{0,9})(?:\/([1-9]\d{0,4}))?$/i

/** So many commands in so many seconds. */
export interface RateRule {
  readonly count: number
  readonly seconds: number
}

/** Reads `rate:100` or `rate:1000/60`; undefined: it is none, or out of bounds. */
export function parseRateRule(rule: string): RateRule | undefined {
  const found = RULE.exec(rule)
  if (found === null) return undefined
  const [, count, seconds = '1'] = found
  const rate = { count: Number(count), seconds: Number(seconds) }
  return rate.count > COUNT_MAX || rate.seconds > SECONDS_MAX ? undefined : rate
}

/** As a rule. */
export function rateRuleText({ count, seconds }: RateRule): string {
  return seconds === 1 ? `rate:${count}` : `rate:${count}/${seconds}`
}

/** The limiter of one user, on one thread. */
export class RateLimit {
  readonly #intervalNs: bigint
  readonly #toleranceNs: bigint
  readonly #cells: RateCells | undefined
  readonly #key: bigint
  /** Where no cell of all threads is to be had. */
  readonly #own = new RateCells(RateCells.buffer(1))

  /** `cells`: those of all threads; else it counts for itself. `user`: its name. */
  constructor(rule: RateRule, user: ByteString = '', cells?: RateCells) {
    const { count, seconds } = rule
    const interval = Math.floor((seconds * MS_PER_SECOND * NS_PER_MS) / count)
    this.#intervalNs = BigInt(interval)
    this.#toleranceNs = this.#intervalNs * BigInt(count)
    this.#cells = cells
    this.#key = RateCells.keyOf(user, rateRuleText(rule))
  }

  /**
   * Lets one command through: 0. Else in how many milliseconds, rounded up, to try again; then the user
   * has used up nothing.
   */
  take(nowMs: number): number {
    const ownNs = BigInt(Math.round(nowMs * NS_PER_MS))
    const shared = this.#cells?.find(this.#key, ownNs)
    const cells = shared === undefined ? this.#own : this.#cells!
    const cell = shared ?? 0
    for (;;) {
      const reachedNs = cells.timeOf(cell)
      const nowNs = cells.latest(cell, ownNs)
      const isForeign = reachedNs > nowNs + this.#toleranceNs + SKEW_NS
      const wantedNs = (reachedNs < nowNs || isForeign ? nowNs : reachedNs) + this.#intervalNs
      const lateNs = wantedNs - nowNs - this.#toleranceNs
      if (lateNs > 0n) return Math.ceil(Number(lateNs) / NS_PER_MS)
      if (cells.move(cell, reachedNs, wantedNs)) return 0
    }
  }
}

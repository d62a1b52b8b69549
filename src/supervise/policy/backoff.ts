/**
 * Exponential backoff with jitter: how long a child waits before its next restart.
 *
 * Pure: randomness is passed in. The first restart is immediate by default, because most failures are single
 * ones; then the delay grows by `factor` up to `maxMs`. `jitter` takes a random part of it away, so that
 * children that failed together do not come back together. A child that has run for `resetAfterMs` starts
 * from the beginning again.
 *
 * Source: Pekko's BackoffSupervisor; M. Brooker, "Exponential Backoff and Jitter" (2015).
 * Tests: test/supervise/policy/backoff.test.ts
 */
import { invalidOption, numberOption, type Random } from '../../base/index.ts'

/** Delays of successive restarts. */
export interface Backoff {
  /** Restarts without a delay before the delays begin. Default 1. */
  readonly immediate: number
  /** The first delay. Default 100. */
  readonly firstMs: number
  /** Growth per restart. Default 2. */
  readonly factor: number
  /** The longest delay. Default 30,000. */
  readonly maxMs: number
  /** The part of a delay that is random, 0..1. Default 0.5. */
  readonly jitter: number
  /** A child that ran so long has recovered. Default 10,000. */
  readonly resetAfterMs: number
}

export const BACKOFF_DEFAULT: Backoff = {
  immediate: 1,
  firstMs: 100,
  factor: 2,
  maxMs: 30_000,
  jitter: 0.5,
  resetAfterMs: 10_000,
}

const MS_MAX = 2 ** 31 - 1

/** Checks the options and fills in the defaults. @throws SHL_OPTION_INVALID */
export function backoff(options: Partial<Backoff> = {}): Backoff {
  const ms = { min: 0, max: MS_MAX }
  const filled: Backoff = {
    immediate: numberOption('backoff.immediate', options.immediate, BACKOFF_DEFAULT.immediate, {
      min: 0,
      max: 1000,
      integer: true,
    }),
    firstMs: numberOption('backoff.firstMs', options.firstMs, BACKOFF_DEFAULT.firstMs, ms),
    factor: numberOption('backoff.factor', options.factor, BACKOFF_DEFAULT.factor, { min: 1, max: 100 }),
    maxMs: numberOption('backoff.maxMs', options.maxMs, BACKOFF_DEFAULT.maxMs, ms),
    jitter: numberOption('backoff.jitter', options.jitter, BACKOFF_DEFAULT.jitter, { min: 0, max: 1 }),
    resetAfterMs: numberOption(
      'backoff.resetAfterMs',
      options.resetAfterMs,
      BACKOFF_DEFAULT.resetAfterMs,
      ms,
    ),
  }
  if (filled.firstMs > filled.maxMs)
    invalidOption('backoff.firstMs', filled.firstMs, `0..maxMs (${filled.maxMs})`)
  return filled
}

/** The delay before restart number `attempt`, counted from 1 since the child last recovered. */
export function backoffDelayMs(policy: Backoff, attempt: number, random: Random): number {
  const exponent = attempt - policy.immediate - 1
  if (exponent < 0) return 0
  const fullMs = Math.min(policy.maxMs, policy.firstMs * policy.factor ** Math.min(exponent, 64))
  return fullMs * (1 - policy.jitter * random.next())
}

/** The number of the next attempt, after a run of `ranMs`. */
export function nextAttempt(policy: Backoff, attempt: number, ranMs: number): number {
  return ranMs >= policy.resetAfterMs ? 1 : attempt + 1
}

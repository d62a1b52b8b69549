/**
 * Which failed calls are made again, and why that is right.
 *
 * - `not_begun`: its subsystem was restarted before it had looked at the call.
 * - `idempotent`: it may have taken effect, and its function says that doing it twice is like doing it once.
 * - `not_up`: it was late or refused, as everything that Shardloom marks as retryable. Callers here use it
 *   for idempotent functions only, since a late call may still take effect.
 * - `never`: an error of the call itself, or of a subsystem that was given up. Trying again changes nothing.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */

export const RETRY_POLICIES = ['not_begun', 'idempotent', 'not_up', 'never'] as const

export type RetryPolicy = (typeof RETRY_POLICIES)[number]

/** What an error of a call means. */
export function retryPolicyOf(error: unknown): RetryPolicy {
  const { code, retryable, details } = error as {
    code?: unknown
    retryable?: unknown
    details?: { hasBegun?: unknown }
  }
  if (retryable !== true) return 'never'
  if (code !== 'SHL_SUBSYSTEM_RESTARTED') return 'not_up'
  return details?.hasBegun === true ? 'idempotent' : 'not_begun'
}

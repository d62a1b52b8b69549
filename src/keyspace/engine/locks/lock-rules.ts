/**
 * The rules of locks, as pure functions: when a lease is over, and who may hold beside whom.
 *
 * They stand alone so that a test can put a wrong one in the place of each, and see that its schedules
 * notice.
 *
 *     wanted →      exclusive   shared   semaphore of n
 *     held ↓
 *     nobody        yes         yes      yes
 *     exclusive     no          no       –
 *     shared        no          yes      –
 *     semaphore     –           –        while fewer than n hold
 *
 * Who comes enters past nobody: a shared request behind a waiting exclusive one waits, or readers that
 * overlap would keep a writer out for ever. A name is a lock or a semaphore of one size until nobody uses it.
 *
 * Tests: test/keyspace/engine/locks/lock-rules.test.ts
 */

/** How a lock is held: by one, by any number who only read, or by at most so many as its limit says. */
export type LockMode = 'exclusive' | 'shared' | 'semaphore'

/** What the rules look at. */
export interface HeldBy {
  /** The mode of those who hold it; all have the same. */
  readonly mode: LockMode
  /** How many may hold a semaphore; 0 for a lock. */
  readonly limit: number
  readonly holderCount: number
}

/** The rules. */
export interface LockRules {
  /** Whether a lease, or a wait, is over: at its end exactly, it is. */
  isOver(dueMs: number, nowMs: number): boolean
  /** Whether a request of this mode may hold beside those who hold. */
  isCompatible(held: HeldBy, mode: LockMode): boolean
  /** Whether who comes may try, past so many who wait. */
  mayPass(waiterCount: number): boolean
}

export const LOCK_RULES: LockRules = {
  isOver(dueMs, nowMs) {
    return nowMs >= dueMs
  },
  isCompatible({ mode, limit, holderCount }, wanted) {
    if (holderCount === 0) return true
    if (mode === 'semaphore') return holderCount < limit
    return mode === 'shared' && wanted === 'shared'
  },
  mayPass(waiterCount) {
    return waiterCount === 0
  },
}

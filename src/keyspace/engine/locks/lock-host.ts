/**
 * What a table of locks asks of its shard, and what it writes into the log.
 *
 *     LOCK.GRANTED name owner mode token ttlMs limit entries    a lease is so, whatever was known before
 *     LOCK.FREED   name owner token                             a lease has ended
 *     LOCK.FLOOR   token                                        tokens from now on are above it
 *
 * A renewal is not logged unless it is longer than all before: a restart gives every holder its full lease.
 * Tests: test/keyspace/commands/lock-commands.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import type { HolderState } from './lock.ts'

/** Keyspace events of locks. */
export type LockEvent = 'lock' | 'unlock' | 'lockexpired'

/** A shard, as its locks see it. */
export interface LockHost {
  /** Monotonic milliseconds. */
  monotonicMs(): number
  /**
   * Logs what became of a lock. After `lock`, a token was drawn that nobody may be told before the log's
   * record of it is durable.
   */
  logLock(name: ByteString, argv: readonly ByteString[], event: LockEvent | undefined): void
  /** Runs a task when what was logged before is committed; never at once. */
  deliver(task: () => void): void
  /** Runs something as one unit, with one commit. */
  atomically<T>(run: () => T): T
}

export function grantedEffect(name: ByteString, state: HolderState): readonly ByteString[] {
  const { owner, mode, token, ttlMs, limit, entries } = state
  return ['LOCK.GRANTED', name, owner, mode, ...[token, ttlMs, limit, entries].map(String)]
}

export function freedEffect(name: ByteString, owner: ByteString, token: number): readonly ByteString[] {
  return ['LOCK.FREED', name, owner, String(token)]
}

export function floorEffect(token: number): readonly ByteString[] {
  return ['LOCK.FLOOR', String(token)]
}

/**
 * A lock, as it is shown, and as it moves to another shard.
 * Tests: test/keyspace/engine/locks/lock-transfer.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import type { HolderState, Lock } from './lock.ts'
import type { LockMode } from './lock-rules.ts'

/** A lease that runs. */
export interface HolderInfo extends HolderState {
  readonly remainingMs: number
}

/** Someone who waits. */
export interface WaiterInfo {
  readonly number: number
  readonly owner: ByteString
  readonly mode: LockMode
  readonly waitingMs: number
}

/** A lock with all who hold it, oldest first, and all who wait, in order. */
export interface LockInfo {
  readonly name: ByteString
  readonly limit: number
  /** The mode in which it is held; undefined while it is only waited for. */
  readonly mode: LockMode | undefined
  readonly lastToken: number
  readonly holders: readonly HolderInfo[]
  readonly waiters: readonly WaiterInfo[]
}

/** @internal */
export function lockInfo(lock: Lock, nowMs: number): LockInfo {
  const { name, mode, limit, lastToken } = lock
  return {
    name,
    limit,
    lastToken,
    mode: lock.holders.size === 0 ? undefined : mode,
    holders: [...lock.holders.values()].map(({ owner, token, ttlMs, entries, dueMs }) => {
      return { owner, mode, limit, token, ttlMs, entries, remainingMs: dueMs - nowMs }
    }),
    waiters: [...lock.queue].map(({ number, request, sinceMs }) => {
      return { number, owner: request.owner, mode: request.mode, waitingMs: nowMs - sinceMs }
    }),
  }
}

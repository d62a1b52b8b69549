/**
 * What handlers may ask of their shard beside the database that they work on.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Random } from '../../base/index.ts'
import type { ByteString } from './byte-string.ts'
import type { ChannelHost } from './channel-host.ts'
import type { Database } from './database.ts'
import type { LockTable } from './locks/lock-table.ts'
import type { MemoryPolicy } from './memory-policy.ts'

/** The clocks of a shard. */
export interface EngineClock {
  /** Milliseconds of the wall clock since 1970, which never go backwards: for times to live. */
  wallMs(): number
  /** Monotonic milliseconds: for leases and waits. */
  monotonicMs(): number
}

/** What a shard counts of itself. */
export interface EngineStats {
  commands: number
  keyHits: number
  keyMisses: number
  expiredKeys: number
  expiredMembers: number
  evictedKeys: number
  /** Commits, also those that nobody wants to know of. */
  changes: number
}

/** A shard, as its handlers see it. */
export interface EngineServices {
  readonly clock: EngineClock
  readonly random: Random
  readonly databaseCount: number
  readonly stats: EngineStats
  readonly memory: MemoryPolicy
  readonly channels: ChannelHost
  /** Tokens of locks of other shards, by the name of the lock, while a transaction runs with guests. */
  readonly guestTokens: ReadonlyMap<string, readonly number[]> | undefined
  /**
   * Keys that are here and not this shard's, which nothing that lists keys may name; undefined: there are
   * none.
   */
  readonly isHidden: ((key: ByteString) => boolean) | undefined
  /** A database by its number. @throws ErrorReply when there is none */
  database(index: number): Database
  /** The databases that were ever used. */
  openDatabases(): readonly Database[]
  swapDatabases(first: number, second: number): void
  usedBytes(): number
  /** Seconds since a key with this access clock was used. */
  idleSeconds(accessClock: number): number
  /** How often a key with this access clock is used: 0 to 255, on a logarithmic scale. */
  frequency(accessClock: number): number
  /** The access clock of a key that was last used so many seconds ago. */
  clockOfIdle(idleSeconds: number): number
  /** The access clock of a key that is used so often. */
  clockOfFrequency(frequency: number): number
  readonly locks: LockTable
  /** Who computes the value of which key: locks that are not logged. See `LEASE.GET`. */
  readonly flights: LockTable
  /** Runs something as one unit with its own commit; within a command, as a part of that. */
  atomically<T>(run: () => T): T
}

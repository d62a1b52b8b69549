/**
 * All figures of a shard: what INFO and MEMORY of a server tell of it, beyond what a program is told.
 * Tests: test/keyspace/shard/shard-figures.test.ts
 */
import type { EvictionPolicyName } from '../engine/index.ts'
import type { ShardStats } from './shard-stats.ts'

/** One database of a shard. */
export interface DatabaseFigures {
  readonly db: number
  readonly keys: number
  /** Keys with an expiry. */
  readonly volatileKeys: number
  /** Milliseconds, as guessed from some of them; 0: there is none. */
  readonly averageTtlMs: number
  /** Bytes of the key table beyond keys and values, as estimated. */
  readonly tableBytes: number
  readonly usedBytes: number
}

/** One shard. */
export interface ShardFigures {
  readonly shard: number
  readonly stats: ShardStats
  readonly databases: readonly DatabaseFigures[]
  readonly maxBytes: number
  readonly policy: EvictionPolicyName
  /** Commits since the last snapshot, or since it began. */
  readonly changes: number
  /** Waits for locks. */
  readonly lockWaiters: number
  readonly lockBytes: number
  /** Channels at home here, and patterns: these are the same on all shards. */
  readonly channels: number
  readonly shardedChannels: number
  readonly patterns: number
  /** Undefined: there is none. */
  readonly log: LogFigures | undefined
}

/** The log of a shard. Positions are bytes since the log began. */
export interface LogFigures {
  readonly level: string
  readonly appended: number
  readonly written: number
  readonly synced: number
  readonly isFull: boolean
  /** Why it takes nothing any more. */
  readonly failure: string | undefined
  readonly isSnapshotting: boolean
  /** Snapshots since the shard began. */
  readonly snapshots: number
  /** Wall clock of the end of the last one, and how long it took; 0 and -1: there was none. */
  readonly snapshotWallMs: number
  readonly snapshotMs: number
  readonly snapshotHasFailed: boolean
}

/** Keys of a slot in the first database: how many, and the first of them. */
export interface SlotKeys {
  readonly count: number
  readonly keys: readonly string[]
}

/**
 * What a watcher's thread and a shard say to each other: one stream per shard, and a question about progress.
 *
 *     watch      ──►  opened, then batches: changes in the order of their revisions, and how far the shard is
 *     watchProgress ► nothing; a batch follows in the stream as soon as the shard has got so far
 *
 * Progress is told within the stream, not in the answer, so that it cannot overtake changes.
 * Tests: test/keyspace/watch/watch.race.test.ts
 */
import type { ByteString, KeyEventClass } from '../engine/index.ts'
import type { ChangeRecord } from './change-record.ts'

/** What to do with a watcher that does not take its changes in time: end its watch, or drop the oldest. */
export type SlowPolicy = 'cut' | 'drop'

/** Which changes a watcher wants. */
export interface WatchFilter {
  readonly db: number
  /** Keys, or patterns of keys; a change of any of them. */
  readonly patterns: readonly ByteString[]
  /** Letters of classes of events; undefined: all. */
  readonly classes?: readonly KeyEventClass[]
}

/** Opens a stream. */
export interface WatchRequest {
  readonly filter: WatchFilter
  /** Changes above this revision; undefined: from now on. */
  readonly since?: number
  readonly values: boolean
  /** Changes that may wait for it at the shard, besides the limits of the history. */
  readonly queueMax: number
  readonly whenSlow: SlowPolicy
}

/** Revisions of which changes are missing, both included. */
export interface LostRange {
  readonly from: number
  readonly to: number
}

/** What a shard's stream gives. */
export type WatchItem =
  | {
      readonly type: 'open'
      readonly id: number
      /** Everything above this revision will come. */
      readonly start: number
      /** The oldest revision to go on from. */
      readonly oldest: number
      /** Set when that is above what was asked for: nothing follows. */
      readonly isCompacted: boolean
    }
  | {
      readonly type: 'batch'
      /** What was dropped before these. */
      readonly lost?: LostRange
      readonly records: readonly ChangeRecord[]
      /** Nothing at or below this revision will come any more. */
      readonly through: number
    }

/** Asks for progress. */
export interface ProgressRequest {
  readonly id: number
  /** A batch is to come when everything up to this revision has been told. */
  readonly revision: number
}

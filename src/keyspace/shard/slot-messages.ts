/**
 * What two shards say to each other while slots move from one to the other.
 * Tests: test/keyspace/slots.race.test.ts
 */
import type { Guest, LocksState } from '../engine/index.ts'

/** Moves slots away; asked of the shard that owns them. */
export interface MoveSlotsMessage {
  readonly slots: readonly number[]
  /** The shard that gets them. */
  readonly to: number
}

/** What a move has done. */
export interface MoveSlotsReport {
  readonly slots: number
  readonly keys: number
  /** Keys that were sent again, because they were changed meanwhile. */
  readonly resent: number
  /** How long commands for these slots had to wait, in milliseconds. */
  readonly pausedMs: number
}

/** Some keys on their way; a key that is gone has no payload. */
export interface ImportMessage {
  readonly from: number
  /** With the first message: the slots that are to come. */
  readonly slots?: readonly number[]
  readonly keys: readonly Guest[]
  /** With the last keys. */
  readonly locks?: LocksState
}

/** The giver has decided that the slots which have come from it are given. */
export interface TakeMessage {
  readonly from: number
  readonly slots: readonly number[]
  /** The revision at which they change hands. */
  readonly epoch: number
}

/** Commands that a shard has run, and those of its busiest slots. */
export interface ShardLoad {
  readonly shard: number
  /** Since the shard began. */
  readonly commands: number
  /** Bytes of keys and values. */
  readonly usedBytes?: number
  readonly slots: readonly { readonly slot: number; readonly commands: number }[]
}

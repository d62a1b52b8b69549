/**
 * What all collections have in common for a database: a size, an estimate of memory, expiring members.
 * Tests: test/keyspace/engine/database.test.ts
 */
import type { ByteString } from './byte-string.ts'
import { HashValue } from './values/hash-value.ts'
import { ListValue } from './values/list-value.ts'
import { SetValue } from './values/set-value.ts'
import { SortedSetValue } from './values/sorted-set-value.ts'

/** The types of collections, by Redis' names. */
export type CollectionType = 'list' | 'set' | 'zset' | 'hash'

/** A collection, as a database sees it. */
export interface CollectionValue {
  readonly size: number
  readonly bytes: number
  readonly encoding: string
  /** When the first member expires, in wall-clock milliseconds; Infinity when none does. */
  readonly nextExpiry: number
  /** Removes at most `limit` members whose time has come, and returns them. */
  takeExpired(nowMs: number, limit: number): ByteString[]
}

/**
 * Sizes at which collections change their reported encoding, as in Redis, and how much one slice may take.
 */
export interface ValueLimits {
  readonly hashListpackEntries: number
  readonly hashListpackValueBytes: number
  readonly setIntsetEntries: number
  readonly setListpackEntries: number
  readonly setListpackValueBytes: number
  readonly zsetListpackEntries: number
  readonly zsetListpackValueBytes: number
  readonly listListpackBytes: number
  readonly listListpackEntries: number
  /** Members that one step of an incremental job takes. */
  readonly membersPerSlice: number
}

/** Redis 7.2's defaults. */
export const VALUE_LIMITS: ValueLimits = {
  hashListpackEntries: 512,
  hashListpackValueBytes: 64,
  setIntsetEntries: 512,
  setListpackEntries: 128,
  setListpackValueBytes: 64,
  zsetListpackEntries: 128,
  zsetListpackValueBytes: 64,
  listListpackBytes: 8192,
  listListpackEntries: Number.MAX_SAFE_INTEGER,
  membersPerSlice: 1024,
}

/** An empty collection. */
export function makeCollection(type: CollectionType, limits: ValueLimits): CollectionValue {
  switch (type) {
    case 'hash':
      return new HashValue(limits.hashListpackEntries, limits.hashListpackValueBytes)
    case 'list':
      return new ListValue(limits.listListpackBytes, limits.listListpackEntries)
    case 'set':
      return new SetValue(limits.setIntsetEntries, limits.setListpackEntries, limits.setListpackValueBytes)
    case 'zset':
      return new SortedSetValue(limits.zsetListpackEntries, limits.zsetListpackValueBytes)
  }
}

/**
 * What watchers are told of a commit: which keys changed, how, and what they hold now.
 *
 * Made from the commit and the database as it is right after it, before anything else runs on the shard, so
 * that types and values are those of the revision.
 *
 * Tests: test/keyspace/watch/watch-hub.test.ts
 */
import {
  type Argument,
  type ByteString,
  type Commit,
  type Database,
  LARGE_VALUE_BYTES,
  type ValueType,
} from '../engine/index.ts'

/** One thing that happened to a key. */
export interface RecordedChange {
  readonly db: number
  /** Empty for an event that concerns any key of the database: `flushdb`, `swapdb`. */
  readonly key: ByteString
  readonly event: string
  /** What the key holds after the commit. */
  readonly type: ValueType | 'none'
  /** Of a string, after the commit; only when somebody wants values. */
  readonly value?: Argument
}

/** All that a shard changed at one revision. */
export interface ChangeRecord {
  readonly revision: number
  /** Whether other shards may have changes at the same revision. */
  readonly isShared: boolean
  readonly changes: readonly RecordedChange[]
}

/** What a record takes in memory, roughly: for limits. */
const RECORD_BYTES = 64
const CHANGE_BYTES = 96

/** Where values are looked up. */
export interface RecordSource {
  database(index: number): Database
}

/** A commit as watchers see it; undefined when none of its keys counts. */
export function recordOf(
  commit: Commit,
  source: RecordSource,
  withValues: boolean,
  counts: (key: ByteString) => boolean,
): ChangeRecord | undefined {
  const changes: RecordedChange[] = []
  for (const { db, key, event } of commit.changes) {
    if (key === '') changes.push({ db, key, event, type: 'none' })
    else if (counts(key)) changes.push({ db, key, event, ...contentOf(source.database(db), key, withValues) })
  }
  if (changes.length === 0) return undefined
  return { revision: commit.revision, isShared: commit.part?.isOneRevision === true, changes }
}

/** Bytes that a record takes, roughly. */
export function recordBytes({ changes }: ChangeRecord): number {
  let bytes = RECORD_BYTES
  for (const { key, value } of changes) bytes += CHANGE_BYTES + key.length + (value?.length ?? 0)
  return bytes
}

/** The same of the record of a SET. */
export function plainSetBytes(keyBytes: number, valueBytes: number): number {
  return RECORD_BYTES + CHANGE_BYTES + keyBytes + valueBytes
}

/**
 * What a key holds now. Not as a command looks it up: that would count as an access, and would remove a key
 * whose time has come, which is a change of its own.
 */
function contentOf(
  database: Database,
  key: ByteString,
  withValue: boolean,
): Pick<RecordedChange, 'type' | 'value'> {
  const { table, nowMs, touches } = database
  const ref = table.find(key)
  const expireAt = ref === 0 ? 0 : table.expireAt(ref)
  if (ref === 0 || (expireAt !== 0 && expireAt <= nowMs)) return { type: 'none' }
  database.touches = false
  try {
    const type = database.typeOf(key) ?? 'none'
    if (!withValue || type !== 'string') return { type }
    const isLarge = table.valueLength(ref) >= LARGE_VALUE_BYTES
    return { type, value: isLarge ? table.valueBytes(ref) : table.valueString(ref) }
  } finally {
    database.touches = touches
  }
}

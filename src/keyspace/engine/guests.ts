/**
 * Keys of other shards, brought in so that a command may run as if all its keys were here.
 *
 * A transaction over several shards runs on one of them. The values of foreign keys travel as dumps, stand in
 * the database while the commands run, and are taken out again; what became of them travels back as patches.
 * Nobody sees guests: readers look for a key in the shard that owns its slot, and no other command runs in
 * between. The alternative, a second form of every command that works on parts, would double the command
 * table and its tests.
 *
 * Cost: a copy of each foreign value there, and of each changed one back.
 * Tests: test/keyspace/engine/guests.test.ts
 */
import type { ByteString } from './byte-string.ts'
import type { Commit, KeyChange } from './commit.ts'
import type { Database } from './database.ts'
import { dumpValue, restoreValue } from './dump/index.ts'
import type { LockTable } from './locks/lock-table.ts'

/** A key with all that it holds; no payload: there is no such key. */
export interface Guest {
  readonly db: number
  readonly key: ByteString
  readonly payload: Uint8Array | null
  /** Wall-clock milliseconds; 0: never. */
  readonly expireAt: number
  /** Of the last change; 0 when there is no such key. */
  readonly revision: number
  /** The tokens of those who hold the lock of this name; locks have names of their own, beside keys. */
  readonly tokens: readonly number[]
}

/** What became of a key. */
export interface KeyPatch {
  readonly db: number
  readonly key: ByteString
  readonly payload: Uint8Array | null
  readonly expireAt: number
  /** Its keyspace events, in order. */
  readonly events: readonly string[]
}

/** Where databases come from. */
export interface Databases {
  database(index: number): Database
}

/** The same with locks. */
export interface LockedDatabases extends Databases {
  readonly locks: LockTable
}

/** A key as it is, to be brought elsewhere. */
export function guestOf(engine: LockedDatabases, db: number, key: ByteString): Guest {
  const database = engine.database(db)
  return {
    db,
    key,
    payload: dumpValue(database, key) ?? null,
    expireAt: database.expireAt(key) ?? 0,
    revision: database.revisionOf(key) ?? 0,
    tokens: engine.locks.info(key)?.holders.map(({ token }) => token) ?? [],
  }
}

/** Brings guests in. */
export function putGuests(engine: Databases, guests: readonly Guest[]): void {
  for (const { db, key, payload, expireAt, revision } of guests) {
    const database = engine.database(db)
    put(database, key, payload, expireAt)
    database.stampRevision(key, revision)
  }
}

/** Takes guests out. */
export function removeGuests(engine: Databases, guests: readonly { db: number; key: ByteString }[]): void {
  for (const { db, key } of guests) engine.database(db).delete(key)
}

/** What the keys of a commit have become, each key once. */
export function patchesOf(engine: Databases, changes: readonly KeyChange[]): KeyPatch[] {
  const byKey = new Map<string, { db: number; key: ByteString; events: string[] }>()
  for (const { db, key, event } of changes) {
    const name = `${db}:${key}`
    const known = byKey.get(name)
    if (known === undefined) byKey.set(name, { db, key, events: [event] })
    else known.events.push(event)
  }
  return [...byKey.values()].map(({ db, key, events }) => {
    const database = engine.database(db)
    const payload = dumpValue(database, key) ?? null
    return { db, key, payload, expireAt: database.expireAt(key) ?? 0, events }
  })
}

/** Makes keys what the patches say, and reports their events. To be run at the transaction's revision. */
export function putPatches(engine: Databases, patches: readonly KeyPatch[]): void {
  for (const { db, key, payload, expireAt, events } of patches) {
    const database = engine.database(db)
    put(database, key, payload, expireAt)
    for (const event of events) database.changed(key, event)
  }
}

/** What a log needs to say of patches. */
export function patchEffects(patches: readonly KeyPatch[]): Commit['effects'] {
  return patches.map(({ db, key, payload, expireAt }) =>
    payload === null
      ? { db, argv: ['DEL', key] }
      : { db, argv: ['RESTORE', key, String(expireAt), payload, 'REPLACE', 'ABSTTL'] },
  )
}

function put(database: Database, key: ByteString, payload: Uint8Array | null, expireAt: number): void {
  if (payload === null) database.delete(key)
  else restoreValue(database, key, payload, { expireAt })
}

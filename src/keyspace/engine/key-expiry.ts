/**
 * When the keys of one database expire, and the members of its collections, as the shard's index is told.
 *
 * For each key that expires the index has an entry with just that time, and for each collection with expiring
 * members one with the time of the first. Entries of times that were changed are stale, and are swept away
 * when they outnumber the others; so a key whose expiry is set again and again costs no more than a few
 * entries.
 *
 * Tests: test/keyspace/engine/key-expiry.test.ts
 */
import type { KeyTableWriter, RecordRef } from '../../memory/index.ts'
import type { ExpiryIndex } from './expiry-index.ts'
import type { ObjectPool } from './object-pool.ts'

/** The type of records that hold a string. */
const STRING = 0

/** The expiries of one database. */
export class KeyExpiry {
  /** Keys with an expiry. */
  volatileCount = 0
  /** Collections with expiring members: each has one entry that means something. */
  #dueCount = 0
  readonly #index: ExpiryIndex
  readonly #databaseId: number
  readonly #table: KeyTableWriter
  readonly #objects: ObjectPool

  constructor(index: ExpiryIndex, databaseId: number, table: KeyTableWriter, objects: ObjectPool) {
    this.#index = index
    this.#databaseId = databaseId
    this.#table = table
    this.#objects = objects
  }

  /** The expiry of a key was changed; 0: none. */
  onChanged(ref: RecordRef, old: number, expireAt: number): void {
    if (old === expireAt) return
    if (old === 0) this.volatileCount++
    else this.#index.noteStale()
    if (expireAt === 0) this.volatileCount--
    else this.#index.schedule(expireAt, this.#table.hashOf(ref), this.#databaseId)
  }

  /** The members of a collection, or their expiries, were changed: `next` is the first of these. */
  onMembersChanged(ref: RecordRef, id: number, next: number): void {
    const old = this.#objects.dueAt(id)
    if (next === old) return
    if (old !== Number.POSITIVE_INFINITY) this.#noteMembersStale()
    this.#objects.setDueAt(id, next)
    if (next !== Number.POSITIVE_INFINITY) {
      this.#dueCount++
      this.#index.schedule(next, this.#table.hashOf(ref), this.#databaseId)
    }
  }

  /** A record is about to be removed. */
  onRemoved(ref: RecordRef): void {
    const table = this.#table
    if (table.expireAt(ref) !== 0) {
      this.volatileCount--
      this.#index.noteStale()
    }
    if (table.typeOf(ref) !== STRING) this.onCollectionRemoved(table.objectOf(ref))
  }

  /** A collection is about to be removed, and its record not. */
  onCollectionRemoved(id: number): void {
    if (this.#objects.dueAt(id) !== Number.POSITIVE_INFINITY) this.#noteMembersStale()
  }

  /** The database was emptied. */
  onCleared(): void {
    for (let i = this.volatileCount + this.#dueCount; i > 0; i--) this.#index.noteStale()
    this.volatileCount = 0
    this.#dueCount = 0
  }

  /**
   * Whether an entry means something: a key with this hash, or a member of one, expires at just this time.
   */
  isLive(hash: number, atMs: number): boolean {
    const table = this.#table
    let isLive = false
    table.findByHash(hash, (ref) => {
      if (table.expireAt(ref) === atMs) isLive = true
      else if (table.typeOf(ref) !== STRING && this.#objects.dueAt(table.objectOf(ref)) === atMs)
        isLive = true
    })
    return isLive
  }

  /** A record with this hash that has an expiry; 0: none. */
  volatileWithHash(hash: number): RecordRef {
    let found: RecordRef = 0
    this.#table.findByHash(hash, (ref) => {
      if (this.#table.expireAt(ref) !== 0) found = ref
    })
    return found
  }

  #noteMembersStale(): void {
    this.#dueCount--
    this.#index.noteStale()
  }
}

/**
 * What a shard does without being asked: keys, members and leases whose time has come, and memory above the
 * ceiling; each in small steps, so that whoever calls decides how long it goes on.
 * Tests: test/keyspace/engine/key-expiry.test.ts, test/keyspace/engine/memory-ceiling.test.ts
 */
import type { Database } from './database.ts'
import type { Evictor } from './evictor.ts'
import type { ExpiryIndex } from './expiry-index.ts'
import type { LockTable } from './locks/lock-table.ts'

/** Entries of the index that one step takes. */
const EXPIRY_BATCH = 64
/** Locks that one step may give on to those who wait. */
const LOCK_BATCH = 16

/** Blocks that one step of compaction moves. */
const COMPACT_BATCH = 32
/** Pages of the key table. */
const PAGE_BYTES = 64 * 1024
/** Below so many pages there is little to gain. */
const SPARSE_PAGES_MIN = 16
/** Pages are sparse when they hold less than this part of what they could. */
const SPARSE_FACTOR = 2
/**
 * A table that had nothing to gain is looked at again when its pages have become so many times more, or less.
 */
const COMPACT_AGAIN = 1.25

/** What background work needs of its engine. */
export interface BackgroundHost {
  readonly nowMs: number
  readonly memory: { readonly maxBytes: number; readonly expiresActively: boolean }
  readonly locks: LockTable
  readonly flights: LockTable
  readonly clock: { wallMs(): number; monotonicMs(): number }
  usedBytes(): number
  openDatabases(): readonly Database[]
  databaseWithId(id: number): Database | undefined
  atomically<T>(run: () => T): T
}

/** The steps. */
export class BackgroundWork {
  readonly #host: BackgroundHost
  readonly #expiry: ExpiryIndex
  readonly #evictor: Evictor
  /** Pages of a database when compaction found no more to gain, by its id. */
  readonly #compactedPages = new Map<number, number>()

  constructor(host: BackgroundHost, expiry: ExpiryIndex, evictor: Evictor) {
    this.#host = host
    this.#expiry = expiry
    this.#evictor = evictor
  }

  /** Does one step of what is due; whether there may be more. */
  step(): boolean {
    return this.#expireLocks() || this.#expireSome() || this.#evictSome() || this.#compactSome()
  }

  /** Whether pages of some database are so sparse that moving blocks together is worth it. */
  get wantsCompaction(): boolean {
    return this.#host.openDatabases().some((db) => this.#isSparse(db))
  }

  /** Moves blocks out of sparse pages. A database that has nothing to gain is left alone until it changes. */
  #compactSome(): boolean {
    const db = this.#host.openDatabases().find((one) => this.#isSparse(one))
    if (db === undefined) return false
    const moved = this.#host.atomically(() => db.table.compact(COMPACT_BATCH))
    if (moved < COMPACT_BATCH) this.#compactedPages.set(db.id, db.table.pagesUsed)
    return true
  }

  #isSparse({ id, table }: Database): boolean {
    const { pagesUsed, usedBytes } = table
    if (pagesUsed < SPARSE_PAGES_MIN || usedBytes * SPARSE_FACTOR > pagesUsed * PAGE_BYTES) return false
    const after = this.#compactedPages.get(id)
    return after === undefined || pagesUsed > after * COMPACT_AGAIN || pagesUsed * COMPACT_AGAIN < after
  }

  #evictSome(): boolean {
    const host = this.#host
    const { maxBytes } = host.memory
    if (maxBytes === 0 || host.usedBytes() <= maxBytes) return false
    return host.atomically(() => this.#evictor.evictOne(host.openDatabases(), host.nowMs))
  }

  #expireLocks(): boolean {
    const { locks, flights, clock } = this.#host
    const nowMs = clock.monotonicMs()
    if (nowMs < locks.nextDueMs && nowMs < flights.nextDueMs) return false
    const tables = [locks, flights]
    return this.#host.atomically(() => tables.map((table) => table.expireDue(LOCK_BATCH)).includes(true))
  }

  #expireSome(): boolean {
    const host = this.#host
    const expiry = this.#expiry
    if (!host.memory.expiresActively || expiry.nextMs() > host.clock.wallMs()) {
      if (!expiry.needsSweep) return false
      return expiry.sweep(
        EXPIRY_BATCH,
        (hash, db, atMs) => host.databaseWithId(db)?.expiresAt(hash, atMs) ?? false,
      )
    }
    return host.atomically(() => {
      const taken = expiry.takeDue(host.nowMs, EXPIRY_BATCH, (hash, db) => {
        host.databaseWithId(db)?.expireHash(hash)
      })
      return taken === EXPIRY_BATCH
    })
  }
}

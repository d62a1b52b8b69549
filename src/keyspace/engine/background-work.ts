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

/** What background work needs of its engine. */
export interface BackgroundHost {
  readonly nowMs: number
  readonly memory: { readonly maxBytes: number }
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

  constructor(host: BackgroundHost, expiry: ExpiryIndex, evictor: Evictor) {
    this.#host = host
    this.#expiry = expiry
    this.#evictor = evictor
  }

  /** Does one step of what is due; whether there may be more. */
  step(): boolean {
    return this.#expireLocks() || this.#expireSome() || this.#evictSome()
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
    if (expiry.nextMs() > host.clock.wallMs()) {
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

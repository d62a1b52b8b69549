/**
 * Throws keys out at the ceiling of memory, by policy: joins the pool of candidates to databases.
 *
 * Policies of keys with an expiry draw from the index of expiries, so that they find them however few they
 * are.
 * Source: Redis' evict.c, as described in https://redis.io/docs/latest/develop/reference/eviction/
 * Tests: test/keyspace/engine/memory-ceiling.test.ts
 */
import type { Random } from '../../base/index.ts'
import type { RecordRef } from '../../memory/index.ts'
import type { Database } from './database.ts'
import { type Candidate, EvictionPool, evictionScore, isRandomPolicy, isVolatilePolicy } from './eviction.ts'
import type { ExpiryIndex } from './expiry-index.ts'
import type { MemoryPolicy } from './memory-policy.ts'

/** Draws of the random policies before they give up. */
const DRAWS_MAX = 64

/** Finds what to throw out. */
export class Evictor {
  readonly #memory: MemoryPolicy
  readonly #expiry: ExpiryIndex
  readonly #random: Random
  readonly #pool = new EvictionPool()

  constructor(memory: MemoryPolicy, expiry: ExpiryIndex, random: Random) {
    this.#memory = memory
    this.#expiry = expiry
    this.#random = random
  }

  /** Throws one key out; false when the policy finds none. */
  evictOne(databases: readonly Database[], nowMs: number): boolean {
    const { policy, samples } = this.#memory
    if (policy === 'noeviction') return false
    const sample = (): Candidate | undefined => this.#sample(databases, nowMs)
    const byIndex = (index: number): Database | undefined => databases.find((db) => db.index === index)
    if (isRandomPolicy(policy)) {
      for (let draw = 0; draw < DRAWS_MAX; draw++) {
        const candidate = sample()
        if (candidate !== undefined && byIndex(candidate.db)?.evict(candidate.key) === true) return true
      }
      return false
    }
    const isThere = ({ key, db }: Candidate): boolean => byIndex(db)?.evict(key) === true
    return this.#pool.pick(sample, isThere, samples) !== undefined
  }

  #sample(databases: readonly Database[], nowMs: number): Candidate | undefined {
    const { policy } = this.#memory
    if (isVolatilePolicy(policy)) {
      const drawn = this.#expiry.sample(this.#random)
      const db = drawn && databases.find(({ id }) => id === drawn.db)
      return db && this.#candidate(db, db.volatileWithHash(drawn.hash), nowMs)
    }
    const total = databases.reduce((sum, { size }) => sum + size, 0)
    if (total === 0) return undefined
    let at = this.#random.below(total)
    for (const db of databases) {
      if (at < db.size) return this.#candidate(db, db.table.sample(this.#random), nowMs)
      at -= db.size
    }
    return undefined
  }

  #candidate(db: Database, ref: RecordRef, nowMs: number): Candidate | undefined {
    if (ref === 0) return undefined
    const { table } = db
    const clock = table.accessClock(ref)
    const score = evictionScore(this.#memory.policy, clock, table.expireAt(ref), nowMs, this.#memory)
    return score === undefined ? undefined : { key: table.keyOf(ref), db: db.index, score }
  }
}

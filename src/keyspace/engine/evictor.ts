/**
 * Throws keys out at the ceiling of memory, by policy: joins the pool of candidates to databases.
 *
 * Source: Redis' evict.c, as described in https://redis.io/docs/latest/develop/reference/eviction/
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Random } from '../../base/index.ts'
import type { AccessPolicy } from './access-policy.ts'
import type { Database } from './database.ts'
import type { MemoryPolicy } from './memory-policy.ts'

/** Finds what to throw out. */
export class Evictor {
  readonly #memory: MemoryPolicy
  readonly #random: Random

  constructor(memory: MemoryPolicy, _access: AccessPolicy, random: Random) {
    this.#memory = memory
    this.#random = random
  }

  /** Throws one key out; false when the policy finds none. */
  evictOne(databases: readonly Database[]): boolean {
    if (this.#memory.policy === 'noeviction') return false
    for (const db of databases) {
      if (db.size === 0) continue
      return db.evict(db.table.keyOf(db.table.sample(this.#random)))
    }
    return false
  }
}

/**
 * The ceiling of a shard's memory and what happens there: names and defaults of Redis.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */

/** What is thrown out at the ceiling: nothing, or keys by age, by use, by chance, or by time to live. */
export type EvictionPolicyName =
  | 'noeviction'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'volatile-lru'
  | 'volatile-lfu'
  | 'volatile-random'
  | 'volatile-ttl'

/** Whether a policy goes by how often a key is used; the others go by when, or by neither. */
export function usesFrequency(policy: EvictionPolicyName): boolean {
  return policy === 'allkeys-lfu' || policy === 'volatile-lfu'
}

/** Settings of one shard's memory. */
export interface MemoryPolicy {
  /** Bytes; 0: no ceiling. */
  maxBytes: number
  policy: EvictionPolicyName
  /** Keys that are looked at for each one that is thrown out. */
  samples: number
  lfuLogFactor: number
  lfuDecayMinutes: number
  /** Whether what has expired is removed by itself, and not only when somebody looks at it: for tests. */
  expiresActively: boolean
}

export const MEMORY_POLICY: MemoryPolicy = {
  maxBytes: 0,
  policy: 'noeviction',
  samples: 5,
  lfuLogFactor: 10,
  lfuDecayMinutes: 1,
  expiresActively: true,
}

/**
 * What a shard says of itself, and the sum over shards.
 * Tests: test/keyspace/keyspace.race.test.ts
 */

/** One shard, or all of them together. */
export interface ShardStats {
  readonly shards: number
  /** Keys of all databases; while slots move, those on their way are counted twice. */
  readonly keys: number
  /** Keys with an expiry. */
  readonly volatileKeys: number
  /** Bytes of keys and values: what the ceiling of memory is compared with. */
  readonly usedBytes: number
  /** Of these, collections on the JavaScript heap, as estimated. */
  readonly heapBytes: number
  /** Bytes of shared memory that were reserved for strings and the key table. */
  readonly reservedBytes: number
  readonly commands: number
  /** Reads that found their key, and those that did not. Reads without a message are not counted. */
  readonly hits: number
  readonly misses: number
  readonly expiredKeys: number
  readonly expiredMembers: number
  readonly evictedKeys: number
  /** Callers that wait for a key. */
  readonly blocked: number
  /** Transactions under way. */
  readonly transactions: number
  readonly locks: number
}

/** The sums. */
export function sumStats(all: readonly ShardStats[]): ShardStats {
  const sum = (of: (stats: ShardStats) => number): number => all.reduce((total, one) => total + of(one), 0)
  return {
    shards: sum((one) => one.shards),
    keys: sum((one) => one.keys),
    volatileKeys: sum((one) => one.volatileKeys),
    usedBytes: sum((one) => one.usedBytes),
    heapBytes: sum((one) => one.heapBytes),
    reservedBytes: sum((one) => one.reservedBytes),
    commands: sum((one) => one.commands),
    hits: sum((one) => one.hits),
    misses: sum((one) => one.misses),
    expiredKeys: sum((one) => one.expiredKeys),
    expiredMembers: sum((one) => one.expiredMembers),
    evictedKeys: sum((one) => one.evictedKeys),
    blocked: sum((one) => one.blocked),
    transactions: sum((one) => one.transactions),
    locks: sum((one) => one.locks),
  }
}

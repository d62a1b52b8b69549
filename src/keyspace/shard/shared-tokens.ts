/**
 * Fencing tokens from shared memory: one counter for all locks of all shards, so that the token of a lock
 * only grows, also when its hash slot moves, and however often a shard is started again.
 * Tests: test/keyspace/locks.race.test.ts
 */
import type { TokenSource } from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'

/** Draws tokens that are above all that were drawn in this keyspace. */
export function sharedTokens(memory: KeyspaceMemory): TokenSource {
  return {
    get last() {
      return memory.token
    },
    next: () => memory.drawToken(),
    raise: (floor) => memory.raiseToken(floor),
  }
}

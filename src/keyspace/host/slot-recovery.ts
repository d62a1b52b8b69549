/**
 * Which shard owns which slots after a recovery, by what the logs say of moves (`durability/slot-claims.ts`).
 *
 * When all shards recover, all logs together say it. When one does, the map is right as far as the others
 * know; only what this shard had decided to give, and not said to the map before it was lost, is made up for.
 *
 * Writer of the slot map before anybody serves; and of the words of slots that a shard owns which is down.
 * Tests: test/keyspace/durability/slot-moves.crash.test.ts
 */
import { type ClaimedSlots, ownersBy } from '../durability/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'

/** All shards have read their logs. */
export function applyMoves(memory: KeyspaceMemory, claims: Iterable<ClaimedSlots>): void {
  for (const [slot, owner] of ownersBy(claims)) {
    if (memory.ownerOf(slot) !== owner) memory.setOwner(slot, owner)
  }
}

/** A shard that is down has read its log again, while the others have gone on. */
export function endMoves(memory: KeyspaceMemory, shard: number, claims: readonly ClaimedSlots[]): void {
  // They are back, or about to be: what it had given before was another time.
  const coming = new Set(claims.flatMap(({ type, slots }) => (type === 'coming' ? slots : [])))
  for (const { type, shard: to, slots } of claims) {
    if (type !== 'given') continue
    for (const slot of slots) {
      if (memory.ownerOf(slot) === shard && !coming.has(slot)) memory.setOwner(slot, to)
    }
  }
}

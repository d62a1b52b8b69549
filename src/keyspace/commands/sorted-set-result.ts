/**
 * Scored members as the value of a key: what the commands whose names end in STORE have in common.
 *
 * Tests: test/keyspace/commands/sorted-set-algebra-commands.test.ts
 */
import {
  type ByteString,
  type Database,
  makeCollection,
  type ScoredMember,
  type SortedSetValue,
} from '../engine/index.ts'

/**
 * Puts members in the place of whatever a key holds, and reports it; without members the key is removed. What
 * is stored never expires. Answers how many members it has.
 */
export function storeMembers(
  db: Database,
  key: ByteString,
  members: Iterable<ScoredMember>,
  event: string,
): number {
  const result = makeCollection('zset', db.limits) as SortedSetValue
  for (const { member, score } of members) result.set(member, score)
  if (result.size === 0) {
    db.delete(key)
    return 0
  }
  db.putCollection(key, 'zset', result)
  db.changed(key, event)
  return result.size
}

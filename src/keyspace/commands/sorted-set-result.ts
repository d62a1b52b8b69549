/**
 * Scored members as the value of a key: what the commands whose names end in STORE have in common.
 *
 * Tests: test/keyspace/commands/sorted-set-algebra-commands.test.ts
 */
import { type ByteString, type Database, type ScoredMember, SortedSetValue } from '../engine/index.ts'

/**
 * Puts members in the place of whatever a key holds, and reports it; without members the key is removed. What
 * is stored never expires. Answers how many members it has.
 */
export function storeMembers(
  db: Database,
  key: ByteString,
  members: readonly ScoredMember[],
  event: string,
): number {
  if (members.length === 0) {
    db.delete(key)
    return 0
  }
  const { zsetListpackEntries, zsetListpackValueBytes } = db.limits
  const isSmall =
    members.length <= zsetListpackEntries &&
    members.every(({ member }) => member.length <= zsetListpackValueBytes)
  // A set that ends large is large from the first member on: small ones do not keep a score of -0.
  const result = new SortedSetValue(isSmall ? zsetListpackEntries : 0, zsetListpackValueBytes)
  for (const { member, score } of members) result.set(member, score)
  db.putCollection(key, 'zset', result)
  db.changed(key, event)
  return result.size
}

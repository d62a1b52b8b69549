/**
 * Members of sorted sets that expire: ZEXPIRE and its kin, named as Redis names those of fields of hashes.
 *
 * Ranks cannot leave out a member that is due, so whatever looks at a sorted set first removes all of them.
 *
 * Tests: test/keyspace/commands/sorted-set-expiry-commands.test.ts
 */
import type { CommandSpec } from '../engine/index.ts'
import { type MemberFamily, memberExpiryCommands } from './member-expiry-commands.ts'

const SORTED_SETS: MemberFamily = {
  letter: 'z',
  group: 'sorted_set',
  member: 'member',
  remove: 'ZREM',
  since: 'Shardloom 0.2.0',
  differs:
    'Redis has it for fields of hashes only. As with HSET, a member that ZADD gives a score no longer ' +
    'expires; ZINCRBY keeps its time.',
  find: (db, key) => db.sortedSet(key),
}

export const sortedSetExpiryCommands: readonly CommandSpec[] = memberExpiryCommands(SORTED_SETS)

/**
 * Members of sets that expire: SEXPIRE and its kin, named as Redis names those of hashes, and SADDEX, as in
 * Dragonfly.
 *
 * Tests: test/keyspace/commands/set-expiry-commands.test.ts
 */
import type { ByteString, Call, CommandSpec, Reply } from '../engine/index.ts'
import { integer, invalidExpire } from './arguments.ts'
import { EXPIRY_FORMS } from './expiry-arguments.ts'
import { logMembers } from './logged-members.ts'
import {
  expireMembersAt,
  type MemberFamily,
  memberExpireAt,
  memberExpiryCommands,
} from './member-expiry-commands.ts'

const SETS: MemberFamily = {
  letter: 's',
  group: 'set',
  member: 'member',
  remove: 'SREM',
  since: 'Shardloom 0.2.0',
  differs: 'Redis has it for fields of hashes only.',
  find: (db, key) => db.set(key),
}

/** Adds members that expire; those that are there get the new time. */
function saddex(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const [, key = '', seconds = ''] = argv
  const { nowMs } = db
  if (integer(seconds) < 1) throw invalidExpire('saddex')
  const expireAtMs = memberExpireAt(db, seconds, EXPIRY_FORMS.EX, 'saddex')
  const members = argv.slice(3)
  const set = db.setOrNew(key)
  const added = members.filter((member) => set.add(member, nowMs))
  if (added.length > 0) {
    logMembers(call, ['SADD', key], added)
    db.changed(key, 'sadd')
  }
  expireMembersAt(call, SETS, key, expireAtMs, members)
  return added.length
}

export const setExpiryCommands: readonly CommandSpec[] = [
  ...memberExpiryCommands(SETS),
  {
    name: 'saddex',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Adds members that expire after some seconds; those that are there get the new time.',
    complexity: 'O(n) for n members',
    syntax: 'key seconds member [member …]',
    since: SETS.since,
    differs: 'Redis does not have it.',
    handler: saddex,
  },
]

/**
 * Some of the members of a set: SPOP and SRANDMEMBER by chance, SSCAN in steps.
 *
 * Effects: what SPOP took is logged as SREM, or as DEL when it was all.
 *
 * Tests: test/keyspace/commands/set-walk-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  type Reply,
  SetReply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer } from './arguments.ts'
import { collectionCursor, EMPTY_SCAN, readCollectionScan } from './collection-scan.ts'
import { logMembers } from './logged-members.ts'
import { DRAWS_DIFFER, randomCount } from './random-count.ts'

const NOT_POSITIVE = err('value is out of range, must be positive')

function spop(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const [, key = '', countText] = argv
  if (argv.length > 3) throw SYNTAX_ERROR
  if (countText !== undefined) {
    const count = integer(countText, NOT_POSITIVE)
    if (count < 0) throw NOT_POSITIVE
    return new SetReply(popMany(call, key, count))
  }
  const member = db.set(key)?.pop(db.random, db.nowMs)
  if (member === undefined) return null
  call.effect('SREM', key, member)
  db.changed(key, 'spop')
  return member
}

function popMany(call: Call, key: ByteString, count: number): readonly ByteString[] {
  const { db } = call
  const { nowMs } = db
  const set = db.set(key)
  if (set === undefined || count === 0) return []
  if (count >= set.size) {
    const members = [...set.members(nowMs)]
    call.effect('DEL', key)
    db.changed(key, 'spop')
    // The set goes as a whole: taking its members out one by one would take as long as they are many.
    db.delete(key)
    return members
  }
  const members = set.randomDistinct(count, db.random, nowMs)
  for (const member of members) set.delete(member, nowMs)
  logMembers(call, ['SREM', key], members)
  db.changed(key, 'spop')
  return members
}

function srandmember({ db }: Call, argv: readonly ByteString[]): Reply {
  const { random, nowMs } = db
  const [, key = '', countText] = argv
  if (argv.length > 3) throw SYNTAX_ERROR
  if (countText === undefined) return db.set(key)?.random(random, nowMs) ?? null
  const count = randomCount(countText)
  const set = db.set(key)
  if (set === undefined) return []
  if (count >= set.size) return [...set.members(nowMs)]
  if (count >= 0) return set.randomDistinct(count, random, nowMs)
  const drawn: ByteString[] = []
  for (let draws = count; draws < 0; draws++) {
    const member = set.random(random, nowMs)
    if (member !== undefined) drawn.push(member)
  }
  return drawn
}

function sscan({ db }: Call, argv: readonly ByteString[]): Reply {
  const cursor = collectionCursor(argv[2]!)
  const set = db.set(argv[1]!)
  // As Redis: what is not there is walked before the options are read.
  if (set === undefined) return EMPTY_SCAN
  const { count, matches } = readCollectionScan(argv)
  const found: ByteString[] = []
  const next = set.scan(cursor, count, db.nowMs, (member) => {
    if (matches === undefined || matches(member)) found.push(member)
  })
  return [String(next), found]
}

export const setWalkCommands: readonly CommandSpec[] = [
  {
    name: 'spop',
    arity: -2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Removes random members and answers them.',
    complexity: 'O(n) for n members that are removed',
    syntax: 'key [count]',
    since: '1.0.0',
    handler: spop,
  },
  {
    name: 'srandmember',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Answers random members: different ones, or, for a count below zero, so many draws.',
    complexity: 'O(n) for n members that are answered',
    syntax: 'key [count]',
    since: '1.0.0',
    differs: DRAWS_DIFFER,
    handler: srandmember,
  },
  {
    name: 'sscan',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Walks over the members of a set in steps: answers where to go on, and some members.',
    complexity: 'O(1) a step, O(n) for all n members',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    since: '2.8.0',
    handler: sscan,
  },
]

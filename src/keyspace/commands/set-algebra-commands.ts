/**
 * Several sets together: intersection, union, difference, answered or stored. What is stored never expires,
 * whatever the members that it was made of.
 *
 * Tests: test/keyspace/commands/set-algebra-commands.test.ts
 * Source: Redis 7.2, src/t_set.c (sinterGenericCommand, sunionDiffGenericCommand).
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type Database,
  err,
  makeCollection,
  type Reply,
  SetReply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer } from './arguments.ts'

const BAD_KEY_COUNT = err('numkeys should be greater than 0')
const TOO_FEW_KEYS = err("Number of keys can't be greater than number of args")
const BAD_LIMIT = err("LIMIT can't be negative")

type SetValue = ReturnType<Database['setOrNew']>
type Sets = readonly (SetValue | undefined)[]
type Operation = (db: Database, sets: Sets) => Iterable<ByteString>

/** Of all keys, so that one of a wrong type is refused whatever the others are. @throws WRONG_TYPE */
function setsOf(db: Database, keys: readonly ByteString[]): Sets {
  return keys.map((key) => db.set(key))
}

/** The members of the smallest set that all others have. */
function* intersection(db: Database, sets: Sets): Iterable<ByteString> {
  const { nowMs } = db
  const all = sets.filter((set) => set !== undefined)
  if (all.length < sets.length) return
  const [smallest, ...others] = all.sort((a, b) => a.size - b.size)
  for (const member of smallest?.members(nowMs) ?? []) {
    if (others.every((set) => set.has(member, nowMs))) yield member
  }
}

function union(db: Database, sets: Sets): Iterable<ByteString> {
  const { nowMs } = db
  const all = emptySet(db)
  for (const set of sets) for (const member of set?.members(nowMs) ?? []) all.add(member, nowMs)
  return all.members(nowMs)
}

/** The members of the first set that no other has, by whichever way looks at fewer members. */
function* difference(db: Database, sets: Sets): Iterable<ByteString> {
  const { nowMs } = db
  const [first, ...rest] = sets
  if (first === undefined) return
  const others = rest.filter((set) => set !== undefined).sort((a, b) => b.size - a.size)
  const othersSize = others.reduce((size, set) => size + set.size, 0)
  // A look-up in each other set, half of which are spared, or one set of all that is not wanted.
  const isEach = (first.size * others.length) / 2 <= first.size + othersSize
  let excluding: readonly SetValue[] = others
  if (!isEach) {
    const excluded = emptySet(db)
    for (const set of others) for (const member of set.members(nowMs)) excluded.add(member, nowMs)
    excluding = [excluded]
  }
  for (const member of first.members(nowMs)) {
    if (!excluding.some((set) => set.has(member, nowMs))) yield member
  }
}

function emptySet(db: Database): SetValue {
  return makeCollection('set', db.limits) as SetValue
}

function answer(operation: Operation): CommandSpec['handler'] {
  return ({ db }, argv) => new SetReply([...operation(db, setsOf(db, argv.slice(1)))])
}

function store(operation: Operation, event: string): CommandSpec['handler'] {
  return ({ db }, argv) => {
    const target = argv[1]!
    const sets = setsOf(db, argv.slice(2))
    const result = emptySet(db)
    for (const member of operation(db, sets)) result.add(member, db.nowMs)
    if (result.size === 0) {
      db.delete(target)
      return 0
    }
    db.putCollection(target, 'set', result)
    db.changed(target, event)
    return result.size
  }
}

function sintercard({ db }: Call, argv: readonly ByteString[]): Reply {
  const keyCount = integer(argv[1]!, BAD_KEY_COUNT)
  if (keyCount < 1) throw BAD_KEY_COUNT
  if (keyCount > argv.length - 2) throw TOO_FEW_KEYS
  let limit = 0
  for (let i = 2 + keyCount; i < argv.length; i += 2) {
    if (argv[i]!.toUpperCase() !== 'LIMIT' || i + 1 === argv.length) throw SYNTAX_ERROR
    limit = integer(argv[i + 1]!, BAD_LIMIT)
    if (limit < 0) throw BAD_LIMIT
  }
  let count = 0
  for (const _member of intersection(db, setsOf(db, argv.slice(2, 2 + keyCount)))) {
    if (++count === limit) break
  }
  return count
}

export const setAlgebraCommands: readonly CommandSpec[] = [
  {
    name: 'sinter',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1, last: -1 },
    group: 'set',
    summary: 'Answers the members that all sets have.',
    complexity: 'O(n·k) for k sets, the smallest of n members',
    syntax: 'key [key …]',
    since: '1.0.0',
    handler: answer(intersection),
  },
  {
    name: 'sintercard',
    arity: -3,
    flags: ['readonly'],
    keys: { keynum: 1 },
    group: 'set',
    summary: 'Answers how many members all sets have, counting to the limit.',
    complexity: 'O(n·k) for k sets, the smallest of n members',
    syntax: 'numkeys key [key …] [LIMIT limit]',
    since: '7.0.0',
    handler: sintercard,
  },
  {
    name: 'sinterstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: -1, written: 'first' },
    group: 'set',
    summary: 'Stores the members that all sets have, and answers how many they are.',
    complexity: 'O(n·k) for k sets, the smallest of n members',
    syntax: 'destination key [key …]',
    since: '1.0.0',
    handler: store(intersection, 'sinterstore'),
  },
  {
    name: 'sunion',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1, last: -1 },
    group: 'set',
    summary: 'Answers the members that any of the sets has.',
    complexity: 'O(n) for n members of all sets',
    syntax: 'key [key …]',
    since: '1.0.0',
    handler: answer(union),
  },
  {
    name: 'sunionstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: -1, written: 'first' },
    group: 'set',
    summary: 'Stores the members that any of the sets has, and answers how many they are.',
    complexity: 'O(n) for n members of all sets',
    syntax: 'destination key [key …]',
    since: '1.0.0',
    handler: store(union, 'sunionstore'),
  },
  {
    name: 'sdiff',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1, last: -1 },
    group: 'set',
    summary: 'Answers the members of the first set that no other has.',
    complexity: 'O(n) for n members of all sets',
    syntax: 'key [key …]',
    since: '1.0.0',
    handler: answer(difference),
  },
  {
    name: 'sdiffstore',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: -1, written: 'first' },
    group: 'set',
    summary: 'Stores the members of the first set that no other has, and answers how many they are.',
    complexity: 'O(n) for n members of all sets',
    syntax: 'destination key [key …]',
    since: '1.0.0',
    handler: store(difference, 'sdiffstore'),
  },
]

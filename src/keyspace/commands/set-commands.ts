/**
 * Sets: adding, removing and asking. Chance and walks are in `set-walk-commands.ts`, several sets together in
 * `set-algebra-commands.ts`, members that expire in `set-expiry-commands.ts`.
 *
 * Tests: test/keyspace/commands/set-commands.test.ts
 * Source: Redis 7.2, src/t_set.c, for answers and events.
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type Reply,
  replyOf,
  SetReply,
  type SetValue,
} from '../engine/index.ts'
import { setAlgebraCommands } from './set-algebra-commands.ts'
import { setExpiryCommands } from './set-expiry-commands.ts'
import { setWalkCommands } from './set-walk-commands.ts'

function sadd({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const { nowMs } = db
  const done = addAll(db.setOrNew(key), argv, nowMs)
  if (done >= 0) db.changed(key, 'sadd')
  return replyOf(done)
}

/** As `InPlace.run`. */
function addAll(set: SetValue, argv: readonly ByteString[], nowMs: number): number {
  let added = 0
  for (let i = 2; i < argv.length; i++) if (set.add(argv[i]!, nowMs)) added++
  return added > 0 ? added : ~0
}

function srem({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const { nowMs } = db
  const set = db.set(key)
  if (set === undefined) return 0
  let removed = 0
  for (let i = 2; i < argv.length; i++) if (set.delete(argv[i]!, nowMs)) removed++
  if (removed > 0) db.changed(key, 'srem')
  return removed
}

function smismember({ db }: Call, argv: readonly ByteString[]): Reply {
  const { nowMs } = db
  const set = db.set(argv[1]!)
  return argv.slice(2).map((member) => (set?.has(member, nowMs) ? 1 : 0))
}

/** A member moves with its expiry; one that the target has already stays as it is there. */
function smove({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, from = '', to = '', member = ''] = argv
  const { nowMs } = db
  // As Redis: without a source, the type of the target does not matter.
  const source = db.set(from)
  if (source === undefined) return 0
  db.set(to)
  const expireAt = source.expireAt(member, nowMs)
  if (expireAt === undefined) return 0
  if (from === to) return 1
  db.checkKey(to)
  source.delete(member, nowMs)
  db.changed(from, 'srem')
  const target = db.setOrNew(to)
  if (!target.add(member, nowMs)) return 1
  if (expireAt !== 0) target.setExpireAt(member, expireAt, nowMs)
  db.changed(to, 'sadd')
  return 1
}

const plainCommands: readonly CommandSpec[] = [
  {
    name: 'sadd',
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Adds members, and answers how many are new. One that is there keeps its expiry.',
    complexity: 'O(n) for n members',
    syntax: 'key member [member …]',
    since: '1.0.0',
    handler: sadd,
    inPlace: { type: 'set', run: addAll },
  },
  {
    name: 'srem',
    arity: -3,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Removes members, and the key with the last of them. Answers how many there were.',
    complexity: 'O(n) for n members',
    syntax: 'key member [member …]',
    since: '1.0.0',
    handler: srem,
  },
  {
    name: 'scard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Answers the number of members.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: ({ db }, argv) => db.set(argv[1]!)?.size ?? 0,
  },
  {
    name: 'sismember',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Answers whether something is a member.',
    complexity: 'O(1)',
    syntax: 'key member',
    since: '1.0.0',
    handler: ({ db }, argv) => (db.set(argv[1]!)?.has(argv[2]!, db.nowMs) ? 1 : 0),
  },
  {
    name: 'smismember',
    arity: -3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Answers of each whether it is a member.',
    complexity: 'O(n) for n members',
    syntax: 'key member [member …]',
    since: '6.2.0',
    handler: smismember,
  },
  {
    name: 'smembers',
    arity: 2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'set',
    summary: 'Answers all members.',
    complexity: 'O(n) for n members',
    syntax: 'key',
    since: '1.0.0',
    handler: ({ db }, argv) => new SetReply([...(db.set(argv[1]!)?.members(db.nowMs) ?? [])]),
  },
  {
    name: 'smove',
    arity: 4,
    flags: ['write', 'fast'],
    keys: { first: 1, last: 2 },
    group: 'set',
    summary: 'Moves a member from one set to another.',
    complexity: 'O(1)',
    syntax: 'source destination member',
    since: '1.0.0',
    handler: smove,
  },
]

/** All commands of sets. */
export const setCommands: readonly CommandSpec[] = [
  ...plainCommands,
  ...setWalkCommands,
  ...setAlgebraCommands,
  ...setExpiryCommands,
]

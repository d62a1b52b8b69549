/**
 * Hashes: setting, getting and removing fields. Numbers, chance and walks are in `hash-number-commands.ts`
 * and `hash-walk-commands.ts`, fields that expire in `hash-expiry-commands.ts`.
 *
 * Tests: test/keyspace/commands/hash-commands.test.ts
 * Source: Redis 7.2, src/t_hash.c, for answers and events.
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  type HashValue,
  MapReply,
  OK,
  type Reply,
} from '../engine/index.ts'
import { hashExpiryCommands } from './hash-expiry-commands.ts'
import { hashNumberCommands } from './hash-number-commands.ts'
import { hashWalkCommands } from './hash-walk-commands.ts'

/** HSET and HMSET: how many fields are new. */
function setPairs({ db }: Call, argv: readonly ByteString[], command: string): number {
  if (argv.length % 2 !== 0) throw err(`wrong number of arguments for '${command}' command`)
  const key = argv[1]!
  const { nowMs } = db
  const added = setAll(db.hashOrNew(key), argv, nowMs)
  db.changed(key, 'hset')
  return added
}

/** As `InPlace.run`. */
function setAll(hash: HashValue, argv: readonly ByteString[], nowMs: number): number {
  if (argv.length % 2 !== 0) return Number.NaN
  let added = 0
  for (let i = 2; i < argv.length; i += 2) if (hash.set(argv[i]!, argv[i + 1]!, nowMs)) added++
  return added
}

function hmset(call: Call, argv: readonly ByteString[]): Reply {
  setPairs(call, argv, 'hmset')
  return OK
}

function hsetnx({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', field = '', value = ''] = argv
  const { nowMs } = db
  const hash = db.hashOrNew(key)
  if (hash.has(field, nowMs)) return 0
  hash.set(field, value, nowMs)
  db.changed(key, 'hset')
  return 1
}

function hmget({ db }: Call, argv: readonly ByteString[]): Reply {
  const { nowMs } = db
  const hash = db.hash(argv[1]!)
  return argv.slice(2).map((field) => hash?.get(field, nowMs) ?? null)
}

function hgetall({ db }: Call, argv: readonly ByteString[]): Reply {
  const flat: Reply[] = []
  for (const [field, value] of db.hash(argv[1]!)?.entries(db.nowMs) ?? []) flat.push(field, value)
  return new MapReply(flat)
}

function hkeys({ db }: Call, argv: readonly ByteString[]): Reply {
  const fields: ByteString[] = []
  for (const [field] of db.hash(argv[1]!)?.entries(db.nowMs) ?? []) fields.push(field)
  return fields
}

function hvals({ db }: Call, argv: readonly ByteString[]): Reply {
  const values: ByteString[] = []
  for (const [, value] of db.hash(argv[1]!)?.entries(db.nowMs) ?? []) values.push(value)
  return values
}

function hdel({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const { nowMs } = db
  const hash = db.hash(key)
  if (hash === undefined) return 0
  let removed = 0
  for (let i = 2; i < argv.length; i++) if (hash.delete(argv[i]!, nowMs)) removed++
  if (removed > 0) db.changed(key, 'hdel')
  return removed
}

const plainCommands: readonly CommandSpec[] = [
  {
    name: 'hset',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Sets fields, and answers how many are new. A field that was to expire no longer does.',
    complexity: 'O(n) for n fields',
    syntax: 'key field value [field value …]',
    since: '2.0.0',
    handler: (call, argv) => setPairs(call, argv, 'hset'),
    inPlace: { type: 'hash', run: setAll },
  },
  {
    name: 'hmset',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Sets fields.',
    complexity: 'O(n) for n fields',
    syntax: 'key field value [field value …]',
    since: '2.0.0',
    handler: hmset,
  },
  {
    name: 'hsetnx',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Sets a field unless it is there.',
    complexity: 'O(1)',
    syntax: 'key field value',
    since: '2.0.0',
    handler: hsetnx,
  },
  {
    name: 'hget',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the value of a field.',
    complexity: 'O(1)',
    syntax: 'key field',
    since: '2.0.0',
    handler: ({ db }, argv) => db.hash(argv[1]!)?.get(argv[2]!, db.nowMs) ?? null,
  },
  {
    name: 'hmget',
    arity: -3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the values of fields.',
    complexity: 'O(n) for n fields',
    syntax: 'key field [field …]',
    since: '2.0.0',
    handler: hmget,
  },
  {
    name: 'hgetall',
    arity: 2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers all fields with their values.',
    complexity: 'O(n) for n fields',
    syntax: 'key',
    since: '2.0.0',
    handler: hgetall,
  },
  {
    name: 'hdel',
    arity: -3,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Removes fields, and the key with the last of them. Answers how many there were.',
    complexity: 'O(n) for n fields',
    syntax: 'key field [field …]',
    since: '2.0.0',
    handler: hdel,
  },
  {
    name: 'hlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the number of fields.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '2.0.0',
    handler: ({ db }, argv) => db.hash(argv[1]!)?.size ?? 0,
  },
  {
    name: 'hstrlen',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the length of the value of a field in bytes.',
    complexity: 'O(1)',
    syntax: 'key field',
    since: '3.2.0',
    handler: ({ db }, argv) => db.hash(argv[1]!)?.get(argv[2]!, db.nowMs)?.length ?? 0,
  },
  {
    name: 'hexists',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers whether a field is there.',
    complexity: 'O(1)',
    syntax: 'key field',
    since: '2.0.0',
    handler: ({ db }, argv) => (db.hash(argv[1]!)?.has(argv[2]!, db.nowMs) ? 1 : 0),
  },
  {
    name: 'hkeys',
    arity: 2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers all fields.',
    complexity: 'O(n) for n fields',
    syntax: 'key',
    since: '2.0.0',
    handler: hkeys,
  },
  {
    name: 'hvals',
    arity: 2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the values of all fields.',
    complexity: 'O(n) for n fields',
    syntax: 'key',
    since: '2.0.0',
    handler: hvals,
  },
]

/** All commands of hashes. */
export const hashCommands: readonly CommandSpec[] = [
  ...plainCommands,
  ...hashNumberCommands,
  ...hashWalkCommands,
  ...hashExpiryCommands,
]

/**
 * Fields that expire: HEXPIRE and its kin of Redis 7.4, and HGETEX, HSETEX and HGETDEL of Redis 8.
 *
 * Tests: test/keyspace/commands/hash-expiry-commands.test.ts
 * Source: https://redis.io/docs/latest/commands/hsetex/, hgetex, hgetdel.
 */
import { type ByteString, type Call, type CommandSpec, err, type Reply } from '../engine/index.ts'
import { integer } from './arguments.ts'
import { EXPIRY_FORMS, isExpiryWord } from './expiry-arguments.ts'
import { logMembers } from './logged-members.ts'
import {
  expireMembersAt,
  type MemberFamily,
  memberExpireAt,
  memberExpiryCommands,
  memberList,
  persistMembers,
} from './member-expiry-commands.ts'

const HASHES: MemberFamily = {
  letter: 'h',
  group: 'hash',
  member: 'field',
  remove: 'HDEL',
  since: '7.4.0',
  find: (db, key) => db.hash(key),
}

const HSETEX_ARITY = err("wrong number of arguments for 'hsetex' command")
const BAD_FIELD_COUNT = err('invalid number of fields')
const MISSING_TIME = err('missing expire time')
const ONE_EXPIRY = err('Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified')
const ONE_CONDITION = err('Only one of FXX or FNX arguments can be specified')

const EXPIRY_SYNTAX = 'EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds'

/** What stands before the fields of HSETEX. */
interface SetOptions {
  /** `FNX`: none of the fields may be there; `FXX`: all must be. */
  condition: 'FNX' | 'FXX' | undefined
  keepsExpiry: boolean
  /** Wall-clock milliseconds. */
  expireAtMs: number | undefined
  /** Where the first field stands. */
  first: number
}

function hgetex(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const { nowMs } = db
  const hash = db.hash(key)
  const word = argv[2]!.toUpperCase()
  if (word === 'PERSIST') {
    const fields = memberList(HASHES, argv, 3)
    const values = fields.map((field) => hash?.get(field, nowMs) ?? null)
    persistMembers(call, HASHES, key, fields)
    return values
  }
  const hasTime = isExpiryWord(word)
  const expireAtMs = hasTime ? memberExpireAt(db, argv[3]!, EXPIRY_FORMS[word], 'hgetex') : undefined
  const fields = memberList(HASHES, argv, hasTime ? 4 : 2)
  const values = fields.map((field) => hash?.get(field, nowMs) ?? null)
  if (expireAtMs === undefined) return values
  const answers = expireMembersAt(call, HASHES, key, expireAtMs, fields)
  // A field that is named again after it was removed reads as missing.
  const isPast = expireAtMs <= nowMs
  return isPast ? values.map((value, i) => (answers[i] === -2 ? null : value)) : values
}

function hgetdel(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const { nowMs } = db
  const hash = db.hash(key)
  const fields = memberList(HASHES, argv, 2)
  const removed: ByteString[] = []
  const values = fields.map((field) => {
    const value = hash?.get(field, nowMs)
    if (hash === undefined || value === undefined) return null
    hash.delete(field, nowMs)
    removed.push(field)
    return value
  })
  if (removed.length > 0) {
    logMembers(call, ['HDEL', key], removed)
    db.changed(key, 'hdel')
  }
  return values
}

function hsetex(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const { nowMs } = db
  const { condition, keepsExpiry, expireAtMs, first } = readSetOptions(call, argv)
  const old = db.hash(key)
  if (condition !== undefined) {
    const isThere = condition === 'FXX'
    for (let i = first; i < argv.length; i += 2)
      if ((old?.has(argv[i]!, nowMs) ?? false) !== isThere) return 0
  }
  const hash = db.hashOrNew(key)
  const fields: ByteString[] = []
  for (let i = first; i < argv.length; i += 2) {
    if (keepsExpiry) hash.setKeepingExpiry(argv[i]!, argv[i + 1]!, nowMs)
    else hash.set(argv[i]!, argv[i + 1]!, nowMs)
    fields.push(argv[i]!)
  }
  db.changed(key, 'hset')
  if (expireAtMs === undefined) return 1
  // A time that has passed logs the removal alone: what was set was never to be seen.
  if (expireAtMs > nowMs) logMembers(call, ['HSET', key], argv.slice(first))
  expireMembersAt(call, HASHES, key, expireAtMs, fields)
  return 1
}

/** @throws ErrorReply */
function readSetOptions({ db }: Call, argv: readonly ByteString[]): SetOptions {
  const options: SetOptions = { condition: undefined, keepsExpiry: false, expireAtMs: undefined, first: 0 }
  for (let i = 2; i < argv.length; i++) {
    const word = argv[i]!.toUpperCase()
    if (word === 'FIELDS') {
      if (i >= argv.length - 3) throw HSETEX_ARITY
      const count = integer(argv[i + 1]!, BAD_FIELD_COUNT)
      if (count < 1 || count > 2 ** 31 - 1) throw BAD_FIELD_COUNT
      options.first = i + 2
      if (count * 2 !== argv.length - options.first) throw HSETEX_ARITY
      return options
    }
    if (word === 'KEEPTTL' || isExpiryWord(word)) {
      if (options.keepsExpiry || options.expireAtMs !== undefined) throw ONE_EXPIRY
      if (word === 'KEEPTTL') options.keepsExpiry = true
      else if (i === argv.length - 1) throw MISSING_TIME
      else options.expireAtMs = memberExpireAt(db, argv[++i]!, EXPIRY_FORMS[word], 'hsetex')
    } else if (word === 'FNX' || word === 'FXX') {
      if (options.condition !== undefined) throw ONE_CONDITION
      options.condition = word
    } else {
      throw err(`unknown argument: ${argv[i]!}`)
    }
  }
  // Redis fails an assertion here.
  throw HSETEX_ARITY
}

export const hashExpiryCommands: readonly CommandSpec[] = [
  ...memberExpiryCommands(HASHES),
  {
    name: 'hgetex',
    arity: -5,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the values of fields, and sets when they expire.',
    complexity: 'O(n) for n fields',
    syntax: `key [${EXPIRY_SYNTAX} | PERSIST] FIELDS numfields field [field …]`,
    since: '8.0.0',
    handler: hgetex,
  },
  {
    name: 'hsetex',
    arity: -6,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Sets fields, and when they expire, if none of them or all of them are there.',
    complexity: 'O(n) for n fields',
    syntax: `key [FNX | FXX] [${EXPIRY_SYNTAX} | KEEPTTL] FIELDS numfields field value [field value …]`,
    since: '8.0.0',
    handler: hsetex,
  },
  {
    name: 'hgetdel',
    arity: -5,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers the values of fields, and removes them.',
    complexity: 'O(n) for n fields',
    syntax: 'key FIELDS numfields field [field …]',
    since: '8.0.0',
    handler: hgetdel,
  },
]

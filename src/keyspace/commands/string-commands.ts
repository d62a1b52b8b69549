/**
 * Strings, whole: SET and GET with their variants, MSET and MGET.
 *
 * What is logged is what happened: a SET with conditions or a relative time is logged as the plain SET that
 * it came to, with an absolute time. Large values pass through as the bytes that they came as.
 *
 * Tests: test/keyspace/commands/string-commands.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  checkFence,
  err,
  OK,
  type Reply,
} from '../engine/index.ts'
import { counterCommands } from './counter-commands.ts'
import { EXPIRY_FORMS, type ExpiryForm, positiveExpiry } from './expiry-arguments.ts'
import { fenceIndex, readGetexOptions, readSetOptions, type SetOptions } from './set-options.ts'
import { stringRangeCommands } from './string-range-commands.ts'
import { stringReply } from './string-replies.ts'

function set(call: Call, argv: readonly Argument[]): Reply {
  const { db } = call
  const key = byteString(argv[1]!)
  const value = argv[2]!
  if (argv.length === 3) {
    db.setString(key, value)
    db.changed(key, 'set')
    return OK
  }
  const options = readSetOptions(argv.slice(3).map(byteString))
  const { expiry, keepTtl, fence } = options
  if (fence !== undefined) checkFence(call, fence[0], fence[1])
  const expireAt = expiry && positiveExpiry(db, expiry.text, EXPIRY_FORMS[expiry.word], 'set')
  const old = options.get ? stringReply(db, key) : null
  if (!meets(call, key, options)) return old
  db.setString(key, value, expireAt === undefined ? { keepTtl } : { expireAt })
  db.changed(key, 'set')
  if (expireAt !== undefined) db.changed(key, 'expire')
  if (expireAt !== undefined) call.effect('SET', key, value, 'PXAT', String(expireAt))
  else if (keepTtl) call.effect('SET', key, value, 'KEEPTTL')
  else call.effect('SET', key, value)
  return options.get ? old : OK
}

function meets({ db }: Call, key: ByteString, { condition, ifRevision }: SetOptions): boolean {
  if (ifRevision !== undefined) return (db.revisionOf(key) ?? 0) === ifRevision
  return condition === undefined || db.exists(key) === (condition === 'XX')
}

function setExpiring(call: Call, argv: readonly Argument[], form: ExpiryForm, command: string): Reply {
  const { db } = call
  const key = byteString(argv[1]!)
  const value = argv[3]!
  const expireAt = positiveExpiry(db, byteString(argv[2]!), form, command)
  db.setString(key, value, { expireAt })
  db.changed(key, 'set')
  db.changed(key, 'expire')
  call.effect('SET', key, value, 'PXAT', String(expireAt))
  return OK
}

function setnx({ db }: Call, argv: readonly Argument[]): Reply {
  const key = byteString(argv[1]!)
  if (db.exists(key)) return 0
  db.setString(key, argv[2]!)
  db.changed(key, 'set')
  return 1
}

function getset(call: Call, argv: readonly Argument[]): Reply {
  const { db } = call
  const key = byteString(argv[1]!)
  const old = stringReply(db, key)
  db.setString(key, argv[2]!)
  db.changed(key, 'set')
  call.effect('SET', key, argv[2]!)
  return old
}

function getdel(call: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const value = stringReply(call.db, key)
  if (call.db.delete(key)) call.effect('DEL', key)
  return value
}

function getex(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const option = readGetexOptions(argv)
  const value = stringReply(db, key)
  if (value === null || option === undefined) return value
  if (option === 'PERSIST') {
    if (db.expireAt(key) !== 0) {
      db.setExpireAt(key, 0)
      db.changed(key, 'persist')
      call.effect('PERSIST', key)
    }
    return value
  }
  const expireAt = positiveExpiry(db, option.text, EXPIRY_FORMS[option.word], 'getex')
  if (expireAt <= db.nowMs) {
    db.delete(key)
    call.effect('DEL', key)
  } else {
    db.setExpireAt(key, expireAt)
    db.changed(key, 'expire')
    call.effect('PEXPIREAT', key, String(expireAt))
  }
  return value
}

function mget({ db }: Call, argv: readonly ByteString[]): Reply {
  return argv.slice(1).map((key) => (db.typeOf(key) === 'string' ? stringReply(db, key) : null))
}

function mset({ db }: Call, argv: readonly Argument[]): Reply {
  refuseOdd(argv, 'mset')
  // All or none.
  for (let i = 1; i < argv.length; i += 2) db.checkKey(byteString(argv[i]!))
  for (let i = 1; i < argv.length; i += 2) {
    const key = byteString(argv[i]!)
    db.setString(key, argv[i + 1]!)
    db.changed(key, 'set')
  }
  return OK
}

function msetnx(call: Call, argv: readonly Argument[]): Reply {
  refuseOdd(argv, 'msetnx')
  for (let i = 1; i < argv.length; i += 2) if (call.db.exists(byteString(argv[i]!))) return 0
  mset(call, argv)
  call.effect('MSET', ...argv.slice(1))
  return 1
}

/** @throws ErrorReply when a key has no value */
function refuseOdd(argv: readonly Argument[], command: string): void {
  if (argv.length % 2 === 0) throw err(`wrong number of arguments for '${command}' command`)
}

const settingCommands: readonly CommandSpec[] = [
  {
    name: 'set',
    arity: -3,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    keysOf(argv) {
      const fence = argv.length > 3 ? fenceIndex(argv) : undefined
      const key = { index: 1, isWritten: true }
      return fence === undefined ? [key] : [key, { index: fence, isWritten: false }]
    },
    group: 'string',
    summary: 'Sets a string, in the place of whatever the key holds; conditionally, and with an expiry.',
    complexity: 'O(1)',
    syntax:
      'key value [NX | XX | IFREV revision] [GET] ' +
      '[EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | KEEPTTL] ' +
      '[FENCE lock token]',
    since: '1.0.0',
    differs:
      'IFREV sets only if the revision of the key is this one, 0 standing for a key that is missing. ' +
      'FENCE sets only while the lock is held with this token.',
    handler: set,
  },
  {
    name: 'setnx',
    arity: 3,
    flags: ['write', 'denyoom', 'fast', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Sets a string if the key does not exist.',
    complexity: 'O(1)',
    syntax: 'key value',
    since: '1.0.0',
    handler: setnx,
  },
  {
    name: 'setex',
    arity: 4,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Sets a string that expires after some seconds.',
    complexity: 'O(1)',
    syntax: 'key seconds value',
    since: '2.0.0',
    handler: (call, argv) => setExpiring(call, argv, EXPIRY_FORMS.EX, 'setex'),
  },
  {
    name: 'psetex',
    arity: 4,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Sets a string that expires after some milliseconds.',
    complexity: 'O(1)',
    syntax: 'key milliseconds value',
    since: '2.6.0',
    handler: (call, argv) => setExpiring(call, argv, EXPIRY_FORMS.PX, 'psetex'),
  },
  {
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1, last: -1, step: 2 },
    split: 'ok',
    group: 'string',
    summary: 'Sets several strings at once.',
    complexity: 'O(n) for n keys',
    syntax: 'key value [key value ...]',
    since: '1.0.1',
    handler: mset,
  },
  {
    name: 'msetnx',
    arity: -3,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1, last: -1, step: 2 },
    group: 'string',
    summary: 'Sets several strings if none of the keys exists.',
    complexity: 'O(n) for n keys',
    syntax: 'key value [key value ...]',
    since: '1.0.1',
    handler: msetnx,
  },
]

const gettingCommands: readonly CommandSpec[] = [
  {
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Answers the string of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: ({ db }, argv) => stringReply(db, argv[1]!),
  },
  {
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Sets a string and answers the one before.',
    complexity: 'O(1)',
    syntax: 'key value',
    since: '1.0.0',
    handler: getset,
  },
  {
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Answers the string of a key and removes the key.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '6.2.0',
    handler: getdel,
  },
  {
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Answers the string of a key and changes its expiry.',
    complexity: 'O(1)',
    syntax: 'key [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | PERSIST]',
    since: '6.2.0',
    handler: getex,
  },
  {
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: -1 },
    split: 'gather',
    group: 'string',
    summary: 'Answers the strings of several keys; null for each that holds none.',
    complexity: 'O(n) for n keys',
    syntax: 'key [key ...]',
    since: '1.0.0',
    handler: mget,
  },
]

export const stringCommands: readonly CommandSpec[] = [
  ...settingCommands,
  ...gettingCommands,
  ...counterCommands,
  ...stringRangeCommands,
]

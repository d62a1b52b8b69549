/**
 * Keys that get another name, database or keyspace: RENAME, COPY, MOVE, DUMP and RESTORE.
 * Tests: test/keyspace/commands/key-copy-commands.test.ts
 */
import {
  type Argument,
  arrayOfBytes,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  type Database,
  dumpValue,
  ErrorReply,
  err,
  type KeyUse,
  NO_SUCH_KEY,
  OK,
  putRestored,
  type Reply,
  readPayload,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { readRdbPayload } from '../portable/index.ts'
import { int64, integer, integerWithin, OptionReader } from './arguments.ts'

const SAME_OBJECT = err('source and destination objects are the same')
const BUSY_KEY = new ErrorReply('BUSYKEY', 'Target key name already exists.')
const BAD_TTL = err('Invalid TTL value, must be >= 0')
const BAD_IDLE_TIME = err('Invalid IDLETIME value, must be >= 0')
const BAD_FREQUENCY = err('Invalid FREQ value, must be >= 0 and <= 255')

const INT_MAX = 2 ** 31 - 1
const RDB_TYPE_MAX = 0x3f

function rename({ db }: Call, argv: readonly ByteString[], isExclusive: boolean): Reply {
  const from = argv[1]!
  const to = argv[2]!
  if (!db.exists(from)) throw NO_SUCH_KEY
  if (from === to) return isExclusive ? 0 : OK
  if (isExclusive && db.exists(to)) return 0
  db.move(from, db, to)
  db.changed(from, 'rename_from')
  db.changed(to, 'rename_to')
  return isExclusive ? 1 : OK
}

function move(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const target = call.database(integerWithin(argv[2]!, -INT_MAX - 1, INT_MAX))
  if (target === db) throw SAME_OBJECT
  if (!db.exists(key) || target.exists(key)) return 0
  db.move(key, target, key)
  db.changed(key, 'move_from')
  target.changed(key, 'move_to')
  return 1
}

function copy(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const from = argv[1]!
  const to = argv[2]!
  const reader = new OptionReader(argv, 3)
  let target: Database = db
  let isReplacing = false
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (name === 'REPLACE') isReplacing = true
    else if (name === 'DB') target = call.database(integerWithin(reader.value(), -INT_MAX - 1, INT_MAX))
    else throw SYNTAX_ERROR
  }
  if (target === db && from === to) throw SAME_OBJECT
  const expireAt = db.expireAt(from)
  if (expireAt === undefined || (!isReplacing && target.exists(to))) return 0
  const payload = dumpValue(db, from)!
  putRestored(target, to, readPayload(target, payload), expireAt)
  target.changed(to, 'copy_to')
  return 1
}

/** The target may be in another database. */
function keysOfCopy(argv: readonly Argument[]): readonly KeyUse[] {
  let db: number | undefined
  for (let i = 3; i + 1 < argv.length; i++) {
    if (byteString(argv[i]!).toUpperCase() === 'DB') db = databaseOf(argv[++i]!)
  }
  return [
    { index: 1, isWritten: false },
    { index: 2, isWritten: true, ...(db === undefined ? undefined : { db }) },
  ]
}

/** The key here, and there. */
function keysOfMove(argv: readonly Argument[]): readonly KeyUse[] {
  const db = databaseOf(argv[2]!)
  const here = { index: 1, isWritten: true }
  return db === undefined ? [here] : [here, { ...here, db }]
}

/** A database's number; undefined: there is none, and the command is refused. */
function databaseOf(text: Argument): number | undefined {
  const index = byteString(text)
  return /^(?:[0-9]|1[0-5])$/.test(index) ? Number(index) : undefined
}

/** What RESTORE was told besides the value. */
interface RestoreOptions {
  isReplacing: boolean
  isAbsolute: boolean
  /** Seconds since the key was used. */
  idleSeconds: number | undefined
  frequency: number | undefined
}

function restore(call: Call, argv: readonly Argument[]): Reply {
  const { db } = call
  const key = byteString(argv[1]!)
  const options = readRestoreOptions(argv.slice(4).map(byteString))
  if (!options.isReplacing && db.exists(key)) throw BUSY_KEY
  const ttl = int64(byteString(argv[2]!))
  if (ttl < 0n) throw BAD_TTL
  const bytes = argv[3]!
  const payload = typeof bytes === 'string' ? arrayOfBytes(bytes) : bytes
  // The first byte of Redis' own payloads is a type.
  const isOwn = (payload[0] ?? 0) > RDB_TYPE_MAX
  const restored = isOwn ? readPayload(db, payload) : readRdbPayload(payload, db.limits)
  const ms = Math.min(Number(ttl), Number.MAX_SAFE_INTEGER / 2)
  const expireAt = ttl === 0n || options.isAbsolute ? ms : ms + Math.floor(db.nowMs)
  if (expireAt !== 0 && expireAt <= db.nowMs) {
    if (db.delete(key)) call.effect('DEL', key)
    return OK
  }
  putRestored(db, key, restored, expireAt)
  const { idleSeconds, frequency } = options
  if (idleSeconds !== undefined) db.setAccessClock(key, call.engine.clockOfIdle(idleSeconds))
  if (frequency !== undefined) db.setAccessClock(key, call.engine.clockOfFrequency(frequency))
  db.changed(key, 'restore')
  call.effect('RESTORE', key, String(expireAt), bytes, 'REPLACE', 'ABSTTL')
  return OK
}

function readRestoreOptions(words: readonly ByteString[]): RestoreOptions {
  const reader = new OptionReader(words, 0)
  const options: RestoreOptions = {
    isReplacing: false,
    isAbsolute: false,
    idleSeconds: undefined,
    frequency: undefined,
  }
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (name === 'REPLACE') options.isReplacing = true
    else if (name === 'ABSTTL') options.isAbsolute = true
    else if (name === 'IDLETIME' && options.frequency === undefined) {
      options.idleSeconds = integer(reader.value())
      if (options.idleSeconds < 0) throw BAD_IDLE_TIME
    } else if (name === 'FREQ' && options.idleSeconds === undefined) {
      options.frequency = integer(reader.value())
      if (options.frequency < 0 || options.frequency > 255) throw BAD_FREQUENCY
    } else throw SYNTAX_ERROR
  }
  return options
}

export const keyCopyCommands: readonly CommandSpec[] = [
  {
    name: 'rename',
    arity: 3,
    flags: ['write'],
    keys: { first: 1, last: 2 },
    group: 'generic',
    summary: 'Gives what a key holds to another key, in the place of whatever that held.',
    complexity: 'O(1); O(n) for a string of n bytes',
    syntax: 'key newkey',
    since: '1.0.0',
    handler: (call, argv) => rename(call, argv, false),
  },
  {
    name: 'renamenx',
    arity: 3,
    flags: ['write', 'fast'],
    keys: { first: 1, last: 2 },
    group: 'generic',
    summary: 'Gives what a key holds to another key, if that does not exist.',
    complexity: 'O(1); O(n) for a string of n bytes',
    syntax: 'key newkey',
    since: '1.0.0',
    handler: (call, argv) => rename(call, argv, true),
  },
  {
    name: 'copy',
    arity: -3,
    flags: ['write', 'denyoom'],
    keysOf: keysOfCopy,
    group: 'generic',
    summary: 'Copies what a key holds to another key, with its expiry.',
    complexity: 'O(n) for n members or bytes',
    syntax: 'source destination [DB destination-db] [REPLACE]',
    since: '6.2.0',
    handler: copy,
  },
  {
    name: 'move',
    arity: 3,
    flags: ['write', 'fast'],
    keysOf: keysOfMove,
    group: 'generic',
    summary: 'Moves a key to another database, if it is not there yet.',
    complexity: 'O(1); O(n) for a string of n bytes',
    syntax: 'key db',
    since: '1.0.0',
    handler: move,
  },
  {
    name: 'dump',
    arity: 2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'generic',
    summary: 'Answers what a key holds as bytes for RESTORE.',
    complexity: 'O(n) for n members or bytes',
    syntax: 'key',
    since: '2.6.0',
    differs: 'The bytes are of a format of our own, with expiries of members; Redis does not read them.',
    handler: ({ db }, argv) => dumpValue(db, argv[1]!) ?? null,
  },
  {
    name: 'restore',
    arity: -4,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    group: 'generic',
    summary: 'Makes a key of what DUMP answered.',
    complexity: 'O(n) for n members or bytes',
    syntax: 'key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]',
    since: '2.6.0',
    differs: "Takes its own format, and Redis' up to 7.2, of all types but streams and modules.",
    handler: restore,
  },
]

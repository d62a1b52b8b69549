/**
 * Strings that are numbers: INCR and its kin, exact in 64 bits, and INCRBYFLOAT.
 *
 * Up to 2^53 a JavaScript number is exact and ten times as fast as a bigint, so that is tried first.
 *
 * Tests: test/keyspace/commands/counter-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  NOT_FLOAT,
  NOT_INTEGER,
  type Reply,
} from '../engine/index.ts'
import { fitsInt64, int64, integer } from './arguments.ts'
import { addLongDoubles, formatLongDouble, parseLongDouble } from './long-double.ts'
import { integerReply } from './string-replies.ts'

const OVERFLOW = err('increment or decrement would overflow')
const DECREMENT_OVERFLOW = err('decrement would overflow')
const NOT_FINITE = err('increment would produce NaN or Infinity')

const INT64_MIN = -(2n ** 63n)
/** `-9223372036854775808`. */
const INTEGER_BYTES_MAX = 20
const FLOAT_BYTES_MAX = 5 * 1024

/** Adds to the integer of a key. `step` is exact: beyond 2^53 it is a bigint. */
function add({ db }: Call, key: ByteString, step: number | bigint): Reply {
  // A long string is no integer: it need not be fetched to know.
  if (db.stringLength(key) > INTEGER_BYTES_MAX) throw NOT_INTEGER
  const text = db.string(key) ?? '0'
  const old = integer(text)
  let sum: number | bigint = typeof step === 'number' ? old + step : 0
  if (!Number.isSafeInteger(old) || typeof step === 'bigint' || !Number.isSafeInteger(sum)) {
    sum = int64(text) + BigInt(step)
    if (!fitsInt64(sum)) throw OVERFLOW
  }
  db.setString(key, String(sum), { keepTtl: true })
  db.changed(key, 'incrby')
  return typeof sum === 'bigint' ? integerReply(sum) : sum
}

function decrby(call: Call, argv: readonly ByteString[]): Reply {
  const step = int64(argv[2]!)
  if (step === INT64_MIN) throw DECREMENT_OVERFLOW
  return add(call, argv[1]!, integerReply(-step))
}

function incrbyfloat(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  if (db.stringLength(key) > FLOAT_BYTES_MAX) throw NOT_FLOAT
  const old = parseLongDouble(db.string(key) ?? '0')
  const step = parseLongDouble(argv[2]!)
  if (old === undefined || step === undefined) throw NOT_FLOAT
  if (old === 'infinite' || step === 'infinite') throw NOT_FINITE
  const sum = addLongDoubles(old, step)
  if (sum === undefined) throw NOT_FINITE
  const text = formatLongDouble(sum)
  db.setString(key, text, { keepTtl: true })
  db.changed(key, 'incrbyfloat')
  call.effect('SET', key, text, 'KEEPTTL')
  return text
}

export const counterCommands: readonly CommandSpec[] = [
  {
    name: 'incr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Adds one to an integer; a missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: (call, argv) => add(call, argv[1]!, 1),
  },
  {
    name: 'decr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Subtracts one from an integer; a missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: (call, argv) => add(call, argv[1]!, -1),
  },
  {
    name: 'incrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Adds to an integer; a missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key increment',
    since: '1.0.0',
    handler: (call, argv) => add(call, argv[1]!, integerReply(int64(argv[2]!))),
  },
  {
    name: 'decrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Subtracts from an integer; a missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key decrement',
    since: '1.0.0',
    handler: decrby,
  },
  {
    name: 'incrbyfloat',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Adds to a float; a missing key counts as 0.',
    complexity: 'O(1)',
    syntax: 'key increment',
    since: '2.6.0',
    handler: incrbyfloat,
  },
]

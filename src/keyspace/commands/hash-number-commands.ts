/**
 * Fields that are numbers: HINCRBY, exact in 64 bits, and HINCRBYFLOAT. A field keeps its expiry.
 *
 * Tests: test/keyspace/commands/hash-number-commands.test.ts
 */
import { type ByteString, type Call, type CommandSpec, err, NOT_FLOAT, type Reply } from '../engine/index.ts'
import { fitsInt64, int64, integer } from './arguments.ts'
import { addLongDoubles, formatLongDouble, parseLongDouble } from './long-double.ts'
import { integerReply } from './string-replies.ts'

const HASH_NOT_INTEGER = err('hash value is not an integer')
const HASH_NOT_FLOAT = err('hash value is not a float')
const OVERFLOW = err('increment or decrement would overflow')
const STEP_NOT_FINITE = err('value is NaN or Infinity')
const SUM_NOT_FINITE = err('increment would produce NaN or Infinity')

function hincrby({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', field = '', stepText = ''] = argv
  const { nowMs } = db
  const step = integer(stepText)
  const hash = db.hashOrNew(key)
  const oldText = hash.get(field, nowMs) ?? '0'
  const old = integer(oldText, HASH_NOT_INTEGER)
  let sum: number | bigint = old + step
  if (!(Number.isSafeInteger(old) && Number.isSafeInteger(step) && Number.isSafeInteger(sum))) {
    // Rarely: a bigint takes ten times as long.
    sum = int64(oldText) + int64(stepText)
    if (!fitsInt64(sum)) throw OVERFLOW
  }
  hash.setKeepingExpiry(field, String(sum), nowMs)
  db.changed(key, 'hincrby')
  return typeof sum === 'bigint' ? integerReply(sum) : sum
}

function hincrbyfloat(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const [, key = '', field = '', stepText = ''] = argv
  const { nowMs } = db
  const step = parseLongDouble(stepText)
  if (step === undefined) throw NOT_FLOAT
  if (step === 'infinite') throw STEP_NOT_FINITE
  const hash = db.hashOrNew(key)
  const old = parseLongDouble(hash.get(field, nowMs) ?? '0')
  if (old === undefined) throw HASH_NOT_FLOAT
  const sum = old === 'infinite' ? undefined : addLongDoubles(old, step)
  if (sum === undefined) throw SUM_NOT_FINITE
  const text = formatLongDouble(sum)
  hash.setKeepingExpiry(field, text, nowMs)
  call.effect('HSETEX', key, 'KEEPTTL', 'FIELDS', '1', field, text)
  db.changed(key, 'hincrbyfloat')
  return text
}

export const hashNumberCommands: readonly CommandSpec[] = [
  {
    name: 'hincrby',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Adds to the integer of a field; a missing one counts as 0.',
    complexity: 'O(1)',
    syntax: 'key field increment',
    since: '2.0.0',
    handler: hincrby,
  },
  {
    name: 'hincrbyfloat',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Adds to the number of a field; a missing one counts as 0.',
    complexity: 'O(1)',
    syntax: 'key field increment',
    since: '2.6.0',
    handler: hincrbyfloat,
  },
]

/**
 * Strings in part: APPEND, STRLEN, SETRANGE, GETRANGE, and LCS over two of them.
 * Tests: test/keyspace/commands/string-range-commands.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  err,
  type Reply,
  VALUE_BYTES_MAX,
} from '../engine/index.ts'
import { integer } from './arguments.ts'
import { lcs } from './lcs.ts'

const BAD_OFFSET = err('offset is out of range')
const TOO_LONG = err('string exceeds maximum allowed size (proto-max-bulk-len)')

function append({ db }: Call, argv: readonly Argument[]): Reply {
  const key = byteString(argv[1]!)
  const length = db.append(key, argv[2]!)
  db.changed(key, 'append')
  return length
}

function setrange({ db }: Call, argv: readonly Argument[]): Reply {
  const key = byteString(argv[1]!)
  const value = argv[3]!
  const offset = integer(byteString(argv[2]!))
  if (offset < 0) throw BAD_OFFSET
  const old = db.stringLength(key)
  if (value.length === 0) return old
  if (offset + value.length > VALUE_BYTES_MAX) throw TOO_LONG
  const length = db.overwrite(key, offset, value)
  db.changed(key, 'setrange')
  return length
}

function getrange({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const start = integer(argv[2]!)
  const end = integer(argv[3]!)
  const length = db.stringLength(key)
  if (start < 0 && end < 0 && start > end) return ''
  const from = Math.max(0, start < 0 ? length + start : start)
  const last = Math.min(length - 1, Math.max(0, end < 0 ? length + end : end))
  return from > last ? '' : db.stringSlice(key, from, last + 1)
}

export const stringRangeCommands: readonly CommandSpec[] = [
  {
    name: 'append',
    arity: 3,
    flags: ['write', 'denyoom', 'fast', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Appends to a string, or sets it, and answers the length.',
    complexity: 'O(1) amortised',
    syntax: 'key value',
    since: '2.0.0',
    handler: append,
  },
  {
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Answers the length of a string in bytes.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '2.2.0',
    handler: ({ db }, argv) => db.stringLength(argv[1]!),
  },
  {
    name: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Writes into a string at an offset, over zeros where it was shorter.',
    complexity: 'O(n) for n bytes written',
    syntax: 'key offset value',
    since: '2.2.0',
    handler: setrange,
  },
  {
    name: 'getrange',
    arity: 4,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'string',
    summary: 'Answers a part of a string, by its first and last byte.',
    complexity: 'O(n) for n bytes answered',
    syntax: 'key start end',
    since: '2.4.0',
    handler: getrange,
  },
  {
    name: 'substr',
    arity: 4,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'string',
    summary: 'The former name of GETRANGE.',
    complexity: 'O(n) for n bytes answered',
    syntax: 'key start end',
    since: '1.0.0',
    handler: getrange,
  },
  {
    name: 'lcs',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1, last: 2 },
    group: 'string',
    summary: 'Finds the longest common subsequence of two strings.',
    complexity: 'O(n·m) for strings of n and m bytes',
    syntax: 'key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]',
    since: '7.0.0',
    differs: 'Refuses strings whose lengths multiplied exceed 16 Mi, since no command may hold up a shard.',
    handler: lcs,
  },
]

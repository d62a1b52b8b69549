/**
 * Elements of lists by value: LINSERT, LREM, LPOS.
 *
 * Tests: test/keyspace/commands/list-search-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'

const RANK_ZERO = err(
  "RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
    'or use negative to start from the end of the list',
)
const RANK_BOUNDS = err(
  'value is out of range, value must between -9223372036854775807 and 9223372036854775807',
)
const BAD_COUNT = err("COUNT can't be negative")
const BAD_MAXLEN = err("MAXLEN can't be negative")

const INT64_MIN = '-9223372036854775808'

function linsert({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', where = '', pivot = '', value = ''] = argv
  const side = where.toUpperCase()
  if (side !== 'BEFORE' && side !== 'AFTER') throw SYNTAX_ERROR
  const list = db.list(key)
  if (list === undefined) return 0
  const isFound = side === 'BEFORE' ? list.insertBefore(pivot, value) : list.insertAfter(pivot, value)
  if (!isFound) return -1
  db.changed(key, 'linsert')
  return list.size
}

function lrem({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', countText = '', value = ''] = argv
  const count = integer(countText)
  const removed = db.list(key)?.removeMatching(value, count) ?? 0
  if (removed > 0) db.changed(key, 'lrem')
  return removed
}

function lpos({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', value = ''] = argv
  const reader = new OptionReader(argv, 3)
  let rank = 1
  let count: number | undefined
  let maxlen = 0
  while (!reader.isAtEnd) {
    switch (reader.name()) {
      case 'RANK':
        rank = rankOf(reader.value())
        break
      case 'COUNT':
        count = reader.integer(BAD_COUNT)
        if (count < 0) throw BAD_COUNT
        break
      case 'MAXLEN':
        maxlen = reader.integer(BAD_MAXLEN)
        if (maxlen < 0) throw BAD_MAXLEN
        break
      default:
        throw SYNTAX_ERROR
    }
  }
  const found = db.list(key)?.positions(value, { rank, count: count ?? 1, maxlen }) ?? []
  return count === undefined ? (found[0] ?? null) : found
}

/** @throws ErrorReply */
function rankOf(text: ByteString): number {
  const rank = integer(text)
  if (rank === 0) throw RANK_ZERO
  if (text === INT64_MIN) throw RANK_BOUNDS
  return rank
}

export const listSearchCommands: readonly CommandSpec[] = [
  {
    name: 'linsert',
    arity: 5,
    flags: ['write', 'denyoom'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Puts an element before or behind the first that is equal to the pivot.',
    complexity: 'O(n) for n elements before the pivot',
    syntax: 'key <BEFORE | AFTER> pivot element',
    since: '2.2.0',
    handler: linsert,
  },
  {
    name: 'lrem',
    arity: 4,
    flags: ['write'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Removes elements that are equal to one: the first, the last, or all.',
    complexity: 'O(n) for n elements',
    syntax: 'key count element',
    since: '1.0.0',
    handler: lrem,
  },
  {
    name: 'lpos',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Answers at which indexes an element stands.',
    complexity: 'O(n) for n elements that are looked at',
    syntax: 'key element [RANK rank] [COUNT num-matches] [MAXLEN len]',
    since: '6.0.6',
    handler: lpos,
  },
]

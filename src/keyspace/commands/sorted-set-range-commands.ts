/**
 * Ranges of a sorted set: answered, counted, stored, removed.
 *
 * Tests: test/keyspace/commands/sorted-set-range-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c.
 */
import type { ByteString, Call, CommandSpec, Reply, ScoredMember, SortedSetValue } from '../engine/index.ts'
import {
  type RangeForm,
  type RangeKind,
  type RangeQuery,
  rankFinder,
  readRange,
} from './sorted-set-ranges.ts'
import { scoredReply } from './sorted-set-replies.ts'
import { storeMembers } from './sorted-set-result.ts'

function range(call: Call, argv: readonly ByteString[], form: RangeForm): Reply {
  const query = readRange(argv, 2, form)
  const set = call.db.sortedSet(argv[1]!)
  return set === undefined ? [] : scoredReply(call, membersIn(set, query), query.hasScores)
}

function zrangestore({ db }: Call, argv: readonly ByteString[]): Reply {
  const query = readRange(argv, 3, { isStored: true })
  const set = db.sortedSet(argv[2]!)
  // A list, not an iterator: the destination may be the source.
  const members = set === undefined ? [] : membersIn(set, { ...query, isReverse: false })
  return storeMembers(db, argv[1]!, members, 'zrangestore')
}

function membersIn(set: SortedSetValue, { find, isReverse }: RangeQuery): ScoredMember[] {
  const { from, to } = find(set)
  const members: ScoredMember[] = []
  set.visit(from, to, isReverse, (member, score) => void members.push({ member, score }))
  return members
}

function count({ db }: Call, argv: readonly ByteString[], kind: RangeKind): Reply {
  const find = rankFinder(kind, argv[2]!, argv[3]!)
  const set = db.sortedSet(argv[1]!)
  if (set === undefined) return 0
  const { from, to } = find(set)
  return to - from
}

function remove({ db }: Call, argv: readonly ByteString[], kind: RangeKind): Reply {
  const find = rankFinder(kind, argv[2]!, argv[3]!)
  const key = argv[1]!
  const set = db.sortedSet(key)
  if (set === undefined) return 0
  const { from, to } = find(set)
  if (from >= to) return 0
  const { length } = set.removeRanks(from, to)
  db.changed(key, `zremrangeby${kind}`)
  return length
}

/** A row of a command that answers a range. */
function rangeRow(
  row: Omit<CommandSpec, 'handler' | 'flags' | 'keys' | 'group' | 'complexity' | 'arity'>,
  form: RangeForm,
): CommandSpec {
  return {
    ...row,
    arity: -4,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'sorted_set',
    complexity: COMPLEXITY,
    handler: (call, argv) => range(call, argv, form),
  }
}

function countRow(name: string, kind: RangeKind, summary: string, since: string): CommandSpec {
  return {
    name,
    arity: 4,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary,
    complexity: 'O(log n)',
    syntax: 'key min max',
    since,
    handler: (call, argv) => count(call, argv, kind),
  }
}

function removeRow(kind: RangeKind, summary: string, syntax: string, since: string): CommandSpec {
  return {
    name: `zremrangeby${kind}`,
    arity: 4,
    flags: ['write'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary,
    complexity: 'O(log n + m) for m members that are removed',
    syntax,
    since,
    handler: (call, argv) => remove(call, argv, kind),
  }
}

const COMPLEXITY = 'O(log n + m) for m members of the range'
const OLD_SYNTAX = '[WITHSCORES] [LIMIT offset count]'

export const sortedSetRangeCommands: readonly CommandSpec[] = [
  rangeRow(
    {
      name: 'zrange',
      summary: 'Answers the members of a range by rank, score or member, in order or backwards.',
      syntax: 'key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]',
      since: '1.2.0',
    },
    {},
  ),
  rangeRow(
    {
      name: 'zrevrange',
      summary: 'Answers the members of a range of ranks, from the highest score down.',
      syntax: 'key start stop [WITHSCORES]',
      since: '1.2.0',
    },
    { kind: 'rank', isReverse: true },
  ),
  rangeRow(
    {
      name: 'zrangebyscore',
      summary: 'Answers the members whose scores are in a range, in order.',
      syntax: `key min max ${OLD_SYNTAX}`,
      since: '1.0.5',
    },
    { kind: 'score', isReverse: false },
  ),
  rangeRow(
    {
      name: 'zrevrangebyscore',
      summary: 'Answers the members whose scores are in a range, from the highest down.',
      syntax: `key max min ${OLD_SYNTAX}`,
      since: '2.2.0',
    },
    { kind: 'score', isReverse: true },
  ),
  rangeRow(
    {
      name: 'zrangebylex',
      summary: 'Answers the members between two others, in order, where all scores are the same.',
      syntax: 'key min max [LIMIT offset count]',
      since: '2.8.9',
    },
    { kind: 'lex', isReverse: false },
  ),
  rangeRow(
    {
      name: 'zrevrangebylex',
      summary: 'Answers the members between two others, backwards, where all scores are the same.',
      syntax: 'key max min [LIMIT offset count]',
      since: '2.8.9',
    },
    { kind: 'lex', isReverse: true },
  ),
  {
    name: 'zrangestore',
    arity: -5,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: 2, written: 'first' },
    group: 'sorted_set',
    summary: 'Stores the members of a range, and answers how many they are.',
    complexity: COMPLEXITY,
    syntax: 'destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]',
    since: '6.2.0',
    handler: zrangestore,
  },
  countRow('zcount', 'score', 'Answers how many members have scores in a range.', '2.0.0'),
  countRow('zlexcount', 'lex', 'Answers how many members are between two others.', '2.8.9'),
  removeRow('rank', 'Removes the members of a range of ranks.', 'key start stop', '2.0.0'),
  removeRow('score', 'Removes the members whose scores are in a range.', 'key min max', '1.2.0'),
  removeRow('lex', 'Removes the members between two others.', 'key min max', '2.8.9'),
]

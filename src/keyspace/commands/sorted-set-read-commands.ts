/**
 * What a sorted set says of its members: scores, ranks, some by chance, all in steps.
 *
 * Tests: test/keyspace/commands/sorted-set-read-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zrankGenericCommand, zrandmemberCommand), src/db.c (scanGenericCommand).
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  formatScoreShortest,
  NULL_ARRAY,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { collectionCursor, EMPTY_SCAN, readCollectionScan } from './collection-scan.ts'
import { checkPairCount, DRAWS_DIFFER, randomCount } from './random-count.ts'
import { scoredReply, scoreReply } from './sorted-set-replies.ts'

function zmscore({ db }: Call, argv: readonly ByteString[]): Reply {
  const set = db.sortedSet(argv[1]!)
  return argv.slice(2).map((member) => scoreReply(set?.score(member)))
}

function rank({ db }: Call, argv: readonly ByteString[], isReverse: boolean): Reply {
  if (argv.length > 4) throw err(`wrong number of arguments for '${argv[0]!.toLowerCase()}' command`)
  const [, key = '', member = '', option] = argv
  if (option !== undefined && option.toUpperCase() !== 'WITHSCORE') throw SYNTAX_ERROR
  const set = db.sortedSet(key)
  const place = set?.rank(member)
  if (set === undefined || place === undefined) return option === undefined ? null : NULL_ARRAY
  const answer = isReverse ? set.size - 1 - place : place
  return option === undefined ? answer : [answer, scoreReply(set.score(member))]
}

function zrandmember(call: Call, argv: readonly ByteString[]): Reply {
  const { random } = call.db
  const [, key = '', countText, withScores] = argv
  if (countText === undefined) return call.db.sortedSet(key)?.random(random)?.member ?? null
  const count = randomCount(countText)
  const hasScores = withScores !== undefined
  if (argv.length > 4 || (hasScores && withScores.toUpperCase() !== 'WITHSCORES')) throw SYNTAX_ERROR
  if (hasScores) checkPairCount(count)
  const set = call.db.sortedSet(key)
  if (set === undefined) return []
  const members = count < 0 ? [] : set.randomDistinct(count, random)
  for (let draws = count; draws < 0; draws++) {
    const drawn = set.random(random)
    if (drawn !== undefined) members.push(drawn)
  }
  return scoredReply(call, members, hasScores)
}

function zscan({ db }: Call, argv: readonly ByteString[]): Reply {
  const cursor = collectionCursor(argv[2]!)
  const set = db.sortedSet(argv[1]!)
  // As Redis: what is not there is walked before the options are read.
  if (set === undefined) return EMPTY_SCAN
  const { count, matches } = readCollectionScan(argv)
  const found: ByteString[] = []
  const next = set.scan(cursor, count, (member, score) => {
    if (matches === undefined || matches(member)) found.push(member, formatScoreShortest(score))
  })
  return [String(next), found]
}

export const sortedSetReadCommands: readonly CommandSpec[] = [
  {
    name: 'zcard',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers the number of members.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.2.0',
    handler: ({ db }, argv) => db.sortedSet(argv[1]!)?.size ?? 0,
  },
  {
    name: 'zscore',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers the score of a member.',
    complexity: 'O(1)',
    syntax: 'key member',
    since: '1.2.0',
    handler: ({ db }, argv) => scoreReply(db.sortedSet(argv[1]!)?.score(argv[2]!)),
  },
  {
    name: 'zmscore',
    arity: -3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers the scores of members.',
    complexity: 'O(n) for n members that are asked for',
    syntax: 'key member [member …]',
    since: '6.2.0',
    handler: zmscore,
  },
  {
    name: 'zrank',
    arity: -3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers how many members come before a member.',
    complexity: 'O(log n)',
    syntax: 'key member [WITHSCORE]',
    since: '2.0.0',
    handler: (call, argv) => rank(call, argv, false),
  },
  {
    name: 'zrevrank',
    arity: -3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers how many members come behind a member.',
    complexity: 'O(log n)',
    syntax: 'key member [WITHSCORE]',
    since: '2.0.0',
    handler: (call, argv) => rank(call, argv, true),
  },
  {
    name: 'zrandmember',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Answers random members: different ones, or, for a count below zero, so many draws.',
    complexity: 'O(n) for n members that are answered',
    syntax: 'key [count [WITHSCORES]]',
    since: '6.2.0',
    differs: DRAWS_DIFFER,
    handler: zrandmember,
  },
  {
    name: 'zscan',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Walks over a sorted set in steps: answers where to go on, and some members with scores.',
    complexity: 'O(1) a step, O(n) for all n members',
    syntax: 'key cursor [MATCH pattern] [COUNT count]',
    since: '2.8.0',
    differs: 'Scores have as few digits as in other replies; those of large sets have 17 in Redis 7.2.',
    handler: zscan,
  },
]

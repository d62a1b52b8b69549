/**
 * Ranges of sorted sets in arguments: by rank, by score, by member; forwards or backwards; with a limit.
 *
 * Each becomes a finder of ranks, so that ZRANGE, ZCOUNT and ZREMRANGEBY… are one thing with three ways to
 * say which. A range backwards is the same ranks, visited from the last to the first.
 *
 * Tests: test/keyspace/commands/sorted-set-range-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zrangeGenericCommand).
 */
import {
  type ByteString,
  err,
  parseLexBound,
  parseScoreBound,
  type RankRange,
  type SortedSetValue,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'

const NOT_SCORES = err('min or max is not a float')
const NOT_MEMBERS = err('min or max not valid string range item')
const LIMIT_BY_RANK = err('syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
const SCORES_BY_MEMBER = err('syntax error, WITHSCORES not supported in combination with BYLEX')

const EMPTY: RankRange = { from: 0, to: 0 }

/** The ranks of a range, in any set. */
export type RankFinder = (set: SortedSetValue) => RankRange

/** By what a range goes. */
export type RangeKind = 'rank' | 'score' | 'lex'

/** What a command answers of a set. */
export interface RangeQuery {
  readonly find: RankFinder
  readonly isReverse: boolean
  readonly hasScores: boolean
}

/** What the name of a command has settled already. */
export interface RangeForm {
  /** Undefined: BYSCORE and BYLEX say it. */
  readonly kind?: RangeKind
  /** Undefined: REV says it. */
  readonly isReverse?: boolean
  readonly isStored?: boolean
}

/** A range between two bounds. @throws ErrorReply */
export function rankFinder(kind: RangeKind, min: ByteString, max: ByteString): RankFinder {
  switch (kind) {
    case 'rank':
      return byRank(integer(min), integer(max))
    case 'score':
      return byScore(min, max)
    case 'lex':
      return byMember(min, max)
  }
}

/** Reads `min max [options]` of ZRANGE and its kin, from an index of the arguments on. @throws ErrorReply */
export function readRange(argv: readonly ByteString[], at: number, form: RangeForm): RangeQuery {
  const reader = new OptionReader(argv, at + 2)
  let { kind, isReverse } = form
  let hasScores = false
  let offset = 0
  let limit = -1
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (name === 'WITHSCORES' && form.isStored !== true) {
      hasScores = true
    } else if (name === 'LIMIT' && reader.left >= 2) {
      offset = reader.integer()
      limit = reader.integer()
    } else if (name === 'REV' && isReverse === undefined) {
      isReverse = true
    } else if ((name === 'BYSCORE' || name === 'BYLEX') && kind === undefined) {
      kind = name === 'BYSCORE' ? 'score' : 'lex'
    } else {
      throw SYNTAX_ERROR
    }
  }
  kind ??= 'rank'
  isReverse ??= false
  if (kind === 'rank' && limit !== -1) throw LIMIT_BY_RANK
  if (kind === 'lex' && hasScores) throw SCORES_BY_MEMBER
  return { find: finderOf(kind, isReverse, argv[at]!, argv[at + 1]!, offset, limit), isReverse, hasScores }
}

function finderOf(
  kind: RangeKind,
  isReverse: boolean,
  first: ByteString,
  last: ByteString,
  offset: number,
  limit: number,
): RankFinder {
  if (kind === 'rank') {
    const find = rankFinder(kind, first, last)
    return isReverse ? (set) => mirrored(find(set), set.size) : find
  }
  const find = isReverse ? rankFinder(kind, last, first) : rankFinder(kind, first, last)
  return (set) => limited(find(set), isReverse, offset, limit)
}

/** Ranks counted from the other end. */
function mirrored({ from, to }: RankRange, size: number): RankRange {
  return { from: size - to, to: size - from }
}

/** Leaves out `offset` ranks, and takes `limit` of the others; below zero: none, and all. */
function limited({ from, to }: RankRange, isReverse: boolean, offset: number, limit: number): RankRange {
  const length = to - from - offset
  if (offset < 0 || length <= 0) return EMPTY
  const count = limit < 0 ? length : Math.min(limit, length)
  return isReverse
    ? { from: to - offset - count, to: to - offset }
    : { from: from + offset, to: from + offset + count }
}

/** Indexes with both ends; below zero they count from the end. */
function byRank(start: number, stop: number): RankFinder {
  return ({ size }) => {
    const from = start < 0 ? Math.max(size + start, 0) : start
    const to = (stop < 0 ? size + stop : Math.min(stop, size - 1)) + 1
    return from < to ? { from, to } : EMPTY
  }
}

function byScore(minText: ByteString, maxText: ByteString): RankFinder {
  const min = parseScoreBound(minText)
  const max = parseScoreBound(maxText)
  if (min === undefined || max === undefined) throw NOT_SCORES
  const range = {
    min: min.value,
    minExclusive: min.exclusive,
    max: max.value,
    maxExclusive: max.exclusive,
  }
  return (set) => set.ranksInScore(range)
}

function byMember(minText: ByteString, maxText: ByteString): RankFinder {
  const min = parseLexBound(minText)
  const max = parseLexBound(maxText)
  if (min === undefined || max === undefined) throw NOT_MEMBERS
  return (set) => set.ranksInLex({ min, max })
}

/**
 * Ranges of a sorted set by score and by member, and how commands write their ends.
 *
 * By score: `1.5`, `(1.5` for exclusive, `-inf`, `+inf`. By member: `[a` and `(a`, `-` before and `+` behind
 * all members. A bound by member is a value of one shape, so that code that compares it stays monomorphic.
 *
 * Tests: test/keyspace/engine/values/score-range.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import { strtod } from './score-text.ts'

/** Scores from `min` to `max`, each with itself or without. */
export interface ScoreRange {
  readonly min: number
  readonly minExclusive: boolean
  readonly max: number
  readonly maxExclusive: boolean
}

/** One end of a `ScoreRange`. */
export interface ScoreBound {
  readonly value: number
  readonly exclusive: boolean
}

/** One end of a `LexRange`: a member, or `-` before all members, or `+` behind them. */
export interface LexBound {
  readonly kind: '-' | '+' | 'member'
  /** Empty unless `kind` is `member`. */
  readonly value: ByteString
  readonly exclusive: boolean
}

/** Members between two bounds; all scores of the set should be the same. */
export interface LexRange {
  readonly min: LexBound
  readonly max: LexBound
}

/** Ranks from `from` up to, and without, `to`. Empty: both are the same. */
export interface RankRange {
  readonly from: number
  readonly to: number
}

/** Before all members. */
export const LEX_FIRST: LexBound = { kind: '-', value: '', exclusive: false }
/** Behind all members. */
export const LEX_LAST: LexBound = { kind: '+', value: '', exclusive: false }

/** A score as an end of a range, or undefined when it is none. An empty text is 0, as in Redis. */
export function parseScoreBound(text: ByteString): ScoreBound | undefined {
  const exclusive = text.charCodeAt(0) === 0x28
  const whole = exclusive ? text.slice(1) : text
  // Redis reads a C string here: what follows a zero byte is not looked at.
  const end = whole.indexOf('\0')
  const value = strtod(end === -1 ? whole : whole.slice(0, end))
  return value === undefined || Number.isNaN(value) ? undefined : { value, exclusive }
}

/** A member as an end of a range, or undefined when it is none. */
export function parseLexBound(text: ByteString): LexBound | undefined {
  if (text === '-') return LEX_FIRST
  if (text === '+') return LEX_LAST
  const first = text.charCodeAt(0)
  if (first === 0x5b) return { kind: 'member', value: text.slice(1), exclusive: false }
  if (first === 0x28) return { kind: 'member', value: text.slice(1), exclusive: true }
  return undefined
}

/**
 * One pattern of keys, and whether they may be read, written, or both.
 *
 * Tests: test/server/acl/acl-selector.test.ts
 */
import { type ByteString, globMatcher, type Matcher } from '../../keyspace/engine/index.ts'
import type { KeyAccess } from '../catalog/index.ts'
import { hasSpaces } from './rule-fault.ts'

/** Bits of what is allowed, and of what is needed. */
export const READ = 1
export const WRITE = 2
const BOTH = READ | WRITE

/** What a use of a key needs. A use that needs nothing (EXISTS) asks for a pattern all the same. */
export const NEEDED: Readonly<Record<KeyAccess, number>> = { '': 0, R: READ, W: WRITE, RW: BOTH }

/** Keys that a user may reach. */
export interface KeyPattern {
  readonly pattern: ByteString
  /** `READ`, `WRITE`, or both. */
  readonly access: number
  readonly matches: Matcher
}

/** Reads `~pattern` or `%RW~pattern`; undefined: it is none. */
export function parseKeyPattern(rule: ByteString): KeyPattern | undefined {
  const found = /^(?:~|%([RW]{1,2})~)/i.exec(rule)
  if (found === null) return undefined
  const pattern = rule.slice(found[0].length)
  const letters = found[1]?.toUpperCase()
  if (letters === 'RR' || letters === 'WW' || hasSpaces(pattern)) return undefined
  const access = letters === undefined || letters.length === 2 ? BOTH : NEEDED[letters as 'R' | 'W']
  return { pattern, access, matches: globMatcher(pattern) }
}

/** The same keys, with what is allowed by either. */
export function joined(one: KeyPattern, other: KeyPattern): KeyPattern {
  return { ...one, access: one.access | other.access }
}

/** As a rule. */
export function keyPatternText({ pattern, access }: KeyPattern): ByteString {
  // `~*` would be read as all keys, behind which no further pattern may stand.
  if (access === BOTH) return pattern === '*' ? '%RW~*' : `~${pattern}`
  return access === READ ? `%R~${pattern}` : `%W~${pattern}`
}

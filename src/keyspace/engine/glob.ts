/**
 * Glob patterns as Redis reads them: `*`, `?`, `[a-z]`, `[^a]`, and `\` before a byte that is meant as such.
 *
 * A pattern is read once into tokens, since it is tried on many keys; the common forms (a literal, a prefix
 * and `*`) are tried as such. Redis' own matcher calls itself for every `*`, which takes exponential time
 * for patterns such as `*a*a*a*b`. Only the last `*` ever needs to be tried again, at the next byte: whatever
 * an earlier one could take, the later one can take as well.
 *
 * The odd corners are Redis': a class that is not closed ends with the pattern, `[]` matches nothing, a range
 * may be written backwards, `[a-]` is a range up to `]`, and only `*` itself matches no bytes at all. One is
 * not: Redis compares the ends of a range as signed bytes on some machines, here they are bytes from 0 to
 * 255.
 *
 * Cost: at most the lengths of pattern and text multiplied; no allocation per text.
 * Tests: test/keyspace/engine/glob.test.ts
 * Source: Redis 7.2, src/util.c (stringmatchlen).
 */
import type { ByteString } from './byte-string.ts'

/** Whether a text is meant by a pattern. */
export type Matcher = (text: ByteString) => boolean

/** A byte that must stand there, any byte, any bytes, or one of a class: 256 entries. */
type Token = number | Uint8Array
const ANY = -1
const STAR = -2

const CARET = 0x5e
const DASH = 0x2d
const CLOSE = 0x5d
const ESCAPE = 0x5c

const SPECIAL = /[*?[\\]/

/** Whether a pattern means only the text that it is. */
export function isLiteralPattern(pattern: ByteString): boolean {
  return !SPECIAL.test(pattern)
}

/** Reads a pattern, to be tried on many texts. */
export function globMatcher(pattern: ByteString): Matcher {
  if (isLiteralPattern(pattern)) return (text) => text === pattern
  if (pattern === '*') return () => true
  const head = pattern.slice(0, -1)
  if (pattern.endsWith('*') && isLiteralPattern(head)) return (text) => text.startsWith(head)
  const tokens = tokensOf(pattern)
  return (text) => matches(tokens, text)
}

/** Tries a pattern once. */
export function globMatches(pattern: ByteString, text: ByteString): boolean {
  return globMatcher(pattern)(text)
}

function matches(tokens: readonly Token[], text: ByteString): boolean {
  const { length } = text
  if (length === 0) return tokens.length === 0
  let at = 0
  let next = 0
  // Where the last star stands, and up to where it has taken the text.
  let star = -1
  let taken = 0
  while (at < length) {
    const token = next < tokens.length ? tokens[next]! : undefined
    if (token === STAR) {
      star = next++
      taken = at
    } else if (token !== undefined && isMeant(token, text.charCodeAt(at))) {
      next++
      at++
    } else {
      if (star === -1) return false
      next = star + 1
      at = ++taken
    }
  }
  while (next < tokens.length && tokens[next] === STAR) next++
  return next === tokens.length
}

function isMeant(token: Token, byte: number): boolean {
  if (typeof token === 'number') return token === byte || token === ANY
  return token[byte] === 1
}

function tokensOf(pattern: ByteString): readonly Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < pattern.length) {
    const byte = pattern[at]
    if (byte === '*') {
      if (tokens.at(-1) !== STAR) tokens.push(STAR)
      at++
    } else if (byte === '?') {
      tokens.push(ANY)
      at++
    } else if (byte === '[') {
      const members = new Uint8Array(256)
      tokens.push(members)
      at = readClass(pattern, at + 1, members)
    } else {
      // An escape at the very end stands for itself.
      if (byte === '\\' && at + 1 < pattern.length) at++
      tokens.push(pattern.charCodeAt(at++))
    }
  }
  return tokens
}

/** Reads what stands behind `[`, and returns where the pattern goes on. */
function readClass(pattern: ByteString, from: number, members: Uint8Array): number {
  const { length } = pattern
  const isInverted = pattern.charCodeAt(from) === CARET
  let at = isInverted ? from + 1 : from
  while (at < length) {
    const byte = pattern.charCodeAt(at)
    if (byte === ESCAPE && at + 1 < length) {
      members[pattern.charCodeAt(at + 1)] = 1
      at += 2
    } else if (byte === CLOSE) {
      break
    } else if (at + 2 < length && pattern.charCodeAt(at + 1) === DASH) {
      const end = pattern.charCodeAt(at + 2)
      members.fill(1, Math.min(byte, end), Math.max(byte, end) + 1)
      at += 3
    } else {
      members[byte] = 1
      at++
    }
  }
  if (isInverted) for (let i = 0; i < members.length; i++) members[i]! ^= 1
  return at + 1
}

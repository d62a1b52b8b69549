/** Globs, against what a Redis server answers to KEYS, and against a matcher that is slow and plain. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { globMatcher, globMatches, isLiteralPattern } from '../../../src/keyspace/engine/glob.ts'

/** Pattern, texts that it means, texts that it does not. All were asked of a Redis server. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', [''], ['a']],
  ['abc', ['abc'], ['ab', 'abcd', '']],
  ['*', ['', 'a', 'abc'], []],
  ['**', ['a', 'abc'], ['']],
  ['a*', ['a', 'ab', 'abc'], ['', 'ba']],
  ['*a', ['a', 'ba'], ['', 'ab']],
  ['a*c*e', ['ace', 'abcde', 'acccee'], ['ac', 'ae', 'acde1']],
  ['?', ['a', '*'], ['', 'ab']],
  ['a?c', ['abc', 'a?c'], ['ac', 'abbc']],
  ['[abc]', ['a', 'b', 'c'], ['d', '', 'ab']],
  ['[^abc]', ['d', '^'], ['a', '']],
  ['[a-c]x', ['ax', 'bx', 'cx'], ['dx', '-x']],
  ['[c-a]', ['a', 'b', 'c'], ['d']],
  ['[a-', ['a', '-'], [']', 'b']],
  ['[a-]', ['a', ']', '^', '_'], ['-', 'b']],
  ['[]', [], ['', ']', '[]']],
  ['[^]', ['a', ']'], ['']],
  ['[]a]', [], ['a', ']', ']a]']],
  ['[\\]a]', [']', 'a'], ['\\']],
  ['[abc', ['a', 'c'], ['[', 'abc']],
  ['\\*', ['*'], ['a', '\\*']],
  ['a\\?', ['a?'], ['ab']],
  ['a\\', ['a\\'], ['a']],
  ['[\\', ['\\'], ['[']],
]

describe('a glob', () => {
  test.each(CASES)('%s means what Redis says', (pattern, meant, others) => {
    const matches = globMatcher(pattern)
    for (const text of meant) expect([text, matches(text)]).toEqual([text, true])
    for (const text of others) expect([text, matches(text)]).toEqual([text, false])
  })

  test('takes all bytes as they are', () => {
    expect(globMatches('[\x00-\x1f]\xff*', '\x07\xff\x80')).toBe(true)
    expect(globMatches('[\x80-\xff]', '\xc3')).toBe(true)
    expect(globMatches('[\x80-\xff]', 'a')).toBe(false)
  })

  test('knows a pattern that is only a text', () => {
    expect(isLiteralPattern('user:1')).toBe(true)
    for (const pattern of ['a*', 'a?', '[a]', '\\a']) expect(isLiteralPattern(pattern)).toBe(false)
  })

  test('never takes exponential time', () => {
    const pattern = `${'*a'.repeat(500)}b`
    expect(globMatches(pattern, 'a'.repeat(5000))).toBe(false)
    expect(globMatches('*?*?*?*?*?*?*?*?*?*?b', 'a'.repeat(5000))).toBe(false)
  })

  test('agrees with a matcher that tries everything', () => {
    const pattern = fc.string({
      unit: fc.constantFrom('a', 'b', '*', '?', '[', ']', '^', '-', '\\'),
      maxLength: 8,
    })
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '[', ']', '-', '\\'),
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(pattern, text, (p, t) => {
        expect(globMatches(p, t)).toBe(slowly(p, t))
      }),
      { numRuns: 3000 },
    )
  })
})

/** The definition, written down: what the rest of a pattern may take of the rest of a text. */
function slowly(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') {
    for (let i = 0; i <= text.length; i++) if (slowly(pattern.slice(1), text.slice(i))) return true
    return false
  }
  if (text === '') return false
  if (pattern[0] === '?') return slowly(pattern.slice(1), text.slice(1))
  if (pattern[0] !== '[') {
    const isEscaped = pattern[0] === '\\' && pattern.length > 1
    const at = isEscaped ? 1 : 0
    return pattern[at] === text[0] && slowly(pattern.slice(at + 1), text.slice(1))
  }
  let rest = pattern.slice(1)
  const isInverted = rest[0] === '^'
  if (isInverted) rest = rest.slice(1)
  let isIn = false
  const byte = text[0]!
  while (rest !== '' && rest[0] !== ']') {
    if (rest[0] === '\\' && rest.length > 1) {
      isIn ||= rest[1] === byte
      rest = rest.slice(2)
    } else if (rest[1] === '-' && rest.length > 2) {
      const [low, high] = [rest[0]!, rest[2]!].sort() as [string, string]
      isIn ||= byte >= low && byte <= high
      rest = rest.slice(3)
    } else {
      isIn ||= rest[0] === byte
      rest = rest.slice(1)
    }
  }
  return isIn !== isInverted && slowly(rest.slice(1), text.slice(1))
}

/** How ends of ranges are written. The tables were taken from a Redis 7.0.15 server (ZCOUNT, ZLEXCOUNT). */
import { describe, expect, test } from 'vitest'
import {
  LEX_FIRST,
  LEX_LAST,
  parseLexBound,
  parseScoreBound,
} from '../../../../src/keyspace/engine/values/score-range.ts'

describe('parseScoreBound', () => {
  test.each([
    ['1.5', 1.5, false],
    ['(1.5', 1.5, true],
    ['-inf', Number.NEGATIVE_INFINITY, false],
    ['+inf', Number.POSITIVE_INFINITY, false],
    ['inf', Number.POSITIVE_INFINITY, false],
    ['(-INFINITY', Number.NEGATIVE_INFINITY, true],
    ['', 0, false],
    ['(', 0, true],
    [' 1', 1, false],
    ['( 1', 1, true],
    ['1e400', Number.POSITIVE_INFINITY, false],
    ['-1e400', Number.NEGATIVE_INFINITY, false],
    ['1e-400', 0, false],
    ['0x1.8p1', 3, false],
    ['1\0whatever', 1, false],
    ['\0', 0, false],
  ])('%j is %d, exclusive: %s', (text, value, exclusive) => {
    expect(parseScoreBound(text)).toEqual({ value, exclusive })
  })

  test.each(['nan', '(nan', 'nan(1)', '1 ', '0x', '.', '1e', '((1', '[1', 'a', '  ', '+', '-'])(
    '%j is none',
    (text) => {
      expect(parseScoreBound(text)).toBeUndefined()
    },
  )
})

describe('parseLexBound', () => {
  test('a bracket includes the member, a parenthesis does not', () => {
    expect(parseLexBound('[a')).toEqual({ kind: 'member', value: 'a', exclusive: false })
    expect(parseLexBound('(a')).toEqual({ kind: 'member', value: 'a', exclusive: true })
    expect(parseLexBound('[')).toEqual({ kind: 'member', value: '', exclusive: false })
    expect(parseLexBound('(')).toEqual({ kind: 'member', value: '', exclusive: true })
    expect(parseLexBound('[[')).toEqual({ kind: 'member', value: '[', exclusive: false })
  })

  test('minus and plus are the ends', () => {
    expect(parseLexBound('-')).toBe(LEX_FIRST)
    expect(parseLexBound('+')).toBe(LEX_LAST)
  })

  test.each(['', '-x', '+x', 'a', '{a'])('%j is none', (text) => {
    expect(parseLexBound(text)).toBeUndefined()
  })
})

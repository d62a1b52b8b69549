/** LCS: its options, and its result against all subsequences. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

/** An engine with the strings of Redis' documentation. */
function makeTexts(): ReturnType<typeof makeEngine> {
  const made = makeEngine()
  made.ask('MSET', 'a', 'ohmytext', 'b', 'mynewtext')
  return made
}

describe('LCS', () => {
  test('answers the subsequence, its length, or where it is', () => {
    const { ask } = makeTexts()
    expect(ask('LCS', 'a', 'b')).toBe('mytext')
    expect(ask('LCS', 'a', 'b', 'len')).toBe(6)
    const matches = [
      [
        [4, 7],
        [5, 8],
      ],
      [
        [2, 3],
        [0, 1],
      ],
    ]
    expect(ask('LCS', 'a', 'b', 'IDX')).toEqual(['matches', matches, 'len', 6])
    expect(ask('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', 4)).toEqual(['matches', matches.slice(0, 1), 'len', 6])
    expect(ask('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', 4, 'WITHMATCHLEN')).toEqual([
      'matches',
      [[[4, 7], [5, 8], 4]],
      'len',
      6,
    ])
    expect(ask('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', -1)).toEqual(['matches', matches, 'len', 6])
  })

  test('takes a missing key for an empty string', () => {
    const { ask } = makeTexts()
    expect(ask('LCS', 'a', 'missing')).toBe('')
    expect(ask('LCS', 'missing', 'a', 'LEN')).toBe(0)
    expect(ask('LCS', 'missing', 'gone', 'IDX')).toEqual(['matches', [], 'len', 0])
  })

  test('refuses what it cannot do', () => {
    const { ask, engine } = makeTexts()
    engine.atomically(() => {
      engine.database(0).setOrNew('s').add('x', 0)
      engine.database(0).changed('s', 'sadd')
    })
    expect(ask('LCS', 's', 'a')).toBe('(error) ERR The specified keys must contain string values')
    expect(ask('LCS', 'a', 'b', 'LEN', 'IDX')).toBe(
      '(error) ERR If you want both the length and indexes, please just use IDX.',
    )
    expect(ask('LCS', 'a', 'b', 'X')).toBe('(error) ERR syntax error')
    expect(ask('LCS', 'a', 'b', 'MINMATCHLEN')).toBe('(error) ERR syntax error')
    ask('SET', 'long', 'x'.repeat(5000))
    expect(ask('LCS', 'long', 'long')).toBe(
      '(error) ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len',
    )
  })

  test('finds one of the longest, and says where it stands in both', () => {
    const { ask } = makeEngine()
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        ask('MSET', 'a', a, 'b', b)
        const found = ask('LCS', 'a', 'b') as string
        expect(found.length).toBe(longest(a, b))
        const [, matches] = ask('LCS', 'a', 'b', 'IDX', 'WITHMATCHLEN') as readonly [string, readonly Match[]]
        const parts = matches.map(([inA, inB, length]) => {
          expect(inA[1] - inA[0] + 1).toBe(length)
          const part = a.slice(inA[0], inA[1] + 1)
          expect(b.slice(inB[0], inB[1] + 1)).toBe(part)
          return part
        })
        expect(parts.reverse().join('')).toBe(found)
      }),
    )
  })
})

type Match = [[number, number], [number, number], number]

function longest(a: string, b: string): number {
  let best = 0
  for (let chosen = 0; chosen < 2 ** a.length; chosen++) {
    let at = 0
    let length = 0
    for (let i = 0; i < a.length && at !== -1; i++) {
      if ((chosen & (1 << i)) === 0) continue
      at = b.indexOf(a[i]!, at) + 1
      if (at === 0) at = -1
      else length++
    }
    if (at !== -1) best = Math.max(best, length)
  }
  return best
}

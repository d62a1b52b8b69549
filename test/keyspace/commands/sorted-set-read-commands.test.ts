/** Scores, ranks, random members, and walks over sorted sets small and large. */
import { beforeEach, expect, test } from 'vitest'
import { NULL_ARRAY } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('ZADD', 'z', '1', 'a', '2', 'b', '2.5', 'c')
  t.run('SET', 's', 'x')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('ZCARD, ZSCORE and ZMSCORE', () => {
  expect(ask('ZCARD z')).toBe(3)
  expect(ask('ZCARD missing')).toBe(0)
  expect(ask('ZSCORE z c')).toBe(2.5)
  expect(ask('ZSCORE z x')).toBe(null)
  expect(ask('ZSCORE missing x')).toBe(null)
  expect(ask('ZMSCORE z c x a')).toEqual([2.5, null, 1])
  expect(ask('ZMSCORE missing c x')).toEqual([null, null])
})

test('ZRANK and ZREVRANK count from either end, with the score if that is wanted', () => {
  expect(['a', 'b', 'c', 'x'].map((member) => ask(`ZRANK z ${member}`))).toEqual([0, 1, 2, null])
  expect(['a', 'b', 'c', 'x'].map((member) => ask(`ZREVRANK z ${member}`))).toEqual([2, 1, 0, null])
  expect(ask('ZRANK z c withscore')).toEqual([2, 2.5])
  expect(ask('ZREVRANK z c WITHSCORE')).toEqual([0, 2.5])
  expect(t.run('ZRANK', 'z', 'x', 'WITHSCORE')).toBe(NULL_ARRAY)
  expect(t.run('ZRANK', 'missing', 'x', 'WITHSCORE')).toBe(NULL_ARRAY)
  expect(t.run('ZRANK', 'missing', 'x')).toBe(null)
  expect(ask('ZRANK z c WITHSCORES')).toBe('(error) ERR syntax error')
  expect(ask('ZREVRANK z c WITHSCORE x')).toBe("(error) ERR wrong number of arguments for 'zrevrank' command")
})

test('ZRANDMEMBER answers different members, or draws', () => {
  expect(['a', 'b', 'c']).toContain(ask('ZRANDMEMBER z'))
  expect(ask('ZRANDMEMBER missing')).toBe(null)
  expect(ask('ZRANDMEMBER missing 2')).toEqual([])
  expect(ask('ZRANDMEMBER z 0')).toEqual([])
  expect([...(ask('ZRANDMEMBER z 9') as string[])].sort()).toEqual(['a', 'b', 'c'])
  const two = ask('ZRANDMEMBER z 2') as string[]
  expect(new Set(two).size).toBe(2)
  const drawn = ask('ZRANDMEMBER z -50') as string[]
  expect(drawn.length).toBe(50)
  expect([...new Set(drawn)].sort()).toEqual(['a', 'b', 'c'])
})

test('ZRANDMEMBER WITHSCORES: pairs, which RESP2 has not', () => {
  const scores = new Map<Plain, Plain>([
    ['a', 1],
    ['b', 2],
    ['c', 2.5],
  ])
  const pairs = ask('ZRANDMEMBER z -5 WITHSCORES') as [string, number][]
  expect(pairs.length).toBe(5)
  for (const [member, score] of pairs) expect(score).toBe(scores.get(member))
  t.caller = { ...t.caller, resp: 2 }
  const flat = ask('ZRANDMEMBER z 3 withscores') as Plain[]
  expect(flat.length).toBe(6)
  for (let i = 0; i < flat.length; i += 2) expect(flat[i + 1]).toBe(scores.get(flat[i]!))
})

test.each([
  ['ZRANDMEMBER z x', 'value is not an integer or out of range'],
  ['ZRANDMEMBER z 1 foo', 'syntax error'],
  ['ZRANDMEMBER z 1 WITHSCORES x', 'syntax error'],
  ['ZRANDMEMBER z 9223372036854775807 WITHSCORES', 'value is out of range'],
  [
    'ZRANDMEMBER z -9223372036854775808',
    'value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  ],
  ['ZSCAN z x', 'invalid cursor'],
  ['ZSCAN z 0 COUNT 0', 'syntax error'],
  ['ZSCAN z 0 COUNT', 'syntax error'],
  ['ZSCAN z 0 foo', 'syntax error'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('ZSCAN of a small set takes one step, in order', () => {
  expect(ask('ZSCAN z 0 COUNT 1')).toEqual(['0', ['a', '1', 'b', '2', 'c', '2.5']])
  expect(ask('ZSCAN z 0 MATCH [bc]')).toEqual(['0', ['b', '2', 'c', '2.5']])
  expect(ask('ZSCAN missing 0')).toEqual(['0', []])
  ask('ZADD floats 3.1 a 1e20 b -inf c')
  expect(ask('ZSCAN floats 0')).toEqual(['0', ['c', '-inf', 'a', '3.1', 'b', '1e+20']])
})

test('ZSCAN of a large set takes steps, and misses nothing that stays', () => {
  for (let i = 0; i < 1000; i++) t.run('ZADD', 'large', i, `m${i}`)
  const seen = new Map<string, string>()
  let cursor = '0'
  let steps = 0
  do {
    const [next, found] = ask(`ZSCAN large ${cursor} COUNT 20`) as [string, string[]]
    expect(found.length).toBeLessThanOrEqual(40)
    for (let i = 0; i < found.length; i += 2) seen.set(found[i]!, found[i + 1]!)
    t.run('ZREM', 'large', `m${900 + steps}`)
    cursor = next
    steps++
  } while (cursor !== '0')
  expect(steps).toBeGreaterThan(20)
  for (let i = 0; i < 900; i++) expect(seen.get(`m${i}`)).toBe(String(i))
})

test('other types are refused', () => {
  for (const line of ['ZCARD s', 'ZSCORE s a', 'ZMSCORE s a', 'ZRANK s a', 'ZRANDMEMBER s', 'ZSCAN s 0']) {
    expect(ask(line)).toMatch(/^\(error\) WRONGTYPE /)
  }
})

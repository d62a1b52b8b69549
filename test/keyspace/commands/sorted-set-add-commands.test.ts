/** ZADD with each of its options, ZINCRBY, ZREM: answers, events, what is logged. */
import { beforeEach, expect, test } from 'vitest'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const all = (key = 'z'): Plain => ask(`ZRANGE ${key} 0 -1 WITHSCORES`)

test('ZADD counts what is new, and with CH what has changed', () => {
  expect(ask('ZADD z 1 a 2 b')).toBe(2)
  expect(t.events()).toEqual(['zadd z'])
  expect(t.effects()).toEqual([['ZADD', 'z', '1', 'a', '2', 'b']])
  expect(ask('ZADD z 3 a 2 b 4 c')).toBe(1)
  expect(ask('ZADD z ch 1 a 2 b 5 d')).toBe(2)
  expect(all()).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 4],
    ['d', 5],
  ])
  expect(ask('ZADD z CH 1 a')).toBe(0)
  expect(t.events()).toEqual([])
})

test('the last score of a member that is named twice counts', () => {
  expect(ask('ZADD z 1 a 2 a')).toBe(1)
  expect(ask('ZADD z CH 3 a 4 a')).toBe(2)
  expect(all()).toEqual([['a', 4]])
})

test.each([
  // What becomes of a member with score 2, and of a missing one, when both are given 1 and 3.
  ['NX', 2, 1, 2, 3],
  ['XX', 1, null, 3, null],
  ['GT', 2, 1, 3, 3],
  ['LT', 1, 1, 2, 3],
  ['XX GT', 2, null, 3, null],
  ['XX LT', 1, null, 2, null],
])('%s', (options, oldOfLess, newOfLess, oldOfMore, newOfMore) => {
  for (const [score, old, fresh] of [
    [1, oldOfLess, newOfLess],
    [3, oldOfMore, newOfMore],
  ]) {
    ask('DEL z')
    ask('ZADD z 2 old')
    const changed = Number(old !== 2) + Number(fresh !== null)
    expect(ask(`ZADD z ${options} CH ${score} old ${score} new`)).toBe(changed)
    expect(ask('ZMSCORE z old new')).toEqual([old, fresh])
    expect(t.events()).toEqual([])
  }
})

test('XX makes no key', () => {
  expect(ask('ZADD z XX 1 a')).toBe(0)
  expect(ask('ZADD z XX INCR 1 a')).toBe(null)
  expect(ask('EXISTS z')).toBe(0)
  expect(t.commits).toEqual([])
})

test('INCR answers the score, or null where an option holds it back', () => {
  expect(ask('ZADD z INCR 1.5 a')).toBe(1.5)
  expect(t.events()).toEqual(['zincr z'])
  expect(ask('ZADD z INCR 1 a')).toBe(2.5)
  expect(ask('ZADD z NX INCR 1 a')).toBe(null)
  expect(ask('ZADD z XX INCR 1 b')).toBe(null)
  expect(ask('ZADD z GT INCR -1 a')).toBe(null)
  expect(ask('ZADD z LT INCR 1 a')).toBe(null)
  expect(ask('ZADD z GT INCR 0 a')).toBe(null)
  expect(ask('ZADD z LT INCR -1 a')).toBe(1.5)
  // The same score is no change, and no refusal.
  expect(ask('ZADD z INCR 0 a')).toBe(1.5)
  expect(t.events()).toEqual([])
})

test('ZINCRBY counts up from 0', () => {
  expect(ask('ZINCRBY z 2 a')).toBe(2)
  expect(t.events()).toEqual(['zincr z'])
  expect(ask('ZINCRBY z -0.5 a')).toBe(1.5)
  expect(ask('ZINCRBY z inf a')).toBe(Number.POSITIVE_INFINITY)
  expect(ask('ZINCRBY z -inf a')).toBe('(error) ERR resulting score is not a number (NaN)')
  expect(ask('ZADD z INCR -inf a')).toBe('(error) ERR resulting score is not a number (NaN)')
  expect(all()).toEqual([['a', Number.POSITIVE_INFINITY]])
})

test.each([
  ['ZADD z 1', "wrong number of arguments for 'zadd' command"],
  ['ZADD z NX 1', 'syntax error'],
  ['ZADD z 1 a 2', 'syntax error'],
  ['ZADD z 1 a NX b', 'value is not a valid float'],
  ['ZADD z NX XX 1 a', 'XX and NX options at the same time are not compatible'],
  ['ZADD z GT LT 1 a', 'GT, LT, and/or NX options at the same time are not compatible'],
  ['ZADD z NX GT 1 a', 'GT, LT, and/or NX options at the same time are not compatible'],
  ['ZADD z NX LT 1 a', 'GT, LT, and/or NX options at the same time are not compatible'],
  ['ZADD z INCR 1 a 2 b', 'INCR option supports a single increment-element pair'],
  ['ZADD z nan a', 'value is not a valid float'],
  ['ZADD z 1 a x b', 'value is not a valid float'],
  ['ZINCRBY z nan a', 'value is not a valid float'],
  ['ZINCRBY z 1', "wrong number of arguments for 'zincrby' command"],
])('%s is refused, and nothing is added', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
  expect(ask('EXISTS z')).toBe(0)
})

test('scores are read as C reads them', () => {
  expect(ask('ZADD z 0x10 a 1e2 b +.5 c -infinity d')).toBe(4)
  expect(all()).toEqual([
    ['d', Number.NEGATIVE_INFINITY],
    ['c', 0.5],
    ['a', 16],
    ['b', 100],
  ])
})

test('ZREM counts what was there, and the key goes with the last member', () => {
  ask('ZADD z 1 a 2 b 3 c')
  expect(ask('ZREM z a a x')).toBe(1)
  expect(t.events()).toEqual(['zrem z'])
  expect(ask('ZREM z x')).toBe(0)
  expect(t.events()).toEqual([])
  expect(ask('ZREM z b c')).toBe(2)
  expect(t.events()).toEqual(['zrem z', 'del z'])
  expect(ask('ZREM z b')).toBe(0)
})

test('an option in the place of the increment is a syntax error, as in Redis', () => {
  expect(ask('ZINCRBY z nx a')).toBe('(error) ERR syntax error')
  expect(ask('ZINCRBY z fast a')).toBe('(error) ERR value is not a valid float')
})

test('other types are refused', () => {
  ask('SET s x')
  for (const line of ['ZADD s 1 a', 'ZADD s INCR 1 a', 'ZINCRBY s 1 a', 'ZREM s a']) {
    expect(ask(line)).toMatch(/^\(error\) WRONGTYPE /)
  }
})

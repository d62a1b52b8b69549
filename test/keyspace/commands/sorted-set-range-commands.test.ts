/** Ranges by rank, score and member: answered in both protocols, counted, stored, removed. */
import { beforeEach, expect, test } from 'vitest'
import { DoubleReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('ZADD', 'z', '1', 'a', '2', 'b', '3', 'c', '4', 'd', '5', 'e')
  t.run('ZADD', 'same', ...'0 a 0 b 0 c 0 d 0 e'.split(' '))
  t.run('SET', 's', 'x')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
/** Members as one word, for short tables. */
const members = (line: string): string => (ask(line) as string[]).join('')

test.each([
  ['ZRANGE z 0 -1', 'abcde'],
  ['ZRANGE z 1 2', 'bc'],
  ['ZRANGE z -2 -1', 'de'],
  ['ZRANGE z -99 1', 'ab'],
  ['ZRANGE z 3 99', 'de'],
  ['ZRANGE z 3 2', ''],
  ['ZRANGE z 5 9', ''],
  ['ZRANGE z 0 -6', ''],
  ['ZRANGE z 0 1 REV', 'ed'],
  ['ZRANGE z -2 -1 rev', 'ba'],
  ['ZRANGE z 0 -1 LIMIT 3 -1', 'abcde'],
  ['ZREVRANGE z 1 2', 'dc'],
  ['ZRANGE missing 0 -1', ''],
])('by rank: %s', (line, expected) => {
  expect(members(line)).toBe(expected)
})

test.each([
  ['ZRANGE z 2 4 BYSCORE', 'bcd'],
  ['ZRANGE z (2 (4 byscore', 'c'],
  ['ZRANGE z -inf +inf BYSCORE', 'abcde'],
  ['ZRANGE z 4 2 BYSCORE', ''],
  ['ZRANGE z (2 (2 BYSCORE', ''],
  ['ZRANGE z 4 2 BYSCORE REV', 'dcb'],
  ['ZRANGE z 2 4 BYSCORE REV', ''],
  ['ZRANGE z -inf inf BYSCORE LIMIT 1 2', 'bc'],
  ['ZRANGE z inf -inf BYSCORE REV LIMIT 1 2', 'dc'],
  ['ZRANGE z -inf inf BYSCORE LIMIT 1 -1', 'bcde'],
  ['ZRANGE z -inf inf BYSCORE LIMIT -1 2', ''],
  ['ZRANGE z -inf inf BYSCORE LIMIT 9 2', ''],
  ['ZRANGE z -inf inf BYSCORE LIMIT 0 0', ''],
  ['ZRANGEBYSCORE z (1 3', 'bc'],
  ['ZRANGEBYSCORE z 1 9 LIMIT 3 9', 'de'],
  ['ZREVRANGEBYSCORE z 3 (1', 'cb'],
  ['ZREVRANGEBYSCORE z +inf -inf LIMIT 4 1', 'a'],
])('by score: %s', (line, expected) => {
  expect(members(line)).toBe(expected)
})

test.each([
  ['ZRANGE same - + BYLEX', 'abcde'],
  ['ZRANGE same [b (d BYLEX', 'bc'],
  ['ZRANGE same (b [d bylex', 'cd'],
  ['ZRANGE same + - BYLEX', ''],
  ['ZRANGE same [d [b BYLEX REV', 'dcb'],
  ['ZRANGE same + - BYLEX REV LIMIT 1 2', 'dc'],
  ['ZRANGE same [ + BYLEX', 'abcde'],
  ['ZRANGEBYLEX same - (c', 'ab'],
  ['ZRANGEBYLEX same (c (c', ''],
  ['ZREVRANGEBYLEX same + [d', 'ed'],
  ['ZREVRANGEBYLEX same + - LIMIT 3 -1', 'ba'],
])('by member: %s', (line, expected) => {
  expect(members(line)).toBe(expected)
})

test('scores come as pairs, and in RESP2 one after the other', () => {
  expect(ask('ZRANGE z 0 1 WITHSCORES')).toEqual([
    ['a', 1],
    ['b', 2],
  ])
  expect(ask('ZREVRANGEBYSCORE z 2 1 withscores')).toEqual([
    ['b', 2],
    ['a', 1],
  ])
  t.caller = { ...t.caller, resp: 2 }
  expect(t.run('ZRANGE', 'z', '0', '1', 'WITHSCORES')).toEqual([
    'a',
    new DoubleReply(1),
    'b',
    new DoubleReply(2),
  ])
})

const NO_LIMIT = 'syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX'
const NO_SCORES = 'syntax error, WITHSCORES not supported in combination with BYLEX'
const NOT_AN_INTEGER = 'value is not an integer or out of range'

test.each([
  ['ZRANGE z 0', "wrong number of arguments for 'zrange' command"],
  ['ZRANGE z a 1', NOT_AN_INTEGER],
  ['ZRANGE z 0 1.5', NOT_AN_INTEGER],
  ['ZRANGE z 0 1 LIMIT 0 1', NO_LIMIT],
  ['ZRANGE z 0 1 BYLEX WITHSCORES', NO_SCORES],
  ['ZRANGEBYLEX z - + WITHSCORES', NO_SCORES],
  ['ZRANGE z 0 1 BYSCORE BYLEX', 'syntax error'],
  ['ZRANGE z 0 1 REV REV', 'syntax error'],
  ['ZRANGE z 0 1 BYSCORE LIMIT 0', 'syntax error'],
  ['ZRANGE z 0 1 BYSCORE LIMIT a', 'syntax error'],
  ['ZRANGE z 0 1 BYSCORE LIMIT a 1', NOT_AN_INTEGER],
  ['ZRANGE z 0 1 foo', 'syntax error'],
  ['ZRANGE z x 1 BYSCORE', 'min or max is not a float'],
  ['ZRANGE z nan 1 BYSCORE', 'min or max is not a float'],
  ['ZRANGE z a [b BYLEX', 'min or max not valid string range item'],
  ['ZREVRANGE z 0 1 REV', 'syntax error'],
  ['ZREVRANGE z 0 1 BYSCORE', 'syntax error'],
  ['ZRANGEBYSCORE z 0 1 REV', 'syntax error'],
  ['ZRANGESTORE d z 0 1 WITHSCORES', 'syntax error'],
  ['ZCOUNT z a 1', 'min or max is not a float'],
  ['ZCOUNT z 1 2 3', "wrong number of arguments for 'zcount' command"],
  ['ZLEXCOUNT z 1 +', 'min or max not valid string range item'],
  ['ZREMRANGEBYRANK z a 1', NOT_AN_INTEGER],
  ['ZREMRANGEBYSCORE z 1 b', 'min or max is not a float'],
  ['ZREMRANGEBYLEX z - b', 'min or max not valid string range item'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('other types are refused, behind what is wrong with the range', () => {
  for (const line of ['ZRANGE s 0 1', 'ZCOUNT s 0 1', 'ZREMRANGEBYLEX s - +', 'ZRANGESTORE d s 0 1']) {
    expect(ask(line)).toMatch(/^\(error\) WRONGTYPE /)
  }
  expect(ask('ZRANGE s a 1')).toBe(`(error) ERR ${NOT_AN_INTEGER}`)
})

test.each([
  ['ZCOUNT z 2 4', 3],
  ['ZCOUNT z (2 (4', 1],
  ['ZCOUNT z -inf +inf', 5],
  ['ZCOUNT z 4 2', 0],
  ['ZCOUNT missing 2 4', 0],
  ['ZLEXCOUNT same - +', 5],
  ['ZLEXCOUNT same (a [c', 2],
  ['ZLEXCOUNT same + -', 0],
  ['ZLEXCOUNT missing - +', 0],
])('%s', (line, expected) => {
  expect(ask(line)).toBe(expected)
})

test.each([
  ['ZREMRANGEBYRANK z 1 2', 2, 'ade'],
  ['ZREMRANGEBYRANK z -2 -1', 2, 'abc'],
  ['ZREMRANGEBYRANK z 5 9', 0, 'abcde'],
  ['ZREMRANGEBYSCORE z (1 (4', 2, 'ade'],
  ['ZREMRANGEBYSCORE z 9 10', 0, 'abcde'],
  ['ZREMRANGEBYLEX same [b (d', 2, 'ade'],
])('%s', (line, count, left) => {
  const [command = '', key = ''] = line.split(' ')
  expect(ask(line)).toBe(count)
  expect(t.events()).toEqual(count === 0 ? [] : [`${command.toLowerCase()} ${key}`])
  expect(t.effects()).toEqual(count === 0 ? [] : [line.split(' ')])
  expect(members(`ZRANGE ${key} 0 -1`)).toBe(left)
})

test('a set that loses all its members is gone', () => {
  expect(ask('ZREMRANGEBYSCORE z -inf inf')).toBe(5)
  expect(t.events()).toEqual(['zremrangebyscore z', 'del z'])
  expect(ask('ZREMRANGEBYSCORE z -inf inf')).toBe(0)
})

test('ZRANGESTORE puts a range in the place of whatever was there, without its expiry', () => {
  ask('SET d x EX 100')
  expect(ask('ZRANGESTORE d z 1 2')).toBe(2)
  expect(t.events()).toEqual(['zrangestore d'])
  expect(ask('ZRANGE d 0 -1 WITHSCORES')).toEqual([
    ['b', 2],
    ['c', 3],
  ])
  expect(ask('TTL d')).toBe(-1)
  expect(ask('ZRANGESTORE d z +inf (2 BYSCORE REV LIMIT 0 2')).toBe(2)
  expect(members('ZRANGE d 0 -1')).toBe('de')
  expect(ask('ZRANGESTORE d same [b [c BYLEX')).toBe(2)
  expect(members('ZRANGE d 0 -1')).toBe('bc')
  // Onto itself.
  expect(ask('ZRANGESTORE z z 0 1 REV')).toBe(2)
  expect(members('ZRANGE z 0 -1')).toBe('de')
})

test('ZRANGESTORE of nothing removes the destination', () => {
  ask('SET d x')
  expect(ask('ZRANGESTORE d missing 0 -1')).toBe(0)
  expect(t.events()).toEqual(['del d'])
  expect(ask('ZRANGESTORE d z 9 10')).toBe(0)
  expect(t.events()).toEqual([])
  expect(ask('EXISTS d')).toBe(0)
})

/** Union, intersection and difference: weights, aggregates, plain sets, STOREs, and what is no number. */
import { beforeEach, expect, test } from 'vitest'
import { DoubleReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('ZADD', 'x', '1', 'a', '2', 'b', '3', 'c')
  t.run('ZADD', 'y', '10', 'b', '20', 'c', '30', 'd')
  t.run('SADD', 'plain', 'c', 'd', 'e')
  t.run('SET', 's', 'x')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
/** `a=1 b=2`, for short tables. */
const scored = (line: string): string => {
  return (ask(`${line} WITHSCORES`) as [string, number][]).map((pair) => pair.join('=')).join(' ')
}

test.each([
  ['ZUNION 2 x y', 'a=1 b=12 c=23 d=30'],
  ['ZUNION 2 x y AGGREGATE MIN', 'a=1 b=2 c=3 d=30'],
  ['ZUNION 2 x y aggregate max', 'a=1 b=10 c=20 d=30'],
  ['ZUNION 2 x y WEIGHTS 10 1', 'a=10 b=30 d=30 c=50'],
  ['ZUNION 2 x plain', 'a=1 d=1 e=1 b=2 c=4'],
  ['ZUNION 2 plain plain WEIGHTS 1 2', 'c=3 d=3 e=3'],
  ['ZUNION 2 x missing', 'a=1 b=2 c=3'],
  ['ZUNION 1 missing', ''],
  ['ZINTER 2 x y', 'b=12 c=23'],
  ['ZINTER 3 x y plain', 'c=24'],
  ['ZINTER 2 x y WEIGHTS -1 0.5 AGGREGATE MIN', 'c=-3 b=-2'],
  ['ZINTER 2 x x', 'a=2 b=4 c=6'],
  ['ZINTER 2 x missing', ''],
  ['ZDIFF 2 x y', 'a=1'],
  ['ZDIFF 2 y plain', 'b=10'],
  ['ZDIFF 2 plain y', 'e=1'],
  ['ZDIFF 3 x missing plain', 'a=1 b=2'],
  ['ZDIFF 2 x x', ''],
  ['ZDIFF 2 missing x', ''],
])('%s', (line, expected) => {
  expect(scored(line)).toBe(expected)
})

test('members alone, and in RESP2 members and scores in turn', () => {
  expect(ask('ZUNION 2 x y')).toEqual(['a', 'b', 'c', 'd'])
  t.caller = { ...t.caller, resp: 2 }
  expect(t.run('ZINTER', '2', 'x', 'plain', 'withscores')).toEqual(['c', new DoubleReply(4)])
})

test('infinities that meet, or meet a weight of 0, make 0', () => {
  ask('ZADD p inf a')
  ask('ZADD m -inf a')
  expect(scored('ZUNION 2 p m')).toBe('a=0')
  expect(scored('ZINTER 2 p m')).toBe('a=0')
  expect(scored('ZUNION 1 p WEIGHTS 0')).toBe('a=0')
  expect(scored('ZUNION 2 p x WEIGHTS 0 1')).toBe('a=1 b=2 c=3')
  // As in Redis: in an intersection the sum is lost as well, of all but the first set.
  expect(scored('ZINTER 2 x p WEIGHTS 1 0')).toBe('a=1')
  ask('ZADD one 5 a')
  expect(scored('ZINTER 2 one p WEIGHTS 1 0')).toBe('a=0')
})

test('ZINTERCARD counts to its limit', () => {
  expect(ask('ZINTERCARD 2 x y')).toBe(2)
  expect(ask('ZINTERCARD 2 x y LIMIT 1')).toBe(1)
  expect(ask('ZINTERCARD 2 x y limit 0')).toBe(2)
  expect(ask('ZINTERCARD 2 x y LIMIT 9')).toBe(2)
  expect(ask('ZINTERCARD 3 x y plain')).toBe(1)
  expect(ask('ZINTERCARD 2 x missing')).toBe(0)
})

test.each([
  ['ZUNION 0 x', "at least 1 input key is needed for 'zunion' command"],
  ['ZUNIONSTORE d -1 x', "at least 1 input key is needed for 'zunionstore' command"],
  ['ZINTERCARD 0 x', "at least 1 input key is needed for 'zintercard' command"],
  ['ZUNION x x', 'value is not an integer or out of range'],
  ['ZINTER 3 x y', 'syntax error'],
  ['ZUNION 2 x y WEIGHTS 1', 'syntax error'],
  ['ZUNION 2 x y WEIGHTS 1 2 3', 'syntax error'],
  ['ZUNION 2 x y WEIGHTS 1 b', 'weight value is not a float'],
  ['ZUNION 1 x AGGREGATE', 'syntax error'],
  ['ZUNION 1 x AGGREGATE AVG', 'syntax error'],
  ['ZUNIONSTORE d 1 x WITHSCORES', 'syntax error'],
  ['ZDIFF 1 x WEIGHTS 1', 'syntax error'],
  ['ZDIFF 1 x AGGREGATE MIN', 'syntax error'],
  ['ZINTERCARD 1 x LIMIT', 'syntax error'],
  ['ZINTERCARD 1 x LIMIT -1', "LIMIT can't be negative"],
  ['ZINTERCARD 1 x LIMIT a', "LIMIT can't be negative"],
  ['ZINTERCARD 1 x WITHSCORES', 'syntax error'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('other types are refused, before the options are read', () => {
  for (const line of ['ZUNION 2 x s foo', 'ZINTER 2 missing s', 'ZDIFF 2 missing s', 'ZINTERCARD 1 s']) {
    expect(ask(line)).toMatch(/^\(error\) WRONGTYPE /)
  }
  expect(ask('ZUNIONSTORE x 2 x s')).toMatch(/^\(error\) WRONGTYPE /)
  expect(ask('ZCARD x')).toBe(3)
})

test.each([
  ['ZUNIONSTORE', 'a=1 b=12 c=23 d=30'],
  ['ZINTERSTORE', 'b=12 c=23'],
  ['ZDIFFSTORE', 'a=1'],
])('%s puts the result in the place of whatever was there', (command, expected) => {
  for (const destination of ['new', 's', 'plain', 'x']) {
    ask('DEL x')
    ask('ZADD x 1 a 2 b 3 c')
    ask(`PEXPIRE ${destination} 1000`)
    expect(ask(`${command} ${destination} 2 x y`)).toBe(expected.split(' ').length)
    expect(t.events()).toEqual([`${command.toLowerCase()} ${destination}`])
    expect(t.effects()).toEqual([[command, destination, '2', 'x', 'y']])
    expect(scored(`ZRANGE ${destination} 0 -1`)).toBe(expected)
    expect(ask(`TTL ${destination}`)).toBe(-1)
  }
})

test('a STORE without a result removes its destination', () => {
  expect(ask('ZINTERSTORE s 2 x missing')).toBe(0)
  expect(t.events()).toEqual(['del s'])
  expect(ask('ZDIFFSTORE s 2 x x')).toBe(0)
  expect(t.events()).toEqual([])
  expect(ask('EXISTS s')).toBe(0)
})

test('what is stored never expires, whatever it was made of', () => {
  ask('ZPEXPIRE x 1000 MEMBERS 1 a')
  ask('ZUNIONSTORE d 1 x')
  ask('ZRANGESTORE e x 0 -1')
  t.clock.advance(1000)
  expect(['x', 'd', 'e'].map((key) => ask(`ZCARD ${key}`))).toEqual([2, 3, 3])
})

test('members of plain sets that have expired do not count', () => {
  ask('SPEXPIRE plain 1000 MEMBERS 2 c d')
  t.clock.advance(1000)
  expect(scored('ZUNION 1 plain')).toBe('e=1')
  expect(ask('ZINTERCARD 2 plain y')).toBe(0)
})

test('a large difference, by either way, is that of the members', () => {
  for (let i = 0; i < 600; i++) t.run('ZADD', 'large', i, `m${i}`)
  const keys: string[] = []
  for (let k = 0; k < 12; k++) {
    keys.push(`few${k}`)
    for (let i = 0; i < 10; i++) t.run('ZADD', `few${k}`, i, `m${k * 40 + i}`)
  }
  const removed = new Set(keys.flatMap((_, k) => Array.from({ length: 10 }, (_, i) => `m${k * 40 + i}`)))
  const left = Array.from({ length: 600 }, (_, i) => `m${i}`).filter((member) => !removed.has(member))
  expect(t.ask('ZDIFF', 13, 'large', ...keys)).toEqual(left)
  expect(t.ask('ZDIFF', 2, 'few0', 'large')).toEqual([])
  expect(t.ask('ZDIFF', 3, 'large', 'few0', 'few1')).toEqual(
    Array.from({ length: 590 }, (_, i) => `m${i + 10}`).filter((m) => !/^m4\d$/.test(m)),
  )
})

test('a result that is large keeps -0, as a skip list does from its first member on', () => {
  for (let i = 0; i < 200; i++) t.run('ZADD', 'large', i, `m${i}`)
  ask('ZUNIONSTORE d 1 large WEIGHTS -1')
  expect(ask('OBJECT ENCODING d')).toBe('skiplist')
  expect(Object.is(ask('ZSCORE d m0'), -0)).toBe(true)
  ask('ZUNIONSTORE d 1 x WEIGHTS -0')
  expect(ask('OBJECT ENCODING d')).toBe('listpack')
  expect(Object.is(ask('ZSCORE d a'), 0)).toBe(true)
})

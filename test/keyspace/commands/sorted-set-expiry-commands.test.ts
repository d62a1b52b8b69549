/** Members that expire: what the commands answer and log, and that nobody sees a member that is due. */
import { beforeEach, expect, test } from 'vitest'
import { VALUE_LIMITS } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, START_MS, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('ZADD', 'z', '1', 'a', '2', 'b', '3', 'c')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('ZEXPIRE answers per member, and logs the time at which it comes', () => {
  expect(ask('ZEXPIRE z 10 MEMBERS 3 a b missing')).toEqual([1, 1, -2])
  expect(t.events()).toEqual(['zexpire z'])
  expect(t.effects()).toEqual([['ZPEXPIREAT', 'z', String(START_MS + 10_000), 'MEMBERS', '2', 'a', 'b']])
  expect(ask('ZEXPIRE missing 10 MEMBERS 1 a')).toEqual([-2])
  expect(t.commits.length).toBe(2)
})

test('the four spellings, and the four ways to read a time', () => {
  ask('ZEXPIRE z 10 MEMBERS 1 a')
  ask(`ZPEXPIREAT z ${START_MS + 10_000} MEMBERS 1 b`)
  for (const line of ['ZPEXPIRE z 10000 MEMBERS 1 c', `ZEXPIREAT z ${START_MS / 1000 + 10} MEMBERS 1 c`]) {
    ask('ZPERSIST z MEMBERS 1 c')
    expect(ask(line)).toEqual([1])
    t.clock.advance(0)
    expect(ask('ZPEXPIRETIME z MEMBERS 3 a b c')).toEqual(Array(3).fill(START_MS + 10_000))
  }
  ask('ZPERSIST z MEMBERS 1 c')
  t.clock.advance(500)
  expect(ask('ZPTTL z MEMBERS 4 a b c x')).toEqual([9500, 9500, -1, -2])
  expect(ask('ZTTL z MEMBERS 3 a c x')).toEqual([10, -1, -2])
  expect(ask('ZEXPIRETIME z MEMBERS 2 a c')).toEqual([START_MS / 1000 + 10, -1])
})

test('NX, XX, GT, LT', () => {
  expect(ask('ZEXPIRE z 10 XX MEMBERS 1 a')).toEqual([0])
  expect(ask('ZEXPIRE z 10 GT MEMBERS 1 a')).toEqual([0])
  expect(ask('ZEXPIRE z 10 NX MEMBERS 2 a b')).toEqual([1, 1])
  expect(ask('ZEXPIRE z 10 NX MEMBERS 2 a c')).toEqual([0, 1])
  expect(ask('ZEXPIRE z 5 gt MEMBERS 1 a')).toEqual([0])
  expect(ask('ZEXPIRE z 5 LT MEMBERS 1 a')).toEqual([1])
  expect(ask('ZTTL z MEMBERS 1 a')).toEqual([5])
})

test('ZPERSIST', () => {
  ask('ZEXPIRE z 10 MEMBERS 1 a')
  expect(ask('ZPERSIST z MEMBERS 3 a b x')).toEqual([1, -1, -2])
  expect(t.events()).toEqual(['zpersist z'])
  expect(t.effects()).toEqual([['ZPERSIST', 'z', 'MEMBERS', '1', 'a']])
})

test('a time that has passed removes, and is logged as that', () => {
  expect(ask('ZEXPIRE z 0 MEMBERS 2 a x')).toEqual([2, -2])
  expect(t.effects()).toEqual([['ZREM', 'z', 'a']])
  expect(t.events()).toEqual(['zrem z'])
  expect(ask('ZPEXPIREAT z 1 MEMBERS 2 b c')).toEqual([2, 2])
  expect(t.events()).toEqual(['zrem z', 'del z'])
})

test('what is refused', () => {
  expect(ask('ZEXPIRE z -1 MEMBERS 1 a')).toMatch(/invalid expire time/)
  expect(ask('ZEXPIRE z 10 FIELDS 1 a')).toMatch(/Mandatory argument MEMBERS is missing/)
  expect(ask('ZEXPIRE z 10 MEMBERS 2 a')).toMatch(/must match the number of arguments/)
  expect(ask('ZTTL z MEMBERS 0 a')).toMatch(/must be a positive integer/)
  ask('SET s x')
  expect(ask('ZEXPIRE s 10 MEMBERS 1 a')).toMatch(/WRONGTYPE/)
})

test('ZADD lets a member stay that it gives a score; ZINCRBY and refusals keep its time', () => {
  ask('ZEXPIRE z 10 MEMBERS 3 a b c')
  ask('ZINCRBY z 1 a')
  ask('ZADD z INCR 1 a')
  ask('ZADD z NX 9 a')
  ask('ZADD z LT 9 a')
  ask('ZADD z GT 0 a')
  expect(ask('ZTTL z MEMBERS 1 a')).toEqual([10])
  ask('ZADD z XX 9 a')
  expect(t.events()).toEqual(['zadd z'])
  expect(ask('ZTTL z MEMBERS 3 a b c')).toEqual([-1, 10, 10])
  // The same score: only the time has changed.
  expect(ask('ZADD z CH 2 b')).toBe(0)
  expect(t.events()).toEqual(['zpersist z'])
  expect(t.effects()).toEqual([['ZADD', 'z', 'CH', '2', 'b']])
  expect(ask('ZTTL z MEMBERS 2 b c')).toEqual([-1, 10])
})

test('a member that is due is gone for whoever looks, and its removal is logged before what they do', () => {
  ask('ZPEXPIRE z 1000 MEMBERS 1 a')
  t.clock.advance(999)
  expect(ask('ZCARD z')).toBe(3)
  t.clock.advance(1)
  expect(ask('ZRANGE z 0 0')).toEqual(['b'])
  expect(t.events()).toEqual(['zexpired z'])
  expect(t.effects()).toEqual([['ZREM', 'z', 'a']])
  ask('ZPEXPIRE z 1000 MEMBERS 1 b')
  t.clock.advance(1000)
  expect(ask('ZINCRBY z 5 b')).toBe(5)
  expect(t.events()).toEqual(['zexpired z', 'zincr z'])
  expect(t.effects()).toEqual([
    ['ZREM', 'z', 'b'],
    ['ZINCRBY', 'z', '5', 'b'],
  ])
})

test('the key goes with its last member', () => {
  ask('ZPEXPIRE z 1000 MEMBERS 3 a b c')
  t.clock.advance(1000)
  expect(ask('ZSCORE z c')).toBe(null)
  expect(t.events()).toEqual(['zexpired z', 'del z'])
  expect(ask('EXISTS z')).toBe(0)
})

test.each([
  ['ZCARD z', 2],
  ['ZRANK z y', 1],
  ['ZREVRANK z x', 1],
  ['ZCOUNT z -inf inf', 2],
  ['ZLEXCOUNT z - +', 2],
  ['ZRANGE z 0 -1', ['x', 'y']],
  ['ZPOPMIN z', ['x', 0]],
  ['ZREMRANGEBYRANK z 0 0', 1],
  ['ZADD z NX 5 m17', 1],
  ['ZUNION 1 z', ['x', 'y']],
  ['ZINTERCARD 1 z', 2],
  ['ZSCAN z 0', ['0', ['x', '0', 'y', '0']]],
  ['SORT z BY nosort', ['x', 'y']],
])('however many are due at once, %s sees none', (line, expected) => {
  t = makeEngine({ limits: { ...VALUE_LIMITS, membersPerSlice: 7 } })
  const due = Array.from({ length: 100 }, (_, i) => `m${i}`)
  t.run('ZADD', 'z', ...due.flatMap((member) => ['0', member]), '0', 'x', '0', 'y')
  t.run('ZPEXPIRE', 'z', 1000, 'MEMBERS', due.length, ...due)
  t.clock.advance(1000)
  expect(ask(line)).toEqual(expected)
  const removed = t.effects().filter(([command]) => command === 'ZREM')
  expect(removed.length).toBe(Math.ceil(100 / 7))
  expect(removed.flatMap((effect) => effect.slice(2)).sort()).toEqual(due.sort())
  expect(t.engine.stats.expiredMembers).toBe(100)
})

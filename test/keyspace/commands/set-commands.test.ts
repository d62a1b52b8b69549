/** Adding, removing and asking for members: answers, events and refusals as in Redis. */
import { beforeEach, expect, test } from 'vitest'
import { SetReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, START_MS, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('SADD answers how many are new, and reports only then', () => {
  expect(ask('SADD s a b a')).toBe(2)
  expect(t.events()).toEqual(['sadd s'])
  expect(t.effects()).toEqual([['SADD', 's', 'a', 'b', 'a']])
  expect(ask('SADD s a')).toBe(0)
  expect(t.events()).toEqual([])
  expect(t.effects()).toEqual([])
  expect(ask('SCARD s')).toBe(2)
})

test('members are answered as a set', () => {
  ask('SADD s a b')
  expect(t.run('SMEMBERS', 's')).toEqual(new SetReply(['a', 'b']))
  expect(t.run('SMEMBERS', 'missing')).toEqual(new SetReply([]))
})

test('a set of integers is listed in ascending order', () => {
  ask('SADD s 10 9 -1 100')
  expect(ask('SMEMBERS s')).toEqual(['-1', '9', '10', '100'])
})

test('what is asked of members', () => {
  ask('SADD s a b')
  expect(['SISMEMBER s a', 'SISMEMBER s x', 'SMISMEMBER s a x b', 'SCARD s'].map(ask)).toEqual([
    1,
    0,
    [1, 0, 1],
    2,
  ])
  expect(['SISMEMBER no a', 'SMISMEMBER no a b', 'SCARD no'].map(ask)).toEqual([0, [0, 0], 0])
})

test('SREM counts each member once, and the key goes with the last', () => {
  ask('SADD s a b')
  expect(ask('SREM s a a x')).toBe(1)
  expect(t.events()).toEqual(['srem s'])
  expect(ask('SREM s x')).toBe(0)
  expect(t.effects()).toEqual([])
  expect(ask('SREM s b')).toBe(1)
  expect(t.events()).toEqual(['srem s', 'del s'])
  expect(ask('SREM s b')).toBe(0)
})

test('SMOVE reports at both sets', () => {
  ask('SADD from a b')
  ask('SADD to b')
  expect(ask('SMOVE from to a')).toBe(1)
  expect(t.events()).toEqual(['srem from', 'sadd to'])
  expect(t.effects()).toEqual([['SMOVE', 'from', 'to', 'a']])
  expect(ask('SMOVE from to x')).toBe(0)
  // The target has it already; the source is empty then.
  expect(ask('SMOVE from to b')).toBe(1)
  expect(t.events()).toEqual(['srem from', 'del from'])
  expect(ask('SMEMBERS to')).toEqual(['b', 'a'])
  expect(ask('SMOVE to to a')).toBe(1)
  expect(ask('SMOVE to to x')).toBe(0)
  expect(t.events()).toEqual([])
})

test('SMOVE makes the target, and a member takes its expiry along', () => {
  ask('SADD from a b')
  ask('SPEXPIRE from 500 MEMBERS 1 a')
  ask('SMOVE from to a')
  ask('SMOVE from to b')
  expect(ask('SPEXPIRETIME to MEMBERS 2 a b')).toEqual([START_MS + 500, -1])
})

test('a missing source excuses the type of the target, as in Redis', () => {
  ask('SET string v')
  expect(ask('SMOVE missing string a')).toBe(0)
  ask('SADD s a')
  expect(ask('SMOVE s string a')).toBe(
    '(error) WRONGTYPE Operation against a key holding the wrong kind of value',
  )
  expect(ask('SCARD s')).toBe(1)
})

test.each([
  'SADD k a',
  'SREM k a',
  'SCARD k',
  'SISMEMBER k a',
  'SMISMEMBER k a',
  'SMEMBERS k',
  'SMOVE k other a',
  'SPOP k',
  'SPOP k 2',
  'SRANDMEMBER k',
  'SSCAN k 0',
  'SINTER missing k',
  'SUNION missing k',
  'SDIFF missing k',
  'SINTERCARD 2 missing k',
  'SINTERSTORE d missing k',
  'SEXPIRE k 1 MEMBERS 1 a',
  'STTL k MEMBERS 1 a',
  'SPERSIST k MEMBERS 1 a',
  'SADDEX k 1 a',
])('%s is refused for a string', (line) => {
  ask('SET k v')
  expect(ask(line)).toBe('(error) WRONGTYPE Operation against a key holding the wrong kind of value')
  expect(ask('KEYS *')).toEqual(['k'])
})

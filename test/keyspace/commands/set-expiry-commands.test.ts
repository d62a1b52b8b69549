/** Members of sets that expire: the same as for fields of hashes, by names of their own. */
import { beforeEach, expect, test } from 'vitest'
import { makeEngine, type Plain, START_MS, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('SADD', 's', 'a', 'b', 'c')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('SEXPIRE answers per member, and logs the time at which it comes', () => {
  expect(ask('SEXPIRE s 10 MEMBERS 2 a missing')).toEqual([1, -2])
  expect(t.events()).toEqual(['sexpire s'])
  expect(t.effects()).toEqual([['SPEXPIREAT', 's', String(START_MS + 10_000), 'MEMBERS', '1', 'a']])
  expect(ask('SPEXPIRE s 20000 GT MEMBERS 2 a b')).toEqual([1, 0])
  expect(ask('STTL s MEMBERS 3 a b x')).toEqual([20, -1, -2])
  expect(ask('SPTTL s MEMBERS 1 a')).toEqual([20_000])
  expect(ask('SPEXPIRETIME s MEMBERS 1 a')).toEqual([START_MS + 20_000])
  expect(ask('SEXPIRETIME s MEMBERS 1 a')).toEqual([START_MS / 1000 + 20])
  expect(ask(`SEXPIREAT s ${START_MS / 1000 + 1} MEMBERS 1 a`)).toEqual([1])
  expect(ask('SPERSIST s MEMBERS 2 a b')).toEqual([1, -1])
  expect(t.events()).toEqual(['spersist s'])
  expect(t.effects()).toEqual([['SPERSIST', 's', 'MEMBERS', '1', 'a']])
})

test('a member is gone from its millisecond on, also where it was only just asked for', () => {
  ask('SPEXPIRE s 100 MEMBERS 2 a b')
  t.clock.advance(100)
  expect(ask('SISMEMBER s a')).toBe(0)
  expect(t.events()).toEqual(['sexpired s'])
  expect(ask('SMEMBERS s')).toEqual(['c'])
  expect(ask(`SPEXPIREAT s ${START_MS} MEMBERS 1 c`)).toEqual([2])
  expect(t.effects()).toEqual([['SREM', 's', 'c']])
  expect(t.events()).toEqual(['srem s', 'del s'])
})

test('SADD leaves the expiry of a member that is there', () => {
  ask('SPEXPIRE s 100 MEMBERS 1 a')
  expect(ask('SADD s a')).toBe(0)
  expect(ask('SPTTL s MEMBERS 1 a')).toEqual([100])
})

test('SADDEX adds members, and gives all of them the time', () => {
  expect(ask('SADDEX s 10 a new')).toBe(1)
  expect(t.events()).toEqual(['sadd s', 'sexpire s'])
  expect(t.effects()).toEqual([
    ['SADD', 's', 'new'],
    ['SPEXPIREAT', 's', String(START_MS + 10_000), 'MEMBERS', '2', 'a', 'new'],
  ])
  expect(ask('STTL s MEMBERS 3 a new b')).toEqual([10, 10, -1])
  expect(ask('SADDEX other 1 x')).toBe(1)
  t.clock.advance(1000)
  expect(ask('EXISTS other')).toBe(1)
  expect(ask('SCARD other')).toBe(0)
  expect(ask('EXISTS other')).toBe(0)
})

test.each([
  ['SADDEX s 0 a', "invalid expire time in 'saddex' command"],
  ['SADDEX s -1 a', "invalid expire time in 'saddex' command"],
  ['SADDEX s x a', 'value is not an integer or out of range'],
  ['SEXPIRE s 1 FIELDS 1 a', 'Mandatory argument MEMBERS is missing or not at the right position'],
  ['SEXPIRE s 1 MEMBERS 0 a', 'Parameter `numMembers` should be greater than 0'],
  ['SEXPIRE s 1 MEMBERS 2 a', 'The `nummembers` parameter must match the number of arguments'],
  ['STTL s MEMBERS x a', 'Number of members must be a positive integer'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
  expect(t.events()).toEqual([])
})

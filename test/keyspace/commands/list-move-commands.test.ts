/** From list to list, and from whichever list has something. */
import { beforeEach, expect, test } from 'vitest'
import { NULL_ARRAY } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const all = (key: string): string => (t.ask('LRANGE', key, 0, -1) as string[]).join('')

test.each([
  ['LEFT LEFT', 'bc', 'axy'],
  ['left right', 'bc', 'xya'],
  ['RIGHT LEFT', 'ab', 'cxy'],
  ['RIGHT RIGHT', 'ab', 'xyc'],
])('LMOVE %s', (sides, source, target) => {
  ask('RPUSH from a b c')
  ask('RPUSH to x y')
  expect(ask(`LMOVE from to ${sides}`)).toBe(sides.toUpperCase().startsWith('LEFT') ? 'a' : 'c')
  expect([all('from'), all('to')]).toEqual([source, target])
})

test('the target is reported first, then the source, then that it is gone', () => {
  ask('RPUSH from a')
  expect(ask('RPOPLPUSH from to')).toBe('a')
  expect(t.events()).toEqual(['lpush to', 'rpop from', 'del from'])
  expect(t.effects()).toEqual([['RPOPLPUSH', 'from', 'to']])
  expect(ask('LMOVE to other LEFT RIGHT')).toBe('a')
  expect(t.events()).toEqual(['rpush other', 'lpop to', 'del to'])
})

test('a list may be its own target', () => {
  ask('RPUSH l a b c')
  expect(ask('RPOPLPUSH l l')).toBe('c')
  expect(all('l')).toBe('cab')
  ask('RPUSH one x')
  expect(ask('LMOVE one one LEFT RIGHT')).toBe('x')
  expect(t.events()).toEqual(['rpush one', 'lpop one'])
  expect(all('one')).toBe('x')
})

test('nothing moves from what is not there, or to what is no list', () => {
  ask('SET string v')
  expect(ask('RPOPLPUSH missing string')).toBe(null)
  ask('RPUSH l a')
  expect(ask('LMOVE l string LEFT LEFT')).toBe(
    '(error) WRONGTYPE Operation against a key holding the wrong kind of value',
  )
  expect(all('l')).toBe('a')
})

test('LMPOP takes from the first list that has something, and logs that', () => {
  ask('RPUSH b 1 2 3')
  expect(ask('LMPOP 3 a b c left')).toEqual(['b', ['1']])
  expect(t.effects()).toEqual([['LPOP', 'b']])
  expect(ask('LMPOP 2 a b RIGHT COUNT 10')).toEqual(['b', ['3', '2']])
  expect(t.effects()).toEqual([['RPOP', 'b', '2']])
  expect(t.events()).toEqual(['rpop b', 'del b'])
  expect(t.run('LMPOP', 1, 'b', 'LEFT')).toBe(NULL_ARRAY)
})

test.each([
  ['LMOVE l l LEFT UP', 'syntax error'],
  ['LMPOP 0 l LEFT', 'numkeys should be greater than 0'],
  ['LMPOP x l LEFT', 'numkeys should be greater than 0'],
  ['LMPOP 2 l LEFT', 'syntax error'],
  ['LMPOP 9223372036854775807 l LEFT', 'syntax error'],
  ['LMPOP 1 l UP', 'syntax error'],
  ['LMPOP 1 l LEFT COUNT', 'syntax error'],
  ['LMPOP 1 l LEFT COUNT 0', 'count should be greater than 0'],
  ['LMPOP 1 l LEFT COUNT x', 'count should be greater than 0'],
  ['LMPOP 1 l LEFT COUNT 1 COUNT 1', 'syntax error'],
  ['LMPOP 1 l LEFT FOO', 'syntax error'],
])('%s is refused', (line, message) => {
  ask('RPUSH l a')
  expect(ask(line)).toBe(`(error) ERR ${message}`)
  expect(all('l')).toBe('a')
})

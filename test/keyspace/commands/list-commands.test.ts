/** Both ends of lists, single elements, ranges: answers, events and refusals as in Redis. */
import { beforeEach, expect, test } from 'vitest'
import { NULL_ARRAY } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const all = (key = 'l'): Plain => t.ask('LRANGE', key, 0, -1)

test('pushes answer the length, and report once', () => {
  expect(ask('RPUSH l b c')).toBe(2)
  expect(t.events()).toEqual(['rpush l'])
  expect(ask('LPUSH l a z')).toBe(4)
  expect(t.events()).toEqual(['lpush l'])
  expect(t.effects()).toEqual([['LPUSH', 'l', 'a', 'z']])
  expect(all()).toEqual(['z', 'a', 'b', 'c'])
})

test('LPUSHX and RPUSHX make no list', () => {
  expect([ask('LPUSHX l a'), ask('RPUSHX l a'), ask('EXISTS l')]).toEqual([0, 0, 0])
  ask('RPUSH l b')
  expect(ask('LPUSHX l a')).toBe(2)
  expect(ask('RPUSHX l c d')).toBe(4)
  expect(all()).toEqual(['a', 'b', 'c', 'd'])
})

test('pops take from their end, and the key goes with the last element', () => {
  ask('RPUSH l a b c')
  expect(ask('LPOP l')).toBe('a')
  expect(t.events()).toEqual(['lpop l'])
  expect(t.effects()).toEqual([['LPOP', 'l']])
  expect(ask('RPOP l')).toBe('c')
  expect(ask('RPOP l')).toBe('b')
  expect(t.events()).toEqual(['rpop l', 'del l'])
  expect(ask('LPOP l')).toBe(null)
  expect(t.effects()).toEqual([])
})

test('pops with a count answer a list, the outermost first', () => {
  ask('RPUSH l a b c d e')
  expect(ask('LPOP l 2')).toEqual(['a', 'b'])
  expect(ask('RPOP l 2')).toEqual(['e', 'd'])
  expect(ask('RPOP l 0')).toEqual([])
  expect(t.events()).toEqual([])
  expect(ask('LPOP l 10')).toEqual(['c'])
  expect(t.events()).toEqual(['lpop l', 'del l'])
  expect(t.run('LPOP', 'l', 1)).toBe(NULL_ARRAY)
  ask('RPUSH l a b')
  expect(ask('RPOP l 9')).toEqual(['b', 'a'])
  expect(ask('EXISTS l')).toBe(0)
})

test('indexes count from either end', () => {
  ask('RPUSH l a b c')
  expect(['0', '2', '-1', '-3', '3', '-4'].map((index) => ask(`LINDEX l ${index}`))).toEqual([
    'a',
    'c',
    'c',
    'a',
    null,
    null,
  ])
  expect(ask('LSET l -1 z')).toBe('OK')
  expect(t.events()).toEqual(['lset l'])
  expect(all()).toEqual(['a', 'b', 'z'])
  expect(ask('LLEN l')).toBe(3)
  expect(ask('LLEN no')).toBe(0)
  // As Redis: where there is no list, the index is not read.
  expect(ask('LINDEX no abc')).toBe(null)
})

test.each([
  [0, -1, 'abcde'],
  [1, 2, 'bc'],
  [-2, -1, 'de'],
  [-100, 100, 'abcde'],
  [3, 1, ''],
  [5, 9, ''],
  [-9, -6, ''],
])('LRANGE and LTRIM from %i to %i', (start, stop, expected) => {
  ask('RPUSH l a b c d e')
  expect((t.ask('LRANGE', 'l', start, stop) as string[]).join('')).toBe(expected)
  expect(t.ask('LTRIM', 'l', start, stop)).toBe('OK')
  expect(t.events()).toEqual(expected === '' ? ['ltrim l', 'del l'] : ['ltrim l'])
  expect((all() as string[]).join('')).toBe(expected)
})

test.each([
  ['LPOP l 1 2', "wrong number of arguments for 'lpop' command"],
  ['rpop l 1 2', "wrong number of arguments for 'rpop' command"],
  ['LPOP l -1', 'value is out of range, must be positive'],
  ['LPOP l x', 'value is out of range, must be positive'],
  ['LPOP l 9223372036854775808', 'value is out of range, must be positive'],
  ['LINDEX l x', 'value is not an integer or out of range'],
  ['LSET l x v', 'value is not an integer or out of range'],
  ['LSET l 3 v', 'index out of range'],
  ['LSET l -4 v', 'index out of range'],
  ['LSET no 0 v', 'no such key'],
  ['LSET no x v', 'no such key'],
  ['LRANGE no x 1', 'value is not an integer or out of range'],
  ['LTRIM no 0 x', 'value is not an integer or out of range'],
])('%s is refused', (line, message) => {
  ask('RPUSH l a b c')
  expect(ask(line)).toBe(`(error) ERR ${message}`)
  expect(t.events()).toEqual([])
})

test.each([
  'LPUSH k a',
  'RPUSHX k a',
  'LPOP k',
  'LPOP k 0',
  'LLEN k',
  'LINDEX k 0',
  'LSET k 0 a',
  'LRANGE k 0 1',
  'LTRIM k 0 1',
  'LINSERT k BEFORE a b',
  'LREM k 0 a',
  'LPOS k a',
  'LMOVE k d LEFT LEFT',
  'RPOPLPUSH k d',
  'LMPOP 2 missing k LEFT',
  'BLPOP missing k 1',
  'BLMOVE k d LEFT LEFT 1',
  'BRPOPLPUSH k d 1',
  'BLMPOP 1 2 missing k LEFT',
])('%s is refused for a string', (line) => {
  ask('SET k v')
  expect(t.wait(...line.split(' ')).reply).toMatchObject({ code: 'WRONGTYPE' })
  expect(ask('KEYS *')).toEqual(['k'])
})

test('large pops take whole chunks, and leave what they should', () => {
  const values = Array.from({ length: 5000 }, (_, i) => `v${i}`)
  t.run('RPUSH', 'l', ...values)
  expect(ask('LPOP l 1700')).toEqual(values.slice(0, 1700))
  expect(ask('RPOP l 1300')).toEqual(values.slice(3700).reverse())
  expect(all()).toEqual(values.slice(1700, 3700))
})

/** Elements by value: LINSERT, LREM, LPOS, with Redis' examples and against a plain array. */
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const all = (): Plain => ask('LRANGE l 0 -1')

test('LINSERT puts an element beside the first pivot', () => {
  ask('RPUSH l a b a')
  expect(ask('LINSERT l before a x')).toBe(4)
  expect(t.events()).toEqual(['linsert l'])
  expect(ask('LINSERT l AFTER a y')).toBe(5)
  expect(all()).toEqual(['x', 'a', 'y', 'b', 'a'])
  expect(ask('LINSERT l AFTER missing y')).toBe(-1)
  expect(ask('LINSERT no AFTER a y')).toBe(0)
  expect(t.events()).toEqual([])
})

test('LREM removes from the left, from the right, or all', () => {
  ask('RPUSH l a b a c a a')
  expect(ask('LREM l 1 a')).toBe(1)
  expect(t.events()).toEqual(['lrem l'])
  expect(ask('LREM l -2 a')).toBe(2)
  expect(all()).toEqual(['b', 'a', 'c'])
  expect(ask('LREM l 0 x')).toBe(0)
  expect(t.events()).toEqual([])
  ask('RPUSH other a a')
  expect(ask('LREM other 0 a')).toBe(2)
  expect(t.events()).toEqual(['lrem other', 'del other'])
})

test('LPOS, as in its documentation', () => {
  ask('RPUSH l a b c 1 2 3 c c')
  expect(ask('LPOS l c')).toBe(2)
  expect(ask('LPOS l c RANK 2')).toBe(6)
  expect(ask('LPOS l c RANK -1')).toBe(7)
  expect(ask('LPOS l c COUNT 2')).toEqual([2, 6])
  expect(ask('LPOS l c RANK -1 COUNT 2')).toEqual([7, 6])
  expect(ask('LPOS l c COUNT 0')).toEqual([2, 6, 7])
  expect(ask('LPOS l c COUNT 0 MAXLEN 7')).toEqual([2, 6])
  expect(ask('LPOS l x')).toBe(null)
  expect(ask('LPOS l x COUNT 1')).toEqual([])
  expect([ask('LPOS no x'), ask('LPOS no x COUNT 0')]).toEqual([null, []])
})

test.each([
  [
    'LPOS l a RANK 0',
    "RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
      'or use negative to start from the end of the list',
  ],
  [
    'LPOS l a RANK -9223372036854775808',
    'value is out of range, value must between -9223372036854775807 and 9223372036854775807',
  ],
  ['LPOS l a RANK x', 'value is not an integer or out of range'],
  ['LPOS l a COUNT -1', "COUNT can't be negative"],
  ['LPOS l a COUNT x', "COUNT can't be negative"],
  ['LPOS l a MAXLEN -1', "MAXLEN can't be negative"],
  ['LPOS l a RANK', 'syntax error'],
  ['LPOS l a FOO 1', 'syntax error'],
  ['LINSERT l beside a b', 'syntax error'],
  ['LREM no x a', 'value is not an integer or out of range'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('positions are those of a plain array', () => {
  const small = fc.integer({ min: -4, max: 4 })
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }),
      small.filter((rank) => rank !== 0),
      fc.nat(4),
      fc.nat(35),
      (list, rank, count, maxlen) => {
        t = makeEngine()
        t.run('RPUSH', 'l', ...list)
        const indexes = list.map((_, i) => (rank > 0 ? i : list.length - 1 - i))
        const found = indexes
          .slice(0, maxlen === 0 ? undefined : maxlen)
          .filter((i) => list[i] === 'a')
          .slice(Math.abs(rank) - 1)
        const expected = found.slice(0, count === 0 ? undefined : count)
        expect(t.ask('LPOS', 'l', 'a', 'RANK', rank, 'COUNT', count, 'MAXLEN', maxlen)).toEqual(expected)
        expect(t.ask('LPOS', 'l', 'a', 'RANK', rank, 'MAXLEN', maxlen)).toEqual(found[0] ?? null)
      },
    ),
  )
})

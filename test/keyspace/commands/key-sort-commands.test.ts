/** SORT: orders, patterns, limits, and what it stores. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

const SYNTAX = '(error) ERR syntax error'
const NOT_NUMBERS = "(error) ERR One or more scores can't be converted into double"

/** An engine with some elements as a list `l`, a set `s` and a sorted set `z` in the order given. */
function makeWith(...elements: string[]): TestEngine {
  const made = makeEngine()
  made.engine.atomically(() => {
    const db = made.engine.database(0)
    for (const [rank, element] of elements.entries()) {
      db.listOrNew('l').pushRight(element)
      db.setOrNew('s').add(element, db.nowMs)
      db.sortedSetOrNew('z').set(element, rank)
    }
    for (const key of ['l', 's', 'z']) db.changed(key, 'made')
  })
  made.commits.length = 0
  return made
}

describe('SORT', () => {
  test.each(['l', 's', 'z'])('orders the numbers of %s', (key) => {
    const { ask, commits } = makeWith('10', '2', '-1', '1.5', '1e1', '0x0f')
    const sorted = ['-1', '1.5', '2', '10', '1e1', '0x0f']
    expect(ask('SORT', key)).toEqual(sorted)
    expect(ask('SORT_RO', key, 'asc')).toEqual(sorted)
    expect(ask('SORT', key, 'DESC')).toEqual(sorted.toReversed())
    expect(ask('SORT', key, 'DESC', 'ASC')).toEqual(sorted)
    expect(commits).toEqual([])
  })

  test('orders bytes with ALPHA', () => {
    const { ask } = makeWith('b', 'a', '\xff', '10', '9', '')
    expect(ask('SORT', 'l', 'ALPHA')).toEqual(['', '10', '9', 'a', 'b', '\xff'])
    expect(ask('SORT', 'l', 'ALPHA', 'DESC', 'LIMIT', 1, 2)).toEqual(['b', 'a'])
  })

  test('refuses what is no number, or no collection to sort', () => {
    const { ask, engine } = makeWith('1', 'x')
    expect(ask('SORT', 'l')).toBe(NOT_NUMBERS)
    for (const odd of ['nan', '1e999', '1e-999', '1x'])
      expect(makeWith(odd).ask('SORT', 'l')).toBe(NOT_NUMBERS)
    expect(makeWith('inf', '-inf', '').ask('SORT', 'l')).toEqual(['-inf', '', 'inf'])
    ask('SET', 'k', '1')
    engine.atomically(() => engine.database(0).hashOrNew('h').set('f', 'v', 0))
    for (const key of ['k', 'h']) expect(ask('SORT', key)).toMatch(/^\(error\) WRONGTYPE/)
    expect(ask('SORT', 'missing')).toEqual([])
  })

  test.each([
    [0, 2, ['1', '2']],
    [1, 2, ['2', '3']],
    [-5, 2, ['1', '2']],
    [1, -1, ['2', '3', '4']],
    [1, 0, []],
    [3, 10, ['4']],
    [4, 1, []],
    [100, -1, []],
  ])('LIMIT %i %i', (offset, count, part) => {
    const { ask } = makeWith('3', '1', '4', '2')
    expect(ask('SORT', 'l', 'LIMIT', offset, count)).toEqual(part)
  })

  test('takes weights from other keys; one that is missing is 0, or before all', () => {
    const { ask } = makeWith('a', 'b', 'c')
    ask('MSET', 'w_a', '3', 'w_b', '-1')
    expect(ask('SORT', 'l', 'BY', 'w_*')).toEqual(['b', 'c', 'a'])
    expect(ask('SORT', 'l', 'BY', 'w_*', 'DESC')).toEqual(['a', 'c', 'b'])
    expect(ask('SORT', 'l', 'BY', 'w_*', 'ALPHA')).toEqual(['c', 'b', 'a'])
    ask('SET', 'w_c', 'x')
    expect(ask('SORT', 'l', 'BY', 'w_*')).toBe(NOT_NUMBERS)
  })

  test('takes weights and values from fields of hashes', () => {
    const { ask, engine } = makeWith('1', '2')
    engine.atomically(() => {
      const db = engine.database(0)
      db.hashOrNew('u_1').set('age', '30', 0)
      db.hashOrNew('u_2').set('age', '20', 0)
      db.hash('u_2')!.set('name', 'Bo', 0)
    })
    expect(ask('SORT', 'l', 'BY', 'u_*->age')).toEqual(['2', '1'])
    expect(ask('SORT', 'l', 'BY', 'u_*->age', 'GET', '#', 'GET', 'u_*->name')).toEqual(['2', 'Bo', '1', null])
    expect(ask('SORT', 'l', 'GET', 'u_*', 'GET', 'u_*->', 'GET', 'fixed')).toEqual(Array(6).fill(null))
    ask('SET', 'u_1->', 'odd')
    expect(ask('SORT', 'l', 'GET', 'u_*->')).toEqual(['odd', null])
  })

  test('leaves the order alone when BY names no key', () => {
    const { ask } = makeWith('3', 'x', '2')
    expect(ask('SORT', 'l', 'BY', 'nosort')).toEqual(['3', 'x', '2'])
    expect(ask('SORT', 'l', 'BY', 'nosort', 'DESC')).toEqual(['2', 'x', '3'])
    expect(ask('SORT', 'z', 'BY', 'nosort')).toEqual(['3', 'x', '2'])
    expect(ask('SORT', 'z', 'BY', 'nosort', 'DESC', 'LIMIT', 0, 1)).toEqual(['2'])
  })

  test('stores a list in the place of anything, and logs what it has stored', () => {
    const { ask, effects, events, engine } = makeWith('3', '1', '2')
    ask('SET', 'target', 'v', 'EX', 10)
    expect(ask('SORT', 'l', 'STORE', 'target')).toBe(3)
    expect(events().at(-1)).toBe('sortstore target')
    expect(effects()).toEqual([
      ['DEL', 'target'],
      ['RPUSH', 'target', '1', '2', '3'],
    ])
    expect(ask('TTL', 'target')).toBe(-1)
    engine.atomically(() => expect(engine.database(0).list('target')!.range(0, -1)).toEqual(['1', '2', '3']))
    expect(ask('SORT', 'l', 'STORE', 'l')).toBe(3)
    expect(ask('SORT', 'l', 'GET', 'missing_*', 'STORE', 'target')).toBe(3)
    engine.atomically(() => expect(engine.database(0).list('target')!.range(0, -1)).toEqual(['', '', '']))
  })

  test('that stores nothing removes', () => {
    const { ask, effects, commits } = makeWith('1')
    ask('SET', 'target', 'v')
    expect(ask('SORT', 'missing', 'STORE', 'target')).toBe(0)
    expect(effects()).toEqual([['DEL', 'target']])
    const count = commits.length
    expect(ask('SORT', 'missing', 'STORE', 'target')).toBe(0)
    expect(commits.length).toBe(count)
  })

  test('of a set that is stored is in order even with nosort', () => {
    const { ask, effects } = makeWith('b', 'c', 'a')
    ask('SORT', 's', 'BY', 'nosort', 'STORE', 'target')
    expect(effects().at(-1)).toEqual(['RPUSH', 'target', 'a', 'b', 'c'])
  })

  test('refuses options that are none', () => {
    const { ask } = makeWith('1')
    for (const options of [['X'], ['LIMIT'], ['LIMIT', '1'], ['BY'], ['GET'], ['STORE']]) {
      expect(ask('SORT', 'l', ...options)).toBe(SYNTAX)
    }
    expect(ask('SORT', 'l', 'LIMIT', 'x', 1)).toBe('(error) ERR value is not an integer or out of range')
    expect(ask('SORT_RO', 'l', 'STORE', 'target')).toBe(SYNTAX)
  })

  test('reads a number up to a byte 0, as C does', () => {
    expect(makeWith('2', '\0x', '1\0x').ask('SORT', 'l')).toEqual(['\0x', '1\0x', '2'])
  })

  test('orders any numbers, equal ones by their bytes', () => {
    const number = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    )
    const element = number.chain((value) =>
      fc.constantFrom(String(value), `${value}`.replace(/^(\d+)$/, '0$1')),
    )
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 30 }), (elements) => {
        const order = (a: string, b: string) => Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0)
        expect(makeWith(...elements).ask('SORT', 'l')).toEqual(elements.toSorted(order))
      }),
    )
  })
})

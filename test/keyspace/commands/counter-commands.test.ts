/** Counters: 64-bit integers, and floats. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

const NOT_INTEGER = '(error) ERR value is not an integer or out of range'
const OVERFLOW = '(error) ERR increment or decrement would overflow'
const MAX = '9223372036854775807'
const MIN = '-9223372036854775808'

describe('an integer counter', () => {
  test('begins at 0, counts both ways, and keeps its expiry', () => {
    const { ask, events, effects } = makeEngine()
    expect(ask('INCR', 'k')).toBe(1)
    expect(events()).toEqual(['incrby k'])
    ask('EXPIRE', 'k', 10)
    expect(ask('INCRBY', 'k', 5)).toBe(6)
    expect(effects()).toEqual([['INCRBY', 'k', '5']])
    expect(ask('DECR', 'k')).toBe(5)
    expect(ask('DECRBY', 'k', 7)).toBe(-2)
    expect(ask('GET', 'k')).toBe('-2')
    expect(ask('TTL', 'k')).toBe(10)
  })

  test('is exact up to both ends of 64 bits', () => {
    const { ask } = makeEngine()
    ask('SET', 'k', MAX)
    expect(ask('INCR', 'k')).toBe(OVERFLOW)
    expect(ask('DECR', 'k')).toBe(2n ** 63n - 2n)
    expect(ask('INCRBY', 'k', 1)).toBe(2n ** 63n - 1n)
    expect(ask('INCRBY', 'k', MIN)).toBe(-1)
    expect(ask('DECRBY', 'k', MAX)).toBe(-(2n ** 63n))
    expect(ask('DECR', 'k')).toBe(OVERFLOW)
    expect(ask('DECRBY', 'k', MIN)).toBe('(error) ERR decrement would overflow')
    expect(ask('GET', 'k')).toBe(MIN)
  })

  test('adds as integers do, whatever their size', () => {
    const { ask } = makeEngine()
    const integer = fc.oneof(
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.bigInt(2n ** 53n - 3n, 2n ** 53n + 3n),
      fc.bigInt(-9n, 9n),
    )
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        ask('SET', 'k', String(a))
        const sum = a + b
        const fits = BigInt.asIntN(64, sum) === sum
        const reply = ask('INCRBY', 'k', String(b))
        if (fits) expect(BigInt(reply as bigint)).toBe(sum)
        else expect(reply).toBe(OVERFLOW)
        expect(ask('GET', 'k')).toBe(String(fits ? sum : a))
      }),
    )
  })

  test.each(['', 'x', '1.5', ' 1', '1 ', '01', '+1', '-0', '9223372036854775808', '1'.repeat(30)])(
    'refuses %j as value and as step',
    (text) => {
      const { ask } = makeEngine()
      ask('SET', 'k', text)
      expect(ask('INCR', 'k')).toBe(NOT_INTEGER)
      expect(ask('INCRBY', 'n', text)).toBe(NOT_INTEGER)
      expect(ask('DECRBY', 'n', text)).toBe(NOT_INTEGER)
      expect(ask('GET', 'k')).toBe(text)
    },
  )
})

describe('INCRBYFLOAT', () => {
  test('prints decimal fractions as they were meant, and logs the sum', () => {
    const { ask, effects, events } = makeEngine()
    expect(ask('INCRBYFLOAT', 'k', '0.1')).toBe('0.1')
    expect(ask('INCRBYFLOAT', 'k', '0.2')).toBe('0.3')
    expect(effects()).toEqual([['SET', 'k', '0.3', 'KEEPTTL']])
    expect(events()).toEqual(['incrbyfloat k'])
    ask('SET', 'k', '5.0e3')
    expect(ask('INCRBYFLOAT', 'k', '2.0e2')).toBe('5200')
  })

  test('keeps the expiry', () => {
    const { ask } = makeEngine()
    ask('SET', 'k', '1', 'EX', 10)
    ask('INCRBYFLOAT', 'k', '1')
    expect(ask('TTL', 'k')).toBe(10)
  })

  test('refuses what is no float, and sums that are none', () => {
    const { ask } = makeEngine()
    const notFloat = '(error) ERR value is not a valid float'
    const notFinite = '(error) ERR increment would produce NaN or Infinity'
    for (const text of ['', 'x', ' 1', '1 ', 'nan', '1e', '1e5000']) {
      expect(ask('INCRBYFLOAT', 'k', text)).toBe(notFloat)
    }
    expect(ask('INCRBYFLOAT', 'k', 'inf')).toBe(notFinite)
    ask('SET', 'k', '1.18973149535723176502e4932')
    expect(ask('INCRBYFLOAT', 'k', '1.18973149535723176502e4932')).toBe(notFinite)
    ask('SET', 'k', 'x')
    expect(ask('INCRBYFLOAT', 'k', '1')).toBe(notFloat)
  })
})

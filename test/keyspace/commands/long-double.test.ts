/** Long doubles, against what a Redis server on x86 answers to INCRBYFLOAT. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addLongDoubles,
  formatLongDouble,
  parseLongDouble,
} from '../../../src/keyspace/commands/long-double.ts'

function sum(a: string, b: string): string | undefined {
  const [left, right] = [parseLongDouble(a), parseLongDouble(b)]
  if (typeof left !== 'object' || typeof right !== 'object') return String(left)
  const added = addLongDoubles(left, right)
  return added && formatLongDouble(added)
}

/** Answered by a server of version 7.0. */
const BY_REDIS: readonly (readonly [string, string, string])[] = [
  ['0.1', '0.2', '0.3'],
  ['3.0e3', '1e-17', '3000'],
  ['1e20', '-1', '100000000000000000000'],
  ['0x1.8p3', '0', '12'],
  ['1e-17', '0', '0.00000000000000001'],
  ['5e-18', '0', '0'],
  ['1.5e-17', '0', '0.00000000000000002'],
  ['-0.0', '0', '0'],
  ['-1e-20', '0', '0'],
  ['123456789012345678901234567890', '0', '123456789012345678899921813504'],
  ['3.3333333333333333', '0', '3.3333333333333333'],
  ['0.30000000000000004', '0', '0.30000000000000004'],
  ['3.14159265358979', '1', '4.14159265358979'],
  ['1e17', '0.5', '100000000000000000.5'],
  ['9007199254740993', '0.25', '9007199254740993.25'],
  ['18446744073709551616', '1', '18446744073709551616'],
  ['1e-4950', '0', '0'],
  ['.5', '5.', '5.5'],
  ['99.99', '-0.01', '99.98'],
  ['10.5', '0.1', '10.6'],
  ['-5', '2.3', '-2.7'],
]

describe('a long double', () => {
  test.each(BY_REDIS)('%s + %s is %s', (a, b, result) => {
    expect(sum(a, b)).toBe(result)
  })

  test('has the range of 80 bits', () => {
    expect(sum('1.18973149535723176502e4932', '0')?.length).toBe(4933)
    expect(parseLongDouble('1.18973149535723176509e4932')).toBeUndefined()
    expect(parseLongDouble('1e5000')).toBeUndefined()
    expect(parseLongDouble('0x1p16384')).toBeUndefined()
    expect(parseLongDouble('0x1p-16445')).toEqual({ mantissa: 1n, exponent: -16_445 })
    expect(parseLongDouble('0x1p-16446')).toBeUndefined()
    expect(parseLongDouble('1e-5000')).toBeUndefined()
    expect(parseLongDouble('0e99999999999')).toEqual({ mantissa: 0n, exponent: 0 })
  })

  test('of a sum that is too large is none', () => {
    expect(sum('1.1e4932', '1.1e4932')).toBeUndefined()
    expect(sum('-1.1e4932', '-1.1e4932')).toBeUndefined()
  })

  test('may be spelled as infinite', () => {
    for (const text of ['inf', '-INF', '+infinity']) expect(parseLongDouble(text)).toBe('infinite')
  })

  test.each([
    '',
    ' ',
    '.',
    'e5',
    '1e',
    '1e+',
    '--1',
    '0x',
    '0x.',
    '0x1p',
    '1 ',
    ' 1',
    'nan',
    '1_0',
    '1,5',
    '1f',
  ])('is not %j', (text) => {
    expect(parseLongDouble(text)).toBeUndefined()
  })

  test('reads no text of more than 5,119 bytes', () => {
    expect(parseLongDouble(`0.${'0'.repeat(5116)}1`)).toBeUndefined()
    expect(parseLongDouble('1'.repeat(4000))).toBeDefined()
    expect(parseLongDouble(`1${'0'.repeat(100)}.${'0'.repeat(5017)}`)).toBeDefined()
    expect(parseLongDouble(`1${'0'.repeat(100)}.${'0'.repeat(5018)}`)).toBeUndefined()
  })

  test('is exact where integers of 64 bits are', () => {
    const integer = fc.bigInt(-(2n ** 62n), 2n ** 62n)
    fc.assert(
      fc.property(integer, integer, (a, b) => {
        expect(sum(String(a), String(b))).toBe(String(a + b))
      }),
    )
  })

  test('is never further off than a double', () => {
    const double = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 })
    fc.assert(
      fc.property(double, (value) => {
        expect(Number(sum(String(value), '0'))).toBeCloseTo(value, 16)
      }),
    )
  })
})

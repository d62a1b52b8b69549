/** Numbers and options in arguments, as Redis reads them. */
import { describe, expect, test } from 'vitest'
import {
  fitsInt64,
  float,
  int64,
  integer,
  integerFrom,
  integerWithin,
  keyCount,
  OptionReader,
} from '../../../src/keyspace/commands/arguments.ts'
import { ErrorReply, err } from '../../../src/keyspace/engine/index.ts'

const REFUSAL = err('no')

function refused(run: () => unknown): string {
  try {
    return `taken: ${String(run())}`
  } catch (error) {
    return error instanceof ErrorReply ? error.message : `thrown: ${error}`
  }
}

describe('an integer', () => {
  test.each([
    ['0', 0],
    ['7', 7],
    ['-7', -7],
    ['9007199254740993', 2 ** 53],
    ['9223372036854775807', 2 ** 63],
    ['-9223372036854775808', -(2 ** 63)],
  ])('%s is read', (text, value) => {
    expect(integer(text)).toBe(value)
  })

  test.each([
    '',
    '-',
    '+1',
    '01',
    '-0',
    '00',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x1',
    'x',
    '9223372036854775808',
    '1\0',
  ])('%j is refused', (text) => {
    expect(refused(() => integer(text))).toBe('value is not an integer or out of range')
    expect(refused(() => integer(text, REFUSAL))).toBe('no')
    expect(refused(() => int64(text, REFUSAL))).toBe('no')
  })

  test('is exact as a bigint', () => {
    expect(int64('9223372036854775807')).toBe(2n ** 63n - 1n)
    expect(int64('-9223372036854775808')).toBe(-(2n ** 63n))
    expect(fitsInt64(2n ** 63n)).toBe(false)
    expect(fitsInt64(-(2n ** 63n))).toBe(true)
  })

  test('may have bounds', () => {
    expect(integerFrom('1', 1, REFUSAL)).toBe(1)
    expect(refused(() => integerFrom('0', 1, REFUSAL))).toBe('no')
    expect(integerWithin('5', 0, 5)).toBe(5)
    expect(refused(() => integerWithin('6', 0, 5))).toBe('value is out of range, value must between 0 and 5')
  })
})

describe('a float', () => {
  test.each([
    ['1.5', 1.5],
    ['.5', 0.5],
    ['5.', 5],
    ['-1e3', -1000],
    ['+2', 2],
    ['inf', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
  ])('%s is read', (text, value) => {
    expect(float(text)).toBe(value)
  })

  test.each(['', '.', 'e5', '1e', 'nan', ' 1', '1 ', 'x', '--1'])('%j is refused', (text) => {
    expect(refused(() => float(text))).toBe('value is not a valid float')
    expect(refused(() => float(text, REFUSAL))).toBe('no')
  })
})

describe('a number of keys', () => {
  test('is above zero, and no more than there are', () => {
    expect(keyCount(['zunion', '2', 'a', 'b'], 1, REFUSAL)).toBe(2)
    expect(refused(() => keyCount(['zunion', '0', 'a'], 1, REFUSAL))).toBe('no')
    expect(refused(() => keyCount(['zunion', '-1', 'a'], 1, REFUSAL))).toBe('no')
    expect(refused(() => keyCount(['zunion', '2', 'a'], 1, REFUSAL))).toBe('syntax error')
    expect(refused(() => keyCount(['zunion', 'x', 'a'], 1, REFUSAL))).toBe(
      'value is not an integer or out of range',
    )
    expect(refused(() => keyCount(['zunion'], 1, REFUSAL))).toBe('value is not an integer or out of range')
  })
})

describe('options', () => {
  test('are read one by one, names in any case', () => {
    const reader = new OptionReader(['set', 'k', 'ex', '10', 'Nx'], 2)
    expect(reader.left).toBe(3)
    expect(reader.takes('NX')).toBe(false)
    expect(reader.takes('EX')).toBe(true)
    expect(reader.integer()).toBe(10)
    expect(reader.index).toBe(4)
    expect(reader.name()).toBe('NX')
    expect(reader.isAtEnd).toBe(true)
    expect(reader.takes('NX')).toBe(false)
  })

  test('that want a value and have none are no syntax', () => {
    const reader = new OptionReader(['set', 'k'], 2)
    expect(refused(() => reader.value())).toBe('syntax error')
    expect(refused(() => new OptionReader(['x'], 0).integer(REFUSAL))).toBe('no')
  })
})

/** Options: what is wrong is named with what was given, what is allowed, and what was probably meant. */
import { describe, expect, test } from 'vitest'
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../../src/base/options.ts'

describe('options', () => {
  test('an unknown key names the nearest one', () => {
    expect(() => checkKnownOptions('spawn', { placment: 1 }, ['name', 'placement'])).toThrow(
      /unknown option: placment in spawn; did you mean placement\?/,
    )
    expect(() => checkKnownOptions('spawn', { name: 1 }, ['name'])).not.toThrow()
  })

  test('a number outside of its range, or none, is refused', () => {
    const range = { min: 1, max: 5, integer: true }
    expect(numberOption('n', undefined, 3, range)).toBe(3)
    expect(numberOption('n', 5, 3, range)).toBe(5)
    for (const bad of [0, 6, 1.5, Number.NaN, '3', null]) {
      expect(() => numberOption('n', bad, 3, range)).toThrow(/invalid option: n=.* allowed=integer 1\.\.5/)
    }
  })

  test('a choice names the choices', () => {
    expect(choiceOption('c', undefined, 'a', ['a', 'b'])).toBe('a')
    expect(() => choiceOption('c', 'z', 'a', ['a', 'b'])).toThrow(/c="z" allowed=a \| b/)
  })
})

test.each<[string, unknown, string]>([
  ['text', 'a"b', '"a\\"b"'],
  ['a function', () => 1, 'a function'],
  ['an object', new Map(), 'Map'],
  ['an object without a class', Object.create(null), 'an object'],
  ['nothing', null, 'null'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a bigint', 5n, '5'],
  ['minus zero', -0, '0'],
])('%s is shown as it was given', (_, value, shown) => {
  expect(() => invalidOption('o', value, 'something else')).toThrowError(
    expect.objectContaining({
      code: 'SHL_OPTION_INVALID',
      details: { option: 'o', value: shown, allowed: 'something else' },
    }),
  )
})

test('the nearest name is looked for without regard to case, and there may be none', () => {
  expect(() => checkKnownOptions('x', { TIMEOUTMS: 1 }, ['threads', 'timeoutMs'])).toThrow('mean timeoutMs?')
  expect(() => checkKnownOptions('x', { a: 1 }, [])).toThrow('mean -?')
})

test('bounds are allowed themselves, and so is a fraction where nothing is said', () => {
  expect(numberOption('n', 0.5, 0, { min: 0.5, max: 1 })).toBe(0.5)
  expect(numberOption('n', 1, 0, { min: 0.5, max: 1 })).toBe(1)
  expect(() => numberOption('n', Number.POSITIVE_INFINITY, 0, { min: 0, max: 9 })).toThrow(
    'n=Infinity allowed=0..9',
  )
})

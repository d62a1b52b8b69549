/** Options: what is wrong is named with what was given, what is allowed, and what was probably meant. */
import { describe, expect, test } from 'vitest'
import { checkKnownOptions, choiceOption, numberOption } from '../../src/base/options.ts'

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

/** Who shares the fate of a failed child. */
import { expect, test } from 'vitest'
import { affectedBy, strategyOption } from '../../../src/supervise/policy/strategy.ts'

const ORDER = ['a', 'b', 'c']

test.each([
  ['one_for_one', 'b', ['b']],
  ['one_for_all', 'b', ['a', 'b', 'c']],
  ['rest_for_one', 'b', ['b', 'c']],
  ['rest_for_one', 'a', ['a', 'b', 'c']],
  ['rest_for_one', 'c', ['c']],
  ['one_for_all', 'nobody', []],
  ['rest_for_one', 'nobody', []],
  ['one_for_one', 'nobody', []],
] as const)('%s, when %s fails: %j', (strategy, failed, affected) => {
  expect(affectedBy(strategy, ORDER, failed)).toEqual(affected)
})

test('an unknown strategy is refused', () => {
  expect(strategyOption(undefined)).toBe('one_for_one')
  expect(() => strategyOption('all_for_one')).toThrow(/one_for_one \| one_for_all \| rest_for_one/)
})

/** The rules, as a table. */
import { expect, test } from 'vitest'
import { LOCK_RULES, type LockMode } from '../../../../src/keyspace/engine/locks/lock-rules.ts'

test.each<[LockMode, number, number, LockMode, boolean]>([
  ['exclusive', 0, 0, 'exclusive', true],
  ['exclusive', 0, 0, 'shared', true],
  ['exclusive', 0, 1, 'exclusive', false],
  ['exclusive', 0, 1, 'shared', false],
  ['shared', 0, 1, 'shared', true],
  ['shared', 0, 1000, 'shared', true],
  ['shared', 0, 1, 'exclusive', false],
  ['semaphore', 3, 2, 'semaphore', true],
  ['semaphore', 3, 3, 'semaphore', false],
])('held %s (limit %i) by %i, %s may enter: %s', (mode, limit, holderCount, wanted, expected) => {
  expect(LOCK_RULES.isCompatible({ mode, limit, holderCount }, wanted)).toBe(expected)
})

test('a lease is over at its last instant', () => {
  expect([9, 10, 11].map((nowMs) => LOCK_RULES.isOver(10, nowMs))).toEqual([false, true, true])
})

test('who comes passes nobody', () => {
  expect([0, 1, 2].map((waiters) => LOCK_RULES.mayPass(waiters))).toEqual([true, false, false])
})

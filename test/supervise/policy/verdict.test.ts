/** What becomes of a child that has ended, and of its supervisor. */
import { expect, test } from 'vitest'
import { shutsDown, verdictOn } from '../../../src/supervise/policy/verdict.ts'

test.each([
  ['permanent', false, undefined, 'restart'],
  ['permanent', true, undefined, 'restart'],
  ['transient', false, undefined, 'remove'],
  ['transient', true, undefined, 'restart'],
  ['temporary', false, undefined, 'remove'],
  ['temporary', true, undefined, 'remove'],
  ['permanent', true, 'stop', 'remove'],
  ['temporary', true, 'restart', 'restart'],
  ['transient', true, 'escalate', 'escalate'],
] as const)('%s, abnormal: %s, directive: %s → %s', (type, isAbnormal, directive, verdict) => {
  expect(verdictOn(type, isAbnormal, directive)).toBe(verdict)
})

test.each([
  ['never', true, 0, false],
  ['any_significant', true, 2, true],
  ['any_significant', false, 0, false],
  ['all_significant', true, 1, false],
  ['all_significant', true, 0, true],
  ['all_significant', false, 0, false],
] as const)('%s, significant: %s, others up: %d → shuts down: %s', (mode, isSignificant, othersUp, does) => {
  expect(shutsDown(mode, isSignificant, othersUp)).toBe(does)
})

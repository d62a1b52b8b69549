/** The decisions of a simulation: drawn or given, recorded in any case. */
import { expect, test } from 'vitest'
import { Decisions, withoutTrailingZeros } from '../../src/testkit/decisions.ts'

function decide(decisions: Decisions): number[] {
  return Array.from({ length: 40 }, (_, i) =>
    i % 2 === 0 ? decisions.pick(3) : decisions.pickRarely(4, 0.5),
  )
}

test('what was made, given as a list, is made again', () => {
  const drawn = new Decisions(3, undefined)
  const made = decide(drawn)
  expect(new Set(made).size).toBeGreaterThan(3)
  expect(drawn.made).toEqual(made)
  expect(decide(new Decisions(99, drawn.made))).toEqual(made)
})

test('a list that has run out goes on with zeros, and a choice that is too large is folded', () => {
  const given = new Decisions(0, [7, 5])
  expect([given.pick(3), given.pickRarely(2, 1), given.pick(3), given.pickRarely(2, 1)]).toEqual([1, 2, 0, 0])
})

test('where there is nothing to decide, nothing is recorded', () => {
  const decisions = new Decisions(0, undefined)
  expect([decisions.pick(1), decisions.pickRarely(0, 1)]).toEqual([0, 0])
  expect(decisions.made).toEqual([])
})

test('zeros at the end mean nothing', () => {
  expect(withoutTrailingZeros([0, 2, 0, 0])).toEqual([0, 2])
  expect(withoutTrailingZeros([0, 0])).toEqual([])
})

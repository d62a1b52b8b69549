/** The newest decisions, and no more of them than are kept. */
import { expect, test } from 'vitest'
import { Decisions } from '../../../src/keyspace/durability/decisions.ts'

test('the newest decisions are kept, in their order, and the oldest are forgotten', () => {
  const decisions = new Decisions(3)
  for (const revision of [5, 9, 7, 11]) decisions.add(revision)
  expect([...decisions]).toEqual([9, 7, 11])
  expect(decisions.has(5)).toBe(false)
  expect(decisions.has(7)).toBe(true)
  decisions.add(9)
  expect([...decisions]).toHaveLength(3)
})

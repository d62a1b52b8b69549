/** All sequences of choices, each once. */
import { expect, test } from 'vitest'
import { Exhaustive } from './exhaustive.ts'

test('finds each permutation once', () => {
  const choices = new Exhaustive()
  const seen: string[] = []
  while (!choices.done()) seen.push(choices.shuffled(['a', 'b', 'c', 'd']).join(''))
  expect(seen).toHaveLength(24)
  expect(new Set(seen).size).toBe(24)
})

test('choices may depend on earlier ones', () => {
  const choices = new Exhaustive()
  const seen: string[] = []
  while (!choices.done()) {
    const length = choices.below(3)
    seen.push(Array.from({ length }, () => (choices.boolean() ? '1' : '0')).join(''))
  }
  expect(seen).toEqual(['', '0', '1', '00', '01', '10', '11'])
})

test('a run may stop early', () => {
  const choices = new Exhaustive()
  const seen: string[] = []
  while (!choices.done()) {
    const first = choices.below(3)
    seen.push(first === 1 ? '1' : `${first}${choices.pick(['x', 'y'])}`)
  }
  expect(seen).toEqual(['0x', '0y', '1', '2x', '2y'])
})

test('a test without choices runs once', () => {
  const choices = new Exhaustive()
  let runs = 0
  while (!choices.done()) runs++
  expect(runs).toBe(1)
})

test('a test that does not repeat itself is refused', () => {
  const choices = new Exhaustive()
  choices.done()
  choices.below(2)
  choices.below(2)
  choices.done()
  expect(() => choices.below(3)).toThrow('the same choices')
})

/** Seeded randomness: repeats itself for a seed, and differs between seeds. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'

test('the same seed gives the same draws, another seed others', () => {
  const draws = (seed: number): number[] => Array.from({ length: 20 }, seededRandom(seed).next)
  expect(draws(1)).toEqual(draws(1))
  expect(draws(1)).not.toEqual(draws(2))
})

test('draws lie in their range and reach all of it', () => {
  const random = seededRandom(7)
  const counts = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]!++
  for (const count of counts) expect(count).toBeGreaterThan(850)
})

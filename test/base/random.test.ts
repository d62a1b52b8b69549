/** Seeded randomness: repeats itself for a seed, and differs between seeds. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/random.ts'

/** The first of seed 1. */
const DRAWS = [393288148, 2174103013, 3814759091, 2092745082, 1865176206]

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

test('the draws of a seed stay the same for ever: schedules that found a bug are kept by their seed', () => {
  const random = seededRandom(1)
  expect(Array.from({ length: 5 }, () => random.below(2 ** 32))).toEqual(DRAWS)
})

test.each([1, 2, 3, 1000, 2 ** 32])('below %d is whole, and less', (count) => {
  const random = seededRandom(count)
  for (let i = 0; i < 1000; i++) {
    const draw = random.below(count)
    expect(Number.isInteger(draw) && draw >= 0 && draw < count).toBe(true)
  }
})

test('seeds that differ in one bit, and zero, give draws that have nothing in common', () => {
  const firsts = [0, ...Array.from({ length: 32 }, (_, bit) => 2 ** bit)].map((seed) =>
    seededRandom(seed).next(),
  )
  expect(new Set(firsts).size).toBe(33)
  const mean = firsts.reduce((sum, draw) => sum + draw, 0) / firsts.length
  expect(mean).toBeGreaterThan(0.3)
  expect(mean).toBeLessThan(0.7)
})

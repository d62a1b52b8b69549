/** Rates out of counters. */
import { expect, test } from 'vitest'
import { RateSampler } from '../../../src/server/report/rate-sampler.ts'

test('a rate is the mean over the last second and a half', () => {
  const sampler = new RateSampler()
  expect(sampler.rates).toEqual({ commands: 0, bytesIn: 0, bytesOut: 0 })
  let commands = 0
  let atMs = 1000
  const run = (ticks: number, perTick: number): void => {
    for (let i = 0; i < ticks; i++) {
      sampler.sample(atMs, { commands, bytesIn: commands * 2, bytesOut: 0 })
      commands += perTick
      atMs += 100
    }
  }
  run(5, 10)
  expect(sampler.rates.commands).toBeCloseTo(100)
  expect(sampler.rates.bytesIn).toBeCloseTo(200)
  run(30, 50)
  expect(sampler.rates.commands).toBeCloseTo(500)
  run(17, 0)
  expect(sampler.rates.commands).toBeCloseTo(0)
})

test('counters that were reset are no negative rate', () => {
  const sampler = new RateSampler()
  sampler.sample(0, { commands: 100, bytesIn: 0, bytesOut: 0 })
  sampler.sample(100, { commands: 5, bytesIn: 0, bytesOut: 0 })
  sampler.sample(100, { commands: 50, bytesIn: 0, bytesOut: 0 })
  expect(sampler.rates.commands).toBe(0)
  sampler.reset()
  expect(sampler.rates.commands).toBe(0)
})

/** The delay before a lost thread is replaced. */
import { expect, test } from 'vitest'
import { ReplacementBackoff } from '../../src/runtime/replacement-backoff.ts'

test('is nothing at first, doubles when many are lost, and is nothing again after a while', () => {
  const backoff = new ReplacementBackoff()
  const delays = Array.from({ length: 30 }, (_, i) => backoff.delayMs(i))
  expect(delays.slice(0, 20).every((delay) => delay === 0)).toBe(true)
  expect(delays.slice(20, 24)).toEqual([100, 200, 400, 800])
  expect(Math.max(...delays)).toBe(5000)
  expect(backoff.delayMs(60_000)).toBe(0)
})

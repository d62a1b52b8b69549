/** Waits with a deadline: what comes first, and that no timer stays. */
import { expect, test } from 'vitest'
import { orLate, within } from '../../src/base/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { rejection } from '../support/runtime.ts'

const NEVER = new Promise<never>(() => undefined)

test('gives what the promise gives, also its error, and takes the timer off', async () => {
  const clock = new ManualClock()
  expect(await within(clock, Promise.resolve(1), 10, new Error('late'))).toBe(1)
  expect(await orLate(clock, Promise.resolve(1), 10, 'late')).toBe(1)
  expect(
    (await rejection(within(clock, Promise.reject(new Error('own')), 10, new Error('late')))).message,
  ).toBe('own')
  expect((await rejection(orLate(clock, Promise.reject(new Error('own')), 10, 'late'))).message).toBe('own')
  expect(clock.timerCount).toBe(0)
})

test('gives up at the deadline, and not before', async () => {
  const clock = new ManualClock()
  const strict = rejection(within(clock, NEVER, 10, new Error('late')))
  const lenient = orLate(clock, NEVER, 10, 'late')
  clock.advance(9)
  expect(clock.timerCount).toBe(2)
  clock.advance(1)
  expect((await strict).message).toBe('late')
  expect(await lenient).toBe('late')
  expect(clock.timerCount).toBe(0)
})

import { expect, test } from 'vitest'
import { FailedLogins } from '../../../src/server/acl/failed-logins.ts'
import { ManualClock } from '../../support/manual-clock.ts'

test('a thread tells of ten failed logins a second, then how many more there were, names cut', () => {
  const clock = new ManualClock()
  const lines: object[] = []
  const logins = new FailedLogins(clock, (event, details) => lines.push({ event, ...details }))
  const failed = { event: 'authentication failed', user: 'eve', address: 'a:1' }
  for (let i = 0; i < 3; i++) logins.note('eve', 'a:1')
  clock.advance(999)
  for (let i = 0; i < 20; i++) logins.note('eve', 'a:1')
  expect(lines).toEqual(Array.from({ length: 10 }, () => failed))
  clock.advance(1)
  expect(lines.slice(10)).toEqual([{ event: 'more authentications failed', more: 13 }])
  // The next second has its own, and none is told of where nothing was left out.
  logins.note('x'.repeat(1_000_000), 'a:2')
  clock.advance(5000)
  expect(lines.slice(11)).toEqual([{ ...failed, user: 'x'.repeat(128), address: 'a:2' }])
  expect(clock.timerCount).toBe(0)
})

test('every failed login is told of or counted, where the thread is too busy for its timers', () => {
  const clock = new ManualClock()
  let nowMs = 0
  let told = 0
  const lines: number[] = []
  const logins = new FailedLogins(
    { nowMs: () => nowMs, wallMs: () => nowMs, after: (ms, task) => clock.after(ms, task) },
    (_event, details) => {
      const { more = 1 } = details as { more?: number }
      if ('more' in details) lines.push(more)
      told += more
    },
  )
  // Three seconds and a bit, in which only the end of one lets timers run.
  for (let i = 0; i < 62; i++, nowMs += 50) {
    logins.note('eve', 'a:1')
    if (i === 41) clock.advance(5000)
  }
  clock.advance(5000)
  expect(told).toBe(62)
  expect(lines.every((more) => more > 0)).toBe(true)
  expect(clock.timerCount).toBe(0)
})

/** Keyed timers in virtual time. */
import { expect, test } from 'vitest'
import { KeyedTimers, type TimerToken } from '../../src/actor/actor-timers.ts'
import { ManualClock } from '../support/manual-clock.ts'

function timers() {
  const clock = new ManualClock()
  const sent: { type: string; payload: unknown; token: TimerToken }[] = []
  const keyed = new KeyedTimers(clock, (type, payload, token) => void sent.push({ type, payload, token }))
  return { clock, sent, keyed }
}

test('once sends once; starting a key again replaces its timer', () => {
  const { clock, sent, keyed } = timers()
  keyed.once('k', 10, 'a', 1)
  keyed.once('k', 20, 'b', 2)
  clock.advance(15)
  expect(sent).toEqual([])
  clock.advance(100)
  expect(sent).toMatchObject([{ type: 'b', payload: 2 }])
  // It is over when its message is handled, not before: until then it can be cancelled.
  expect(keyed.isActive('k')).toBe(true)
  expect(keyed.taken(sent[0]!.token)).toBe(true)
  expect(keyed.isActive('k')).toBe(false)
})

test('every skips a period while its last message waits', () => {
  const { clock, sent, keyed } = timers()
  keyed.every('k', 10, 'tick')
  clock.advance(35)
  expect(sent).toHaveLength(1)
  sent[0]!.token.isWaiting = false
  clock.advance(10)
  expect(sent).toHaveLength(2)
})

test('a cancelled timer marks the message that waits already', () => {
  const { clock, sent, keyed } = timers()
  keyed.every('a', 10, 'tick')
  keyed.once('b', 10, 'once')
  clock.advance(10)
  keyed.cancelAll()
  expect(sent.map(({ token }) => keyed.taken(token))).toEqual([false, false])
  clock.advance(100)
  expect(sent).toHaveLength(2)
  expect(clock.timerCount).toBe(0)
})

test('bad delays and types are refused', () => {
  const { keyed } = timers()
  expect(() => keyed.once('k', -1, 'a')).toThrow(/delayMs=-1/)
  expect(() => keyed.every('k', 1, 5 as never)).toThrow(/type=5/)
})

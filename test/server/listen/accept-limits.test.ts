/** How many connections there may be, and how long they may take. */
import { expect, test } from 'vitest'
import { ConnectionLimit, Deadlines } from '../../../src/server/listen/accept-limits.ts'
import { ManualClock } from '../../support/manual-clock.ts'

test('threads share one limit, and each knows its own part', () => {
  const buffer = ConnectionLimit.buffer(2)
  const [a, b] = [new ConnectionLimit(buffer, 0, 3), new ConnectionLimit(buffer, 1, 3)]
  expect([a.enter(), b.enter(), b.enter(), a.enter(), b.enter()]).toEqual([true, true, true, false, false])
  expect([a.total, a.own, b.own]).toEqual([3, 1, 2])
  b.leave()
  expect(a.enter()).toBe(true)
  a.totalMax = 4
  expect(a.enter()).toBe(true)
  expect([b.total, a.own, b.own]).toEqual([4, 3, 1])
})

test('what a lost thread held is free again', () => {
  const buffer = ConnectionLimit.buffer(2)
  const [a, b] = [new ConnectionLimit(buffer, 0, 2), new ConnectionLimit(buffer, 1, 2)]
  expect([b.enter(), b.enter(), a.enter()]).toEqual([true, true, false])
  a.forget(1)
  expect([a.total, b.own, a.enter()]).toEqual([0, 0, true])
})

test('who is not done in time is late, in order, with one timer', () => {
  const clock = new ManualClock()
  const late: string[] = []
  const deadlines = new Deadlines<string>(clock, 100, (item) => late.push(item))
  deadlines.add('a')
  clock.advance(40)
  deadlines.add('b')
  deadlines.add('c')
  expect(clock.timerCount).toBe(1)
  expect(deadlines.done('b')).toBe(true)
  expect(deadlines.done('b')).toBe(false)
  clock.advance(59)
  expect(late).toEqual([])
  clock.advance(1)
  expect(late).toEqual(['a'])
  clock.advance(40)
  expect(late).toEqual(['a', 'c'])
  expect([deadlines.size, clock.timerCount]).toEqual([0, 0])
})

test('who is added again waits anew, also when that happens while the late are told', () => {
  const clock = new ManualClock()
  const late: string[] = []
  const deadlines = new Deadlines<string>(clock, 100, (item) => {
    late.push(item)
    if (late.length === 1) deadlines.add(item)
  })
  deadlines.add('a')
  deadlines.add('b')
  clock.advance(50)
  deadlines.add('b')
  clock.advance(50)
  expect(late).toEqual(['a'])
  expect(clock.timerCount).toBe(1)
  clock.advance(50)
  expect(late).toEqual(['a', 'b'])
  clock.advance(50)
  expect(late).toEqual(['a', 'b', 'a'])
  deadlines.add('c')
  deadlines.close()
  clock.advance(500)
  expect([late.length, deadlines.size, clock.timerCount]).toEqual([3, 0, 0])
})

/** Pending asks in virtual time: slots, generations, deadlines, marks. */
import { describe, expect, test } from 'vitest'
import { PendingAsks } from '../../src/actor/pending-asks.ts'
import { ManualClock } from '../support/manual-clock.ts'

function table(asksMax = 8) {
  const clock = new ManualClock()
  const marks = new Int32Array(new SharedArrayBuffer(asksMax * 4))
  const log: string[] = []
  const asks: PendingAsks = new PendingAsks(marks, clock, {
    onBusy: () => log.push('busy'),
    onIdle: () => log.push('idle'),
    onDeadline: (ask) => {
      log.push(`late ${ask.slot}`)
      asks.close(ask)
    },
  })
  return { clock, marks, log, asks }
}

describe('pending asks', () => {
  test('are found by slot and generation, and by no other', () => {
    const { asks } = table()
    const ask = asks.open('ask')!
    const { slot, generation } = ask
    expect(asks.get(slot, generation)).toBe(ask)
    expect(asks.get(slot, generation + 1)).toBeUndefined()
    asks.close(ask)
    expect(asks.get(slot, generation)).toBeUndefined()
    expect(asks.open('ask')!.generation).not.toBe(generation)
  })

  test('end at their deadlines, in their order, whatever their timeouts', () => {
    const { asks, clock, log } = table()
    for (const timeoutMs of [30, 10, 20, 10]) asks.arm(asks.open('ask')!, timeoutMs, clock.nowMs())
    clock.advance(9)
    expect(log).toEqual(['busy'])
    clock.advance(2)
    expect(log).toEqual(['busy', 'late 1', 'late 3'])
    clock.advance(30)
    expect(log).toEqual(['busy', 'late 1', 'late 3', 'late 2', 'late 0', 'idle'])
    expect(clock.timerCount).toBe(0)
  })

  test('that were settled or disarmed have no deadline any more', () => {
    const { asks, clock, log } = table()
    const [a, b] = [asks.open('ask')!, asks.open('stream')!]
    asks.arm(a, 10, clock.nowMs())
    asks.arm(b, 10, clock.nowMs())
    asks.close(a)
    asks.disarm(b)
    clock.advance(100)
    expect(log).toEqual(['busy'])
    asks.close(b)
    expect(log).toEqual(['busy', 'idle'])
  })

  test('are limited, and their slots are used again', () => {
    const { asks } = table(2)
    const first = asks.open('ask')!
    asks.open('ask')
    expect(asks.open('ask')).toBeUndefined()
    asks.close(first)
    expect(asks.open('ask')!.slot).toBe(first.slot)
  })

  test('leave a mark in shared memory when they are cancelled', () => {
    const { asks, marks } = table()
    const ask = asks.open('ask')!
    const { slot, generation } = ask
    asks.markCancelled(ask)
    expect(marks[slot]).toBe(generation)
  })
})

/** The gate before a subsystem: order, deadlines, signals, and its end. */
import { describe, expect, test } from 'vitest'
import { CallGate } from '../../../src/supervise/subsystem/call-gate.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { rejection } from '../../support/runtime.ts'

function gate() {
  const clock = new ManualClock()
  const made: string[] = []
  const it = new CallGate<string>('it', clock)
  const call = (what: string, timeoutMs = 1000, signal?: AbortSignal) =>
    it.call(
      async (target, leftMs) => {
        made.push(`${what} on ${target} ${leftMs}`)
        return what
      },
      timeoutMs,
      signal,
    )
  return { clock, made, gate: it, call }
}

describe('a gate', () => {
  test('lets calls through at once while it is open', async () => {
    const { gate: it, call, made } = gate()
    it.open('a')
    expect(await call('x')).toBe('x')
    expect(made).toEqual(['x on a 1000'])
  })

  test('keeps their order, with what they have left', async () => {
    const { gate: it, call, made, clock } = gate()
    const waiting = [call('x'), call('y', 500)]
    clock.advance(100)
    expect(it.waitingCount).toBe(2)
    it.open('a')
    const after = call('z')
    await Promise.all([...waiting, after])
    expect(made).toEqual(['x on a 900', 'y on a 400', 'z on a 1000'])
    expect(clock.timerCount).toBe(0)
  })

  test('that is shut while calls pass keeps the rest', async () => {
    const { gate: it, call, made } = gate()
    const first = it.call(async () => it.shut('a'), 1000, undefined)
    const second = call('y')
    it.open('a')
    await first
    expect(made).toEqual([])
    it.shut('other')
    it.open('b')
    it.shut('a')
    expect(it.target).toBe('b')
    await second
    expect(made).toEqual(['y on b 1000'])
  })

  test('rejects calls by their deadline, their signal and its end, and keeps nothing of them', async () => {
    const { gate: it, call, clock } = gate()
    const given = new AbortController()
    const late = rejection(call('late', 10))
    const cut = rejection(call('cut', 1000, given.signal))
    const cutBefore = rejection(call('cut', 1000, AbortSignal.abort(new Error('before'))))
    clock.advance(10)
    given.abort(new Error('mine'))
    expect(await late).toMatchObject({ code: 'SHL_CHILD_NOT_UP', details: { child: 'it', timeoutMs: 10 } })
    expect(await cut).toMatchObject({ code: 'SHL_ASK_ABORTED', cause: { message: 'mine' } })
    expect(await cutBefore).toMatchObject({ cause: { message: 'before' } })
    const rest = rejection(call('rest'))
    it.close(new Error('over'))
    expect((await rest).message).toBe('over')
    expect((await rejection(call('later'))).message).toBe('over')
    expect([it.waitingCount, clock.timerCount]).toEqual([0, 0])
    it.open('again')
    expect(await call('x')).toBe('x')
  })
})

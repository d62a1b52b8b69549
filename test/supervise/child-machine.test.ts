/** The life of a child in virtual time: its timers are effects, so time passes when the test says so. */
import { describe, expect, test } from 'vitest'
import { type ChildLife, childLife } from '../../src/supervise/child-machine.ts'

const LIMITS = { startMs: 10, drainMs: 20, stopMs: 30, killMs: 40 }

function begin(): { life: ChildLife; take(): string; timers: () => number; inspected: () => number } {
  const log: string[] = []
  let timers = 0
  let inspected = 0
  const effect = (name: string) => () => void log.push(name)
  const life = childLife(
    'c',
    {
      start: effect('start'),
      drain: effect('drain'),
      stop: effect('stop'),
      kill: effect('kill'),
      arm(delayMs) {
        timers++
        log.push(`arm ${delayMs}`)
      },
      disarm() {
        timers--
      },
      report(phase, error, overdue) {
        log.push(`[${[phase, error?.message.split(':')[0], ...overdue].filter(Boolean).join(' ')}]`)
      },
    },
    LIMITS,
    () => inspected++,
  )
  return { life, take: () => log.splice(0).join(' '), timers: () => timers, inspected: () => inspected }
}

function running() {
  const child = begin()
  child.life.send({ type: 'start' })
  child.life.send({ type: 'ready' })
  child.take()
  return child
}

describe('a child', () => {
  test('starts, runs and stops', () => {
    const { life, take, timers, inspected } = begin()
    life.send({ type: 'start' })
    expect(take()).toBe('[starting] arm 10 start')
    life.send({ type: 'ready' })
    expect(take()).toBe('[running]')
    expect(timers()).toBe(0)
    life.send({ type: 'stop', mode: 'stop' })
    expect(take()).toBe('[stopping] arm 30 stop')
    life.send({ type: 'ended' })
    expect(take()).toBe('[stopped]')
    expect(life.phase).toBe('stopped')
    expect(timers()).toBe(0)
    expect(inspected()).toBeGreaterThan(4)
  })

  test('that is not ready in time is killed, and has failed', () => {
    const { life, take } = begin()
    life.send({ type: 'start' })
    take()
    life.send({ type: 'time' })
    expect(take()).toBe('[killing child was not ready in time start] arm 40 kill')
    life.send({ type: 'ended' })
    expect(take()).toBe('[failed child was not ready in time start]')
  })

  test('that crashes has failed, and waits before it starts again, or is stopped meanwhile', () => {
    const { life, take } = running()
    life.send({ type: 'ended', error: new Error('crash') })
    expect(take()).toBe('[failed crash]')
    life.send({ type: 'wait', delayMs: 77 })
    expect(take()).toBe('arm 77 [backing_off crash]')
    life.send({ type: 'time' })
    expect(take()).toBe('[starting] arm 10 start')
    life.send({ type: 'ended', error: new Error('again') })
    life.send({ type: 'wait', delayMs: 1 })
    life.send({ type: 'stop', mode: 'stop' })
    expect(life.phase).toBe('stopped')
  })

  test('that does not react is drained, stopped, killed, and then lost', () => {
    const { life, take, timers } = running()
    life.send({ type: 'stop', mode: 'drain' })
    expect(take()).toBe('[draining] arm 20 drain')
    life.send({ type: 'time' })
    expect(take()).toBe('[stopping drain] arm 30 stop')
    life.send({ type: 'time' })
    expect(take()).toBe('[killing drain stop] arm 40 kill')
    life.send({ type: 'time' })
    expect(take()).toBe('[lost drain stop kill]')
    expect(timers()).toBe(0)
    life.send({ type: 'ended' })
    expect(take()).toBe('')
    life.send({ type: 'start' })
    expect(take()).toBe('[starting] arm 10 start')
  })

  test('that is recycled is drained, and has failed', () => {
    const { life, take } = running()
    life.send({ type: 'recycle', mode: 'drain', error: new Error('too big') })
    expect(take()).toBe('[draining too big] arm 20 drain')
    life.send({ type: 'ended' })
    expect(take()).toBe('[failed too big]')
  })

  test.each(['starting', 'draining', 'stopping'] as const)('is killed at once while %s', (phase) => {
    const { life, take } = phase === 'starting' ? begin() : running()
    if (phase === 'starting') life.send({ type: 'start' })
    else life.send({ type: 'stop', mode: phase === 'draining' ? 'drain' : 'stop' })
    expect(life.phase).toBe(phase)
    take()
    life.send({ type: 'stop', mode: 'kill' })
    expect(take()).toBe('[killing] arm 40 kill')
    life.send({ type: 'ended', error: new Error('killed') })
    expect(take()).toBe('[stopped]')
  })
})

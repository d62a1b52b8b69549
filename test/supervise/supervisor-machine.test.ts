/** A supervisor's machine with recorded effects: phases, commands, and what inspection sees. */
import { describe, expect, test } from 'vitest'
import { backoff, type ChildRow, type Plan } from '../../src/supervise/policy/index.ts'
import { type SupervisorEvent, supervisorLife } from '../../src/supervise/supervisor-machine.ts'

function row(id: string, options: Partial<ChildRow> = {}): ChildRow {
  const fixed = { restart: 'permanent' as const, isSignificant: false, status: 'down' as const }
  return { id, ...fixed, backoff: backoff({ jitter: 0 }), attempt: 0, upSinceMs: -1, ...options }
}

function begin(rows: readonly ChildRow[], options: Partial<Plan> = {}) {
  const log: string[] = []
  let inspected = 0
  const life = supervisorLife(
    {
      id: 'top',
      phase: 'idle',
      strategy: 'one_for_one',
      autoShutdown: 'never',
      limit: { intensity: 1, periodMs: 1000 },
      rows,
      batches: [],
      history: [],
      error: undefined,
      ...options,
    },
    {
      start: (id, delayMs) => void log.push(`+${id}${delayMs > 0 ? ` in ${delayMs}` : ''}`),
      stop: (id) => void log.push(`-${id}`),
      settled: () => undefined,
      report: (phase, plan) => void log.push(`[${phase}${plan.error ? ` ${plan.error.message}` : ''}]`),
    },
    () => inspected++,
  )
  const send = (event: SupervisorEvent): string => {
    life.send(event)
    return log.splice(0).join(' ')
  }
  const up = (id: string) => send({ type: 'changed', id, status: 'up', nowMs: 0 })
  const ended = (id: string, error?: Error) =>
    send({ type: 'ended', id, error, directive: undefined, nowMs: 0, draw: 0 })
  return { life, send, up, ended, inspected: () => inspected }
}

describe('a supervisor', () => {
  test('starts one after the other, restarts, and stops in reverse', () => {
    const { life, send, up, ended, inspected } = begin([row('a'), row('b')])
    expect(send({ type: 'start' })).toBe('+a [starting]')
    expect(up('a')).toBe('+b')
    expect(up('b')).toBe('[running]')
    expect(ended('a', new Error('crash'))).toBe('+a')
    expect(up('a')).toBe('')
    expect(send({ type: 'stop' })).toBe('-b [stopping]')
    expect(ended('b')).toBe('-a')
    expect(ended('a')).toBe('[stopped]')
    expect(life.plan.phase).toBe('stopped')
    expect(inspected()).toBeGreaterThan(6)
  })

  test('gives up after too many restarts, when everybody is down', () => {
    const { send, up, ended } = begin([row('a'), row('b')])
    send({ type: 'start' })
    up('a')
    up('b')
    ended('a', new Error('crash'))
    up('a')
    expect(ended('a', new Error('crash'))).toMatch(/^-b \[stopping too many restarts: /)
    expect(ended('b')).toMatch(/^\[failed too many restarts: /)
  })

  test('stops when a significant child has ended, if it is told to', () => {
    const rows = [row('a'), row('s', { isSignificant: true, restart: 'transient' })]
    const { send, up, ended } = begin(rows, { autoShutdown: 'any_significant' })
    send({ type: 'start' })
    up('a')
    up('s')
    expect(ended('s')).toBe('-a [stopping]')
    expect(ended('a')).toBe('[stopped]')
  })

  test('adds, stops, starts and removes children', () => {
    const { life, send, up, ended } = begin([row('a')])
    send({ type: 'start' })
    up('a')
    expect(send({ type: 'add', row: row('b') })).toBe('+b')
    up('b')
    expect(send({ type: 'down', id: 'b' })).toBe('-b')
    expect(ended('b')).toBe('')
    expect(send({ type: 'up', id: 'b' })).toBe('+b')
    up('b')
    expect(send({ type: 'up', id: 'b' })).toBe('-b')
    expect(ended('b')).toBe('+b')
    up('b')
    send({ type: 'down', id: 'b' })
    ended('b')
    send({ type: 'remove', id: 'b' })
    expect(life.plan.rows.map(({ id }) => id)).toEqual(['a'])
  })

  test('without children runs at once', () => {
    const { send } = begin([])
    expect(send({ type: 'start' })).toBe('[running]')
    expect(send({ type: 'stop' })).toBe('[stopped]')
  })
})

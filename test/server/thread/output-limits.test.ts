/** What clients may leave unread. */
import { expect, test } from 'vitest'
import type { Session } from '../../../src/server/commands/server-command.ts'
import { ParameterStore } from '../../../src/server/parameters/index.ts'
import { OutputLimits } from '../../../src/server/thread/output-limits.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const MIB = 1024 * 1024

function session(id: number, channelCount = 0): Session {
  return { id, channelCount, patternCount: 0, shardedCount: 0, isMonitor: false } as Session
}

function limits(text: string) {
  const clock = new ManualClock()
  const parameters = ParameterStore.of({ clientOutputBufferLimit: text })
  return { clock, limits: new OutputLimits(parameters, clock) }
}

test('the hard bound holds at once, for who listens by default and for who asks where it is set', () => {
  const { limits: byDefault } = limits('pubsub 32mb 8mb 60')
  expect(byDefault.isOver(session(1, 1), 33 * MIB)).toBe(true)
  expect(byDefault.isOver(session(2), 1000 * MIB)).toBe(false)
  const { limits: set } = limits('normal 1mb 0 0')
  expect(set.isOver(session(2), MIB)).toBe(false)
  expect(set.isOver(session(2), MIB + 1)).toBe(true)
})

test('the soft bound holds when it was passed for its time without a pause', () => {
  const { clock, limits: soft } = limits('pubsub 32mb 1mb 10')
  const one = session(1, 1)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
  clock.advance(9_000)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
  expect(soft.isOver(one, MIB)).toBe(false)
  clock.advance(9_000)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
  clock.advance(10_001)
  expect(soft.isOver(one, 2 * MIB)).toBe(true)
  soft.forget(one)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
})

test('who has read everything begins anew', () => {
  const { clock, limits: soft } = limits('pubsub 32mb 1mb 10')
  const one = session(1, 1)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
  clock.advance(9_000)
  expect(soft.isOver(one, 0)).toBe(false)
  clock.advance(9_000)
  expect(soft.isOver(one, 2 * MIB)).toBe(false)
})

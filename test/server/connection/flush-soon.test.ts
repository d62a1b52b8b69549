/** Clients are flushed together, and a fault of one is none of the others'. */
import { expect, test, vi } from 'vitest'
import { flushLate, flushSoon } from '../../../src/server/connection/flush-soon.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function clientOf(told: string[], name: string) {
  return {
    flushNow: () => void told.push(`${name} now`),
    flushAtLast: () => void told.push(`${name} at last`),
  }
}

test('all that are to be flushed are, with the microtasks, also those behind one that fails', async () => {
  const told: string[] = []
  const thrown = vi.fn()
  const known = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', thrown)
  const failing = { ...clientOf(told, 'b'), flushNow: () => expect.unreachable('b') }
  for (const client of [clientOf(told, 'a'), failing, clientOf(told, 'c')]) flushSoon(client)
  expect(told).toEqual([])
  await Promise.resolve()
  await Promise.resolve()
  expect(told).toEqual(['a now', 'c now'])
  await new Promise((resolve) => setImmediate(resolve))
  for (const listener of known) process.on('uncaughtException', listener)
  expect(thrown).toHaveBeenCalledOnce()
})

test('who waits for more is flushed in a moment, with whoever came meanwhile', () => {
  const told: string[] = []
  const clock = new ManualClock()
  flushLate(clientOf(told, 'a'), clock)
  flushLate(clientOf(told, 'b'), clock)
  clock.advance(1)
  expect(told).toEqual([])
  clock.advance(1)
  expect(told).toEqual(['a at last', 'b at last'])
  clock.advance(10)
  flushLate(clientOf(told, 'c'), clock)
  clock.advance(2)
  expect(told).toHaveLength(3)
})

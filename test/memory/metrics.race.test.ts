/** Metrics on real threads: names made by all at once, sums that are exact, readings that never go back. */
import { expect, test } from 'vitest'
import { Metrics } from '../../src/memory/metrics.ts'
import { allocateMetrics } from '../../src/memory/metrics-layout.ts'
import { race, SOAK_FACTOR } from '../support/memory-race.ts'

const THREADS = 3
const NAMES = 200

test('three threads make the same names and add to them: one value each, and nothing lost', async () => {
  const memory = allocateMetrics(NAMES + 2)
  const rounds = 50_000 * SOAK_FACTOR
  const task = { role: 'count' as const, memory, names: NAMES, rounds }
  const reports = await race(Array.from({ length: THREADS }, (_, thread) => ({ ...task, thread })))
  const metrics = new Metrics(memory)
  const found = metrics.list()
  expect(found).toHaveLength(NAMES + 2)
  let sum = 0
  for (const { kind, value } of found) if (kind === 'counter') sum += value
  expect(sum).toBe(reports.reduce((total, report) => total + report['added']!, 0))
  expect(metrics.gauge('gauge').value()).toBe(THREADS * rounds)
  const { count, min, max, sum: recorded } = metrics.histogram('histogram').snapshot()
  expect([count, min, max]).toEqual([THREADS * rounds, 0, 999])
  expect(recorded).toBe((THREADS * rounds * 999) / 2)
})

test('a counter that several threads carry over does not go back for one that reads', async () => {
  const memory = allocateMetrics(3)
  const counter = new Metrics(memory).counter('counter 0')
  const rounds = 100_000 * SOAK_FACTOR
  const task = { role: 'count' as const, memory, names: 1, rounds }
  // Some half a million per addition: the low word carries every few thousand additions.
  const target = 2 * rounds * 2 ** 19 * 0.99
  const [a, b, watcher] = await race([
    { ...task, thread: 0 },
    { ...task, thread: 1 },
    { role: 'watch', memory, name: 'counter 0', target },
  ])
  expect(counter.value()).toBe(a!['added']! + b!['added']!)
  expect(counter.value()).toBeGreaterThan(10 * 2 ** 31)
  expect(watcher!['readings']).toBeGreaterThan(0)
})

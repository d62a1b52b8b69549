/** Events that were slow: one sample per second, on one thread and over several. */
import { expect, test } from 'vitest'
import { LatencyEvents, mergeEvents } from '../../../src/server/report/latency-events.ts'

test('within a second the worst counts', () => {
  const events = new LatencyEvents()
  for (const [second, ms] of [
    [10, 5.9],
    [10, 8],
    [10, 6],
    [11, 2],
  ] as const) {
    events.add('command', second, ms)
  }
  events.add('fast-command', 10, 1)
  expect(events.all()).toEqual([
    {
      name: 'command',
      maxMs: 8,
      samples: [
        { second: 10, ms: 8 },
        { second: 11, ms: 2 },
      ],
    },
    { name: 'fast-command', maxMs: 1, samples: [{ second: 10, ms: 1 }] },
  ])
})

test('160 samples are kept, and the worst of all time', () => {
  const events = new LatencyEvents()
  for (let second = 0; second < 200; second++) events.add('command', second, second === 3 ? 99 : 1)
  const [event] = events.all()
  expect(event!.samples).toHaveLength(160)
  expect(event!.samples[0]!.second).toBe(40)
  expect(event!.maxMs).toBe(99)
})

test('threads are told as one', () => {
  const [one, other] = [new LatencyEvents(), new LatencyEvents()]
  one.add('command', 5, 3)
  one.add('command', 7, 4)
  other.add('command', 5, 9)
  other.add('command', 6, 1)
  other.add('fast-command', 6, 1)
  expect(mergeEvents([one.all(), other.all()])).toEqual([
    {
      name: 'command',
      maxMs: 9,
      samples: [
        { second: 5, ms: 9 },
        { second: 6, ms: 1 },
        { second: 7, ms: 4 },
      ],
    },
    { name: 'fast-command', maxMs: 1, samples: [{ second: 6, ms: 1 }] },
  ])
})

test('some are forgotten, or all', () => {
  const events = new LatencyEvents()
  for (const name of ['a', 'b', 'c']) events.add(name, 1, 1)
  expect(events.reset(['b', 'z'])).toEqual(['b'])
  expect(events.all().map(({ name }) => name)).toEqual(['a', 'c'])
  expect(events.reset([])).toEqual(['a', 'c'])
  expect(events.all()).toEqual([])
})

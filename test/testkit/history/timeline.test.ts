/** The drawing: order of ends, overlaps, what never returned, what is too long. */
import { expect, test } from 'vitest'
import { drawTimeline } from '../../../src/testkit/history/timeline.ts'

test('ends are in the order of time, and overlapping calls of a process have rows of their own', () => {
  const late = { process: 1, call: { type: 'get' }, output: 'b', callAt: 25, returnAt: 40 }
  const drawing = drawTimeline(
    [
      { process: 1, call: { type: 'set', value: 'a' }, callAt: 10, returnAt: 20 },
      { process: 2, call: { type: 'set', value: 'b' }, callAt: 15, pending: true },
      late,
      { process: 1, call: { type: 'read' }, output: 'x'.repeat(99), callAt: 30, returnAt: 50 },
    ],
    new Set([late]),
  )
  expect(drawing.split('\n')).toEqual([
    'process 1  ├ set "a" ┤ ├ get → "b" ┤✗',
    'process 2    ├ set "b" → ? ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄',
    'process 1                ├ read → "xxxxxxxxxxxxxxxxxxxxxxx… ┤',
  ])
})

test('nothing draws nothing', () => expect(drawTimeline([])).toBe(''))

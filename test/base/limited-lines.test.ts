/** Lines that strangers cause: a few, and then how many more. */
import { expect, test } from 'vitest'
import { LimitedLines } from '../../src/base/limited-lines.ts'
import { ManualClock } from '../support/manual-clock.ts'

test('so many lines in a span, then how many more there were, and nothing where none was left out', () => {
  const clock = new ManualClock()
  const lines: unknown[] = []
  const limit = { event: 'failed', moreEvent: 'more failed', linesMax: 2, spanMs: 60_000 }
  const limited = new LimitedLines(clock, (event, details) => lines.push([event, details]), limit)
  for (let n = 0; n < 100; n++) limited.note({ n })
  expect(lines).toEqual([
    ['failed', { n: 0 }],
    ['failed', { n: 1 }],
  ])
  clock.advance(59_999)
  limited.note({ n: 100 })
  expect(lines).toHaveLength(2)
  clock.advance(1)
  expect(lines.slice(2)).toEqual([['more failed', { more: 99 }]])
  limited.note({ n: 101 })
  clock.advance(120_000)
  expect(lines.slice(3)).toEqual([['failed', { n: 101 }]])
  expect(clock.timerCount).toBe(0)
})

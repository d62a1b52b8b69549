/** Curves are computed from samples: medians, efficiency, and what limits. */
import { describe, expect, test } from 'vitest'
import { curvesOf, limitOf } from '../../../src/cli/bench/curve.ts'
import { type Sample, threadCounts, type Workload } from '../../../src/cli/bench/scaling.ts'

function sample(workload: Workload, threads: number, perSecond: number, more: Partial<Sample> = {}): Sample {
  return { workload, threads, perSecond, shardBusy: 1, senderBusy: 0.1, coresUsed: threads, ...more }
}

describe('curvesOf', () => {
  test('takes the median of the rounds, with their spread', () => {
    const [curve] = curvesOf([sample('reads', 1, 10), sample('reads', 1, 30), sample('reads', 1, 11)], 4)
    expect(curve?.points[0]).toMatchObject({ threads: 1, perSecond: 11, min: 10, max: 30, efficiency: 1 })
  })

  test('compares with linear up to the cores, and with the cores beyond', () => {
    const rates = [100, 190, 200, 200]
    const [curve] = curvesOf(
      rates.map((rate, i) => sample('commands', i + 1, rate)),
      2,
    )
    expect(curve?.points.map(({ efficiency }) => efficiency)).toEqual([1, 0.95, 1, 1])
  })
})

describe('what limits', () => {
  const point = { threads: 2, perSecond: 1, min: 1, max: 1, efficiency: 0.6, shardBusy: 1, senderBusy: 0.1 }
  const measured = { ...point, coresUsed: 2, processorUs: 1 }

  test.each([
    ['a linear curve: nothing', { efficiency: 0.97 }, 1, 4, /^nothing/],
    ['beyond the cores: the cores', { efficiency: 0.97, threads: 8 }, 1, 4, /^the cores/],
    ['a machine that gives no more: the machine', {}, 0.62, 2, /^the machine: a bare loop reaches 62 %/],
    ['a busy sender: the sender', { senderBusy: 0.97 }, 1, 2, /^the thread that sends: it is busy 97 %/],
    ['busy shards on all cores: the cores', {}, 1, 2, /^the cores: 2 threads/],
    ['threads that do not run: the machine', { coresUsed: 0.9 }, 1, 2, /^the machine: busy .* 0\.9 cores/],
    ['idle shards: waiting', { shardBusy: 0.5 }, 1, 2, /^waiting: shards are busy 50 %/],
  ])('%s', (_, more, machine, cores, expected) => {
    const bare = { ...measured, efficiency: machine }
    expect(limitOf('commands', { ...measured, ...more }, bare, cores)).toMatch(expected)
  })

  test('writes of one thread cross to no other', () => {
    expect(limitOf('writes', measured, { ...measured, efficiency: 1 }, 2)).toMatch(/^messages: 1 of 2 writes/)
  })
})

test('few numbers of threads are all measured; of many, powers of two, the cores, and the last', () => {
  expect(threadCounts(4, 2)).toEqual([1, 2, 3, 4])
  expect(threadCounts(24, 12)).toEqual([1, 2, 4, 8, 12, 16, 24])
  expect(threadCounts(10, 64)).toEqual([1, 2, 4, 8, 10])
})

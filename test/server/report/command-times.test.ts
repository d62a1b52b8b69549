/** Times of a command: what is counted where, and what is told of it. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { binOf, CommandTimes } from '../../../src/server/report/command-times.ts'

describe('a time is counted', () => {
  test('in a bin that holds it, and no shorter one in a later bin', () => {
    let before = 0
    for (let ms = 1e-5; ms < 1e7; ms *= 1.01) {
      const bin = binOf(ms)
      expect(bin).toBeGreaterThanOrEqual(before)
      before = bin
      const times = new CommandTimes()
      times.add(ms)
      const us = times.percentileUs(50)
      // 64 ns is the shortest that is told apart, 36 minutes the longest.
      if (ms < 64e-6 || ms > 2e6) continue
      expect(us, `${ms} ms`).toBeGreaterThanOrEqual(ms * 1000 - 1)
      expect(us, `${ms} ms`).toBeLessThanOrEqual(ms * 1000 * 1.126 + 2)
    }
  })

  test('however long or short it was', () => {
    const times = new CommandTimes()
    for (const ms of [0, -1e-9, 1e-9, 1e12]) times.add(ms)
    expect(times.total).toBe(4)
  })
})

describe('what is told', () => {
  test('are bounds in microseconds as Redis has them, and how many took no longer', () => {
    const times = new CommandTimes()
    times.add(0.0005)
    times.add(0.0078)
    times.add(0.0139)
    times.add(0.03, 5)
    times.add(0.12)
    expect(times.cumulative()).toEqual([
      [1, 1],
      [8, 2],
      [16, 3],
      [33, 8],
      [132, 9],
    ])
  })

  test('goes on above a second', () => {
    const times = new CommandTimes()
    times.add(1500)
    times.add(100_000)
    times.add(10_000_000)
    const bounds = times.cumulative()
    expect(bounds.map(([, count]) => count)).toEqual([1, 2, 3])
    expect(bounds[0]![0]).toBeGreaterThanOrEqual(1_500_000)
  })

  test('of percentiles is never too small, and hardly too great', () => {
    const random = seededRandom(5)
    const times = new CommandTimes()
    const all = Array.from({ length: 2000 }, () => 2 ** (random.next() * 20) / 1e4)
    for (const ms of all) times.add(ms)
    const sorted = all.map((ms) => ms * 1000).sort((one, other) => one - other)
    for (const percent of [0, 1, 50, 90, 99, 99.9, 100]) {
      const exact = sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]!
      const told = times.percentileUs(percent)
      expect(told).toBeGreaterThanOrEqual(exact - 0.002)
      expect(told).toBeLessThanOrEqual(exact * 1.126 + 0.07)
    }
    expect(new CommandTimes().percentileUs(50)).toBe(0)
  })

  test('is the same when it came from several threads', () => {
    const random = seededRandom(9)
    const [one, other, whole, sum] = [1, 2, 3, 4].map(() => new CommandTimes()) as [
      CommandTimes,
      CommandTimes,
      CommandTimes,
      CommandTimes,
    ]
    for (let i = 0; i < 500; i++) {
      const ms = random.next() * 3
      ;(i % 3 === 0 ? one : other).add(ms, 2)
      whole.add(ms, 2)
    }
    for (const part of [one, other]) sum.addSparse(part.sparse())
    expect(sum.counts).toEqual(whole.counts)
    expect(sum.total).toBe(1000)
  })
})

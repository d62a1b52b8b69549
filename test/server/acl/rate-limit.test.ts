import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { RateCells } from '../../../src/server/acl/rate-cells.ts'
import { parseRateRule, RateLimit, rateRuleText } from '../../../src/server/acl/rate-limit.ts'

describe('a rate', () => {
  test('is so many in so many seconds, or in one', () => {
    expect(parseRateRule('rate:100')).toEqual({ count: 100, seconds: 1 })
    expect(parseRateRule('RATE:5/60')).toEqual({ count: 5, seconds: 60 })
    for (const text of ['rate:100', 'rate:5/60', 'rate:1000000000', 'rate:1/86400']) {
      expect(rateRuleText(parseRateRule(text)!)).toBe(text)
    }
  })

  test.each([
    ...['rate:0', 'rate:', 'rate:-1', 'rate:1.5', 'rate:01', 'rate:1/0', 'rate:1/', 'rate:1/1/1', 'rate: 1'],
    ...['rate:1000000001', 'rate:1/86401', 'rate:x', 'rates:1', 'rate:1\n'],
  ])('is not %j', (text) => {
    expect(parseRateRule(text)).toBeUndefined()
  })
})

describe('a limiter', () => {
  test('lets a full burst through, then one an interval', () => {
    const limit = new RateLimit({ count: 3, seconds: 1 })
    expect([0, 0, 0].map(() => limit.take(1000))).toEqual([0, 0, 0])
    expect(limit.take(1000)).toBe(334)
    expect(limit.take(1333)).toBe(1)
    expect(limit.take(1334)).toBe(0)
    expect(limit.take(1334)).toBe(333)
  })

  test('says how long to wait: then one is let through, and not before', () => {
    const random = seededRandom(1)
    for (let i = 0; i < 50; i++) {
      const limit = new RateLimit({ count: 1 + random.below(50), seconds: 1 + random.below(5) })
      let nowMs = random.below(1000)
      for (let n = 0; n < 100; n++) {
        const waitMs = limit.take(nowMs)
        if (waitMs === 0) continue
        if (waitMs > 1) expect(limit.take(nowMs + waitMs - 1)).toBeGreaterThan(0)
        nowMs += waitMs
        expect(limit.take(nowMs)).toBe(0)
        nowMs += random.below(20) / 7
      }
    }
  })

  test('lets at most twice the count through in its time, and the count on the whole', () => {
    const random = seededRandom(2)
    for (let i = 0; i < 50; i++) {
      const count = 1 + random.below(20)
      const limit = new RateLimit({ count, seconds: 1 })
      const times: number[] = []
      let refused = 0
      for (let nowMs = 0; nowMs < 5000; nowMs += random.next() * 20) {
        if (limit.take(nowMs) === 0) times.push(nowMs)
        else refused++
      }
      for (const [at, start] of times.entries()) {
        const within = times.slice(at).filter((time) => time < start + 1000).length
        expect(within).toBeLessThanOrEqual(2 * count)
      }
      if (refused > 0) expect(times.length).toBeGreaterThanOrEqual(count * 5 - count)
    }
  })

  test('gives nothing for a clock that goes back', () => {
    const limit = new RateLimit({ count: 1, seconds: 1 })
    expect(limit.take(5000)).toBe(0)
    expect(limit.take(0)).toBe(1000)
    expect(limit.take(5999)).toBe(1)
    expect(limit.take(6000)).toBe(0)
  })

  test('is exact at the largest rate and the longest time', () => {
    const fast = new RateLimit({ count: 1_000_000_000, seconds: 1 })
    for (let i = 0; i < 1000; i++) expect(fast.take(0)).toBe(0)
    const slow = new RateLimit({ count: 1, seconds: 86_400 })
    expect([slow.take(0.5), slow.take(0.5)]).toEqual([0, 86_400_000])
  })
})

describe('limiters of several threads', () => {
  const RULE = { count: 3, seconds: 1 }

  /** As a thread makes one: cells of its own over the same memory. */
  function limiters(buffer: SharedArrayBuffer, user: string, rule = RULE): [RateLimit, RateLimit] {
    return [
      new RateLimit(rule, user, new RateCells(buffer)),
      new RateLimit(rule, user, new RateCells(buffer)),
    ]
  }

  test('let one rate through together, each user its own', () => {
    const buffer = RateCells.buffer()
    const [one, other] = limiters(buffer, 'alice')
    const [bob] = limiters(buffer, 'bob')
    expect([one.take(0), other.take(0), one.take(0), other.take(0), bob.take(0)]).toEqual([0, 0, 0, 334, 0])
    // Another rule is another rate; the old one is where it was.
    const [changed] = limiters(buffer, 'alice', { count: 1, seconds: 1 })
    expect([changed.take(0), changed.take(0), other.take(0)]).toEqual([0, 1000, 334])
    expect([one.take(334), other.take(334)]).toEqual([0, 333])
  })

  test('let a full burst through together where the clock of one is behind, and no more', () => {
    const [ahead, behind] = limiters(RateCells.buffer(), 'alice')
    expect([ahead.take(1000), behind.take(999.99), behind.take(999.98)]).toEqual([0, 0, 0])
    expect([behind.take(999.98), ahead.take(1000)]).toEqual([334, 334])
    expect([behind.take(1333.98), behind.take(1334), ahead.take(1334)]).toEqual([0, 333, 333])
  })

  test('share cells with who is at rest, and count for themselves where all are busy', () => {
    const buffer = RateCells.buffer(2)
    const users = Array.from({ length: 40 }, (_, i) => limiters(buffer, `user${i}`))
    for (const [round, pairs] of [users.slice(0, 2), users.slice(2, 4), users].entries()) {
      const nowMs = 1000 + 60_000 * round
      for (const [one, other] of pairs) {
        const taken = [one, other, one, other, one, other].map((limit) => limit.take(nowMs))
        const isShared = taken.filter((waitMs) => waitMs === 0).length === 3
        // Two of forty have a cell, the others count by thread: nobody has less than its rate.
        expect(isShared || round === 2).toBe(true)
        if (!isShared) expect(taken).toEqual([0, 0, 0, 0, 0, 0])
      }
    }
  })

  test('begin anew with a cell that another rule has left far ahead', () => {
    const buffer = RateCells.buffer(1)
    const [slow] = limiters(buffer, 'slow', { count: 1, seconds: 86_400 })
    expect(slow.take(0)).toBe(0)
    // As if the cell had been taken while its user came back.
    const words = new BigInt64Array(buffer)
    words[0] = RateCells.keyOf('fast', 'rate:3')
    const [fast] = limiters(buffer, 'fast')
    expect([0, 1, 2, 3].map(() => fast.take(10))).toEqual([0, 0, 0, 334])
  })
})

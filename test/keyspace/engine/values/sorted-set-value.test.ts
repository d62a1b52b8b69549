/** A sorted set by example: what it answers, its encodings, what it does in slices. */
import { describe, expect, test } from 'vitest'
import { LEX_FIRST, LEX_LAST } from '../../../../src/keyspace/engine/values/score-range.ts'
import { SortedSetValue } from '../../../../src/keyspace/engine/values/sorted-set-value.ts'

describe('members and scores', () => {
  test('are in order of score, then of bytes', () => {
    const set = of({ b: 1, a: 1, '\xff': 1, Z: 1, c: -Infinity, d: Infinity, e: 0.5 })
    expect([...set.iterate(0, set.size)].map(({ member }) => member)).toEqual([...'ceZab\xffd'])
    expect(set.rank('Z')).toBe(2)
    expect(set.at(6)).toEqual({ member: 'd', score: Infinity })
  })

  test('say whether they were added, changed, or the same', () => {
    const set = of({})
    expect([set.set('a', 1), set.set('a', 2), set.set('a', 2)]).toEqual(['added', 'updated', 'same'])
    expect([set.size, set.score('a')]).toEqual([1, 2])
    expect([set.delete('a'), set.delete('a')]).toEqual([true, false])
  })

  test('NaN is never a score', () => {
    expect(() => of({}).set('a', Number.NaN)).toThrow('a score is a number')
  })

  test('a rank outside of the set is a mistake of the caller', () => {
    expect(() => of({ a: 1 }).at(1)).toThrow('a rank is within the set')
  })

  // As Redis 7.0 answers to ZADD key -0 member, ZSCORE: 0 from a listpack, -0 from a skip list.
  test('zero has one place, and its sign stays where Redis keeps it', () => {
    const small = of({ a: -0 })
    expect(small.score('a')).toBe(0)
    const large = new SortedSetValue(0)
    expect([large.set('a', -0), large.set('a', 0)]).toEqual(['added', 'same'])
    large.set('b', 0)
    expect(large.score('a')).toBe(-0)
    expect(large.countIn({ min: 0, minExclusive: false, max: 0, maxExclusive: false })).toBe(2)
    expect([large.rank('a'), large.rank('b')]).toEqual([0, 1])
    large.checkTree()
  })
})

describe('ranges', () => {
  const set = of({ a: 1, b: 2, c: 3, d: 4 })

  test('of scores are ranges of ranks', () => {
    const range = { min: 1, minExclusive: true, max: 3, maxExclusive: false }
    expect(set.ranksInScore(range)).toEqual({ from: 1, to: 3 })
    expect([set.firstRankIn(range), set.countIn(range)]).toEqual([1, 2])
  })

  test('that are empty or upside down hold nothing', () => {
    const range = { min: 3, minExclusive: false, max: 1, maxExclusive: false }
    expect([set.firstRankIn(range), set.countIn(range)]).toEqual([undefined, 0])
    expect(set.ranksInLex({ min: LEX_LAST, max: LEX_FIRST })).toEqual({ from: 4, to: 4 })
  })

  test('of ranks are cut to what is there', () => {
    expect([...set.iterate(-3, 2)].map(({ member }) => member)).toEqual(['a', 'b'])
    expect([...set.iterate(2, 99, true)].map(({ member }) => member)).toEqual(['d', 'c'])
    expect([...set.iterate(3, 1)]).toEqual([])
    expect(set.slice(3, 10)).toEqual([{ member: 'd', score: 4, expireAtMs: 0 }])
    expect(set.slice(4, 10)).toEqual([])
  })
})

describe('removal', () => {
  test('pops come from the end that they name', () => {
    const set = of({ a: 1, b: 2, c: 3, d: 4 })
    expect(set.popMin(1)).toEqual([{ member: 'a', score: 1 }])
    expect(set.popMax(2).map(({ member }) => member)).toEqual(['d', 'c'])
    expect(set.popMax(9).map(({ member }) => member)).toEqual(['b'])
    expect([set.popMin(1), set.popMax(1), set.size]).toEqual([[], [], 0])
  })

  test('a large range goes in slices, and the set is whole in between', () => {
    const set = of({})
    for (let i = 0; i < 5000; i++) set.set(`m${i}`, i)
    let to = 4500
    let removed = 0
    for (;;) {
      const slice = set.removeRanks(500, to, 700)
      if (slice.length === 0) break
      expect(slice[0]).toEqual({ member: `m${500 + removed}`, score: 500 + removed })
      to -= slice.length
      removed += slice.length
      set.checkTree()
    }
    expect([removed, set.size, set.rank('m4500')]).toEqual([4000, 1000, 500])
  })
})

describe('the encoding', () => {
  test('is a listpack up to so many members', () => {
    const set = new SortedSetValue(3)
    for (const member of ['a', 'b', 'c']) set.set(member, 1)
    expect(set.encoding).toBe('listpack')
    set.set('d', 1)
    expect(set.encoding).toBe('skiplist')
  })

  test('is a listpack up to so long a member', () => {
    const set = new SortedSetValue()
    set.set('m'.repeat(64), 1)
    expect(set.encoding).toBe('listpack')
    set.set('m'.repeat(65), 1)
    expect(set.encoding).toBe('skiplist')
  })

  test('does not go back', () => {
    const set = new SortedSetValue(1)
    set.set('a', 1)
    set.set('b', 1)
    set.delete('a')
    expect(set.encoding).toBe('skiplist')
  })

  test('a listpack is scanned in one call, in order', () => {
    const set = of({ b: 2, a: 3, c: 1 })
    const met: string[] = []
    expect(set.scan(0, 1, (member) => met.push(member))).toBe(0)
    expect(met).toEqual(['c', 'b', 'a'])
  })
})

describe('expiry of members', () => {
  test('a member stays until it is taken, the earliest first', () => {
    const set = of({ a: 1, b: 2, c: 3 })
    expect(set.nextExpiry).toBe(Infinity)
    expect([set.setExpireAt('b', 20), set.setExpireAt('a', 10), set.setExpireAt('x', 5)]).toEqual([
      true,
      true,
      false,
    ])
    expect([set.nextExpiry, set.expireAt('b'), set.expireAt('c'), set.expireAt('x')]).toEqual([
      10,
      20,
      0,
      undefined,
    ])
    expect(set.takeExpired(9, 10)).toEqual([])
    expect(set.takeExpired(20, 1)).toEqual(['a'])
    expect([set.size, set.expiringCount, set.rank('b')]).toEqual([2, 1, 0])
    expect(set.takeExpired(20, 1)).toEqual(['b'])
    expect([set.nextExpiry, set.expiringCount]).toEqual([Infinity, 0])
    set.checkTree()
  })

  test('a new score keeps it, persist and removal end it', () => {
    const set = of({ a: 1, b: 2 })
    set.setExpireAt('a', 10)
    set.setExpireAt('b', 10)
    set.set('a', 5)
    expect(set.expireAt('a')).toBe(10)
    expect([set.persist('a'), set.persist('a'), set.persist('x')]).toEqual([true, false, false])
    set.popMin(1)
    set.set('b', 2)
    expect([set.expireAt('b'), set.nextExpiry]).toEqual([0, Infinity])
    expect(set.takeExpired(99, 10)).toEqual([])
  })
})

test('the estimate of memory follows what is in', () => {
  const set = new SortedSetValue()
  const emptyBytes = set.bytes
  for (let i = 0; i < 1000; i++) set.set(`member:${i}`, i / 3)
  const fullBytes = set.bytes
  expect(fullBytes).toBeGreaterThan(1000 * 80)
  for (let i = 0; i < 1000; i++) set.set(`member:${i}`, i)
  expect(set.bytes).toBeLessThan(fullBytes)
  set.removeRanks(0, 1000)
  expect(set.bytes).toBe(emptyBytes)
})

function of(scores: Readonly<Record<string, number>>): SortedSetValue {
  const set = new SortedSetValue()
  for (const [member, score] of Object.entries(scores)) set.set(member, score)
  return set
}

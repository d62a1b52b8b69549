/** A sorted set against an array of members that is sorted anew for every question. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import {
  LEX_FIRST,
  LEX_LAST,
  type LexBound,
  type ScoreRange,
} from '../../../../src/keyspace/engine/values/score-range.ts'
import type { ScoredMember } from '../../../../src/keyspace/engine/values/score-tree.ts'
import { SortedSetValue } from '../../../../src/keyspace/engine/values/sorted-set-value.ts'

const SOAK = process.env['SHL_SOAK'] ? 20 : 1
const INFINITE = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]

const score = fc.oneof(
  fc.integer({ min: -4, max: 4 }),
  fc.constantFrom(...INFINITE, -0, 0.5),
  fc.double({ noNaN: true }),
)
const member = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map(String),
  fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)
const rank = fc.integer({ min: -2, max: 30 })
const nowMs = fc.integer({ min: 0, max: 20 })

const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('set' as const), member, score) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('fill' as const), fc.integer({ min: 1, max: 90 }), score) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('delete' as const), member) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('popMin' as const, 'popMax' as const), rank) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('removeRanks' as const), rank, rank, fc.nat({ max: 9 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('expire' as const), member, nowMs) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('persist' as const), member) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('takeExpired' as const), nowMs, fc.nat({ max: 5 })) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('every step answers as the model does, and leaves dictionary and tree as one', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50, size: 'max' }), (steps) => {
      const set = new SortedSetValue(20, 2)
      const model = new Model()
      for (const next of steps) {
        expect(takeStep(set, next)).toEqual(model.take(next))
        set.checkTree()
        expect([...set.iterate(0, set.size)]).toEqual(model.sorted())
        expect(set.nextExpiry).toBe(Math.min(Number.POSITIVE_INFINITY, ...model.expiries.values()))
      }
      compare(set, model)
    }),
    { numRuns: 80 * SOAK },
  )
})

test('ranges of scores are right with every end, included and excluded', () => {
  const ends = [...INFINITE, -1, -0, 0, 0.5, 1, 2, 3]
  fc.assert(
    fc.property(fc.array(fc.tuple(member, fc.oneof(fc.constantFrom(...ends), score))), (pairs) => {
      const set = filled(pairs)
      const model = [...set.iterate(0, set.size)]
      for (const range of scoreRanges(ends)) {
        const isIn = ({ score: s }: ScoredMember): boolean =>
          (range.minExclusive ? s > range.min : s >= range.min) &&
          (range.maxExclusive ? s < range.max : s <= range.max)
        const wanted = model.filter(isIn)
        const { from, to } = set.ranksInScore(range)
        expect([...set.iterate(from, to)]).toEqual(wanted)
        expect(set.countIn(range)).toBe(wanted.length)
        expect(set.firstRankIn(range)).toBe(wanted.length === 0 ? undefined : model.findIndex(isIn))
      }
    }),
    { numRuns: 20 * SOAK },
  )
})

test('ranges of members are right with every end, included and excluded', () => {
  fc.assert(
    fc.property(fc.array(member), fc.array(member, { maxLength: 4 }), (members, others) => {
      const set = filled(members.map((m) => [m, 0]))
      const model = [...new Set(members)].sort((a, b) => (a < b ? -1 : 1))
      const bounds: LexBound[] = [LEX_FIRST, LEX_LAST]
      for (const value of [...members.slice(0, 4), ...others, '']) {
        bounds.push({ kind: 'member', value, exclusive: false }, { kind: 'member', value, exclusive: true })
      }
      for (const min of bounds) {
        for (const max of bounds) {
          const { from, to } = set.ranksInLex({ min, max })
          const wanted = model.filter((m) => isAbove(m, min) && isBelow(m, max))
          expect(model.slice(from, to)).toEqual(wanted)
        }
      }
    }),
    { numRuns: 50 * SOAK },
  )
})

test('a scan meets everything that is there all the time, whatever comes and goes', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.array(fc.tuple(fc.nat({ max: 400 }), fc.boolean())),
      fc.integer({ min: 1, max: 40 }),
      (count, changes, perCall) => {
        const set = new SortedSetValue()
        for (let i = 0; i < count; i++) set.set(`${i}`, i % 7)
        const touched = new Set(changes.map(([i]) => `${i}`))
        const met = new Set<string>()
        let cursor = 0
        let turn = 0
        do {
          cursor = set.scan(cursor, perCall, (m, s) => {
            met.add(m)
            expect(set.score(m)).toBe(s)
          })
          const [i, isAdded] = changes[turn++] ?? [0, true]
          if (turn > changes.length) continue
          if (isAdded) set.set(`${i}`, 3)
          else set.delete(`${i}`)
        } while (cursor !== 0)
        for (let i = 0; i < count; i++) if (!touched.has(`${i}`)) expect(met.has(`${i}`)).toBe(true)
      },
    ),
    { numRuns: 50 * SOAK },
  )
})

function takeStep(set: SortedSetValue, next: Step): unknown {
  switch (next[0]) {
    case 'set':
      return set.set(next[1], next[2])
    case 'fill':
      for (let i = 0; i < next[1]; i++) set.set(`f${i}`, next[2])
      return undefined
    case 'delete':
      return set.delete(next[1])
    case 'popMin':
      return set.popMin(Math.max(next[1], 0))
    case 'popMax':
      return set.popMax(Math.max(next[1], 0))
    case 'removeRanks':
      return set.removeRanks(next[1], next[2], next[3])
    case 'expire':
      return set.setExpireAt(next[1], next[2])
    case 'persist':
      return set.persist(next[1])
    case 'takeExpired': {
      const taken = set.takeExpired(next[1], next[2])
      // Which of those that are due at the same time come first is open: the model takes the same.
      return { taken, count: taken.length }
    }
  }
}

/** What a sorted set is, without any cleverness. */
class Model {
  readonly scores = new Map<string, number>()
  readonly expiries = new Map<string, number>()
  #isSkipList = false

  sorted(): ScoredMember[] {
    const pairs = [...this.scores].map(([m, s]) => ({ member: m, score: s }))
    return pairs.sort((a, b) => {
      if (a.score !== b.score) return a.score < b.score ? -1 : 1
      return a.member < b.member ? -1 : 1
    })
  }

  take(next: Step): unknown {
    switch (next[0]) {
      case 'set':
        return this.#set(next[1], next[2])
      case 'fill':
        for (let i = 0; i < next[1]; i++) this.#set(`f${i}`, next[2])
        return undefined
      case 'delete':
        return this.#delete(next[1])
      case 'popMin':
        return this.#remove(this.sorted().slice(0, Math.max(next[1], 0)))
      case 'popMax':
        return this.#remove(this.sorted().reverse().slice(0, Math.max(next[1], 0)))
      case 'removeRanks':
        return this.#remove(this.sorted().slice(Math.max(next[1], 0), Math.max(next[2], 0)).slice(0, next[3]))
      case 'expire':
        if (this.scores.has(next[1])) this.expiries.set(next[1], next[2])
        return this.scores.has(next[1])
      case 'persist':
        return this.expiries.delete(next[1])
      case 'takeExpired':
        return this.#takeExpired(next[1], next[2])
    }
  }

  #set(m: string, s: number): 'added' | 'updated' | 'same' {
    const old = this.scores.get(m)
    if (old === s) return 'same'
    if (old === undefined && (this.scores.size >= 20 || m.length > 2)) this.#isSkipList = true
    this.scores.set(m, this.#isSkipList ? s : s + 0)
    return old === undefined ? 'added' : 'updated'
  }

  #delete(m: string): boolean {
    this.expiries.delete(m)
    return this.scores.delete(m)
  }

  #remove(pairs: ScoredMember[]): ScoredMember[] {
    for (const pair of pairs) this.#delete(pair.member)
    return pairs
  }

  #takeExpired(now: number, limit: number): unknown {
    const due = [...this.expiries].filter(([, at]) => at <= now)
    due.sort(([, a], [, b]) => a - b)
    const count = Math.min(due.length, limit)
    const last = due[count - 1]?.[1] ?? 0
    const sure = due.filter(([, at]) => at < last).map(([m]) => m)
    const open = due.filter(([, at]) => at === last).map(([m]) => m)
    return {
      count,
      taken: expect.toSatisfy((taken: string[]) => {
        for (const m of taken) this.#delete(m)
        return (
          sure.every((m) => taken.includes(m)) && taken.every((m) => sure.includes(m) || open.includes(m))
        )
      }),
    }
  }
}

function compare(set: SortedSetValue, model: Model): void {
  const sorted = model.sorted()
  expect(set.size).toBe(sorted.length)
  sorted.forEach((pair, i) => {
    expect(set.rank(pair.member)).toBe(i)
    expect(set.at(i)).toEqual(pair)
    expect(set.score(pair.member)).toBe(pair.score)
    expect(set.expireAt(pair.member)).toBe(model.expiries.get(pair.member) ?? 0)
  })
  expect([set.rank('absent'), set.score('absent'), set.expireAt('absent')]).toEqual(Array(3).fill(undefined))
  expect([...set.iterate(-5, 1000, true)]).toEqual([...sorted].reverse())
  const met: ScoredMember[] = []
  for (let cursor = set.scan(0, 10, push); cursor !== 0; ) cursor = set.scan(cursor, 10, push)
  function push(m: string, s: number): void {
    met.push({ member: m, score: s })
  }
  expect(met).toHaveLength(sorted.length)
  expect(met).toEqual(expect.arrayContaining(sorted))
  const random = seededRandom(3)
  const drawn = set.random(random)
  if (drawn) expect(sorted).toContainEqual(drawn)
  else expect(sorted).toEqual([])
  const some = set.randomDistinct(5, random)
  expect(new Set(some.map((pair) => pair.member)).size).toBe(Math.min(5, sorted.length))
}

function filled(pairs: readonly (readonly [member: string, score: number])[]): SortedSetValue {
  const set = new SortedSetValue()
  for (const [m, s] of pairs) set.set(m, s)
  return set
}

function* scoreRanges(ends: readonly number[]): IterableIterator<ScoreRange> {
  for (const min of ends) {
    for (const max of ends) {
      for (const [minExclusive, maxExclusive] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        yield { min, minExclusive, max, maxExclusive }
      }
    }
  }
}

function isAbove(m: string, bound: LexBound): boolean {
  if (bound.kind !== 'member') return bound.kind === '-'
  return bound.exclusive ? m > bound.value : m >= bound.value
}

function isBelow(m: string, bound: LexBound): boolean {
  if (bound.kind !== 'member') return bound.kind === '+'
  return bound.exclusive ? m < bound.value : m <= bound.value
}

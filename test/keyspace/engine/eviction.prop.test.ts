/** What the policies throw out of a simulated keyspace, and the pool of candidates against a sorted list. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import {
  clockOfFrequency,
  FREQUENCY_FIRST,
  minutesOf,
  touchLfu,
  touchLru,
} from '../../../src/keyspace/engine/access-clock.ts'
import {
  type Candidate,
  EvictionPool,
  evictionScore,
  isRandomPolicy,
  isVolatilePolicy,
} from '../../../src/keyspace/engine/eviction.ts'
import { type EvictionPolicyName, usesFrequency } from '../../../src/keyspace/engine/memory-policy.ts'

const KEYS = 10_000
const SCALE = { lfuLogFactor: 10, lfuDecayMinutes: 1 }
const POLICIES: readonly EvictionPolicyName[] = [
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
]

interface Row {
  readonly rank: number
  readonly expireAtMs: number
  clock: number
}

/** A keyspace in which few keys get most of the accesses; every second key has an expiry. */
class SimulatedKeyspace {
  readonly rows = new Map<string, Row>()
  readonly #names: string[] = []
  readonly #alive: string[] = []
  readonly #policy: EvictionPolicyName
  readonly #random: Random
  readonly #pool = new EvictionPool()
  readonly #weights: Float64Array
  nowMs = 1_700_000_000_000

  constructor(policy: EvictionPolicyName, seed: number) {
    this.#policy = policy
    this.#random = seededRandom(seed)
    this.#weights = new Float64Array(KEYS)
    let sum = 0
    for (let rank = 0; rank < KEYS; rank++) {
      const name = `key:${rank}`
      const clock = usesFrequency(policy)
        ? clockOfFrequency(FREQUENCY_FIRST, minutesOf(this.nowMs))
        : touchLru(this.nowMs)
      const expireAtMs = rank % 2 === 0 ? 0 : this.nowMs + 1e7 + this.#random.below(1e9)
      this.rows.set(name, { rank, expireAtMs, clock })
      this.#names.push(name)
      this.#alive.push(name)
      sum += 1 / (rank + 1)
      this.#weights[rank] = sum
    }
  }

  /** Accesses by Zipf's law, spread over a time. */
  access(count: number, durationMs: number): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += durationMs / count
      const row = this.rows.get(this.#names[this.#zipfRank()]!)
      if (row === undefined) continue
      row.clock = usesFrequency(this.#policy)
        ? touchLfu(row.clock, minutesOf(this.nowMs), this.#random, SCALE)
        : touchLru(this.nowMs)
    }
  }

  /** Throws one key out; undefined when no draw finds one that may go. */
  evict(): Row | undefined {
    const sample = (): Candidate | undefined => this.#draw()
    const victim = isRandomPolicy(this.#policy)
      ? sample()
      : this.#pool.pick(sample, ({ key }) => this.rows.has(key))
    if (victim === undefined) return undefined
    const row = this.rows.get(victim.key)
    this.rows.delete(victim.key)
    const last = this.#alive.pop()!
    if (last !== victim.key) this.#alive[this.#alive.indexOf(victim.key)] = last
    return row
  }

  /** A key that may go, from those that are there: some that may not are passed over. */
  #draw(): Candidate | undefined {
    for (let tries = 0; tries < 30 && this.#alive.length > 0; tries++) {
      const key = this.#alive[this.#random.below(this.#alive.length)]!
      const { clock, expireAtMs } = this.rows.get(key)!
      const score = evictionScore(this.#policy, clock, expireAtMs, this.nowMs, SCALE)
      if (score !== undefined) return { key, db: 0, score }
    }
    return undefined
  }

  #zipfRank(): number {
    const target = this.#random.next() * this.#weights[KEYS - 1]!
    let low = 0
    let high = KEYS - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#weights[middle]! < target) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Throws out a fifth of the keys; the part of them that belongs to the most used tenth. */
function hotShare(policy: EvictionPolicyName, seed: number): number {
  const keyspace = new SimulatedKeyspace(policy, seed)
  keyspace.access(200_000, 600_000)
  let hot = 0
  for (let i = 0; i < KEYS / 5; i++) {
    if (i % 100 === 0) keyspace.access(1000, 3000)
    const row = keyspace.evict()
    expect(row).toBeDefined()
    if (row!.rank < KEYS / 10) hot++
  }
  return hot / (KEYS / 5)
}

describe('with few keys that get most of the accesses', () => {
  test.each([1, 2, 3])('age and use spare hot keys, chance does not (seed %d)', (seed) => {
    const random = hotShare('allkeys-random', seed)
    expect(random).toBeGreaterThan(0.08)
    expect(random).toBeLessThan(0.12)
    for (const policy of ['allkeys-lru', 'allkeys-lfu', 'volatile-lru', 'volatile-lfu'] as const) {
      expect(hotShare(policy, seed), policy).toBeLessThan(random / 10)
    }
  })

  test('use spares what is used always from what was used once, of late', () => {
    for (const [policy, isSpared] of [
      ['allkeys-lfu', true],
      ['allkeys-lru', false],
    ] as const) {
      const keyspace = new SimulatedKeyspace(policy, 4)
      keyspace.access(200_000, 300_000)
      // A scan touches each key once; then the hot ones are left alone for a minute.
      for (const row of keyspace.rows.values()) {
        if (row.rank < 100) continue
        keyspace.nowMs += 6
        row.clock = usesFrequency(policy)
          ? touchLfu(row.clock, minutesOf(keyspace.nowMs), seededRandom(row.rank), SCALE)
          : touchLru(keyspace.nowMs)
      }
      let hot = 0
      for (let i = 0; i < 2000; i++) if (keyspace.evict()!.rank < 100) hot++
      if (isSpared) expect(hot).toBeLessThan(5)
      else expect(hot).toBeGreaterThan(50)
    }
  })
})

test.each([1, 2, 3])('by time to live, what goes is near the earliest expiry (seed %d)', (seed) => {
  const keyspace = new SimulatedKeyspace('volatile-ttl', seed)
  const distances: number[] = []
  for (let i = 0; i < 1000; i++) {
    const left = [...keyspace.rows.values()].filter(({ expireAtMs }) => expireAtMs > 0)
    const { expireAtMs } = keyspace.evict()!
    const earlier = left.filter((row) => row.expireAtMs < expireAtMs).length
    distances.push(earlier / left.length)
  }
  // The first ones come from an empty pool.
  const mean = distances.slice(50).reduce((sum, part) => sum + part, 0) / 950
  // By chance it would be a half; the best of five, without a pool, a sixth.
  expect(mean).toBeLessThan(0.12)
  expect(Math.max(...distances.slice(50))).toBeLessThan(0.5)
})

test.each(POLICIES)('%s takes every key that it may, and no other', (policy) => {
  const keyspace = new SimulatedKeyspace(policy, 5)
  const allowed = isVolatilePolicy(policy) ? KEYS / 2 : KEYS
  let taken = 0
  for (let row = keyspace.evict(); row !== undefined; row = keyspace.evict()) {
    taken++
    if (isVolatilePolicy(policy)) expect(row.expireAtMs).toBeGreaterThan(0)
  }
  // Chance may miss the last few among thousands that may not go.
  expect(taken).toBeGreaterThan(allowed * 0.8)
  expect(taken).toBeLessThanOrEqual(allowed)
})

test('noeviction has no candidates', () => {
  expect(evictionScore('noeviction', 0, 1, 1, SCALE)).toBeUndefined()
})

describe('the pool', () => {
  const candidate = fc.record({
    key: fc.integer({ min: 0, max: 40 }).map(String),
    db: fc.nat(1),
    score: fc.nat(30),
  })

  test('keeps the best sixteen that were drawn, by the last score of each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(candidate, { minLength: 1, maxLength: 8 }), { maxLength: 30 }),
        (rounds) => {
          const pool = new EvictionPool()
          let model: Candidate[] = []
          for (const drawn of rounds) {
            const left = [...drawn]
            for (const one of drawn) {
              model = model.filter(({ key, db }) => key !== one.key || db !== one.db)
              model.push(one)
              model.sort((a, b) => a.score - b.score)
              if (model.length > 16) {
                // Of equals, one that was there before stays.
                if (model[0]!.score === one.score) model.splice(model.lastIndexOf(one), 1)
                else model.shift()
              }
            }
            expect(pool.pick(() => left.shift(), undefined, drawn.length)).toEqual(model.pop())
            expect(pool.list().map(({ score }) => score)).toEqual(model.map(({ score }) => score))
            const names = new Set(pool.list().map(({ key, db }) => `${key}/${db}`))
            expect(names.size).toBe(pool.size)
            model = [...pool.list()]
          }
        },
      ),
    )
  })

  test('passes over what is gone, and ends when nothing is drawn', () => {
    const pool = new EvictionPool()
    const left = ['a', 'b', 'c'].map((key, score) => ({ key, db: 0, score }))
    expect(
      pool.pick(
        () => left.shift(),
        ({ key }) => key === 'a',
      )?.key,
    ).toBe('a')
    expect(pool.size).toBe(0)
    expect(pool.pick(() => undefined)).toBeUndefined()
  })

  test('does not look for ever where all that is drawn is gone', () => {
    let draws = 0
    const sample = (): Candidate => ({ key: String(draws++), db: 0, score: 0 })
    expect(new EvictionPool().pick(sample, () => false)).toBeUndefined()
    expect(draws).toBeLessThan(1000)
  })

  test('the same name in two databases is two keys', () => {
    const pool = new EvictionPool()
    const left = [0, 1].map((db) => ({ key: 'a', db, score: db }))
    expect(pool.pick(() => left.shift())?.db).toBe(1)
    expect(pool.list()).toEqual([{ key: 'a', db: 0, score: 0 }])
  })
})

/** The index of expiries against a sorted list, with sweeps at any time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { ExpiryHeap } from '../../../src/keyspace/engine/expiry-heap.ts'
import { ExpiryIndex } from '../../../src/keyspace/engine/expiry-index.ts'

interface Entry {
  readonly at: number
  readonly hash: number
  readonly db: number
}

type Step =
  | { do: 'schedule'; at: number; hash: number; db: number }
  | { do: 'takeDue'; at: number; limit: number }
  | { do: 'kill'; nth: number }
  | { do: 'sweep'; budget: number }

const at = fc.integer({ min: 0, max: 60 })
const scheduling = fc.record({
  do: fc.constant('schedule' as const),
  at,
  hash: fc.oneof(fc.nat(8), fc.integer({ min: 2 ** 32 - 3, max: 2 ** 32 - 1 })),
  db: fc.constantFrom(0, 1, 255),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: scheduling, weight: 4 },
  { arbitrary: fc.record({ do: fc.constant('takeDue' as const), at, limit: fc.nat(6) }), weight: 1 },
  { arbitrary: fc.record({ do: fc.constant('kill' as const), nth: fc.nat(100) }), weight: 3 },
  { arbitrary: fc.record({ do: fc.constant('sweep' as const), budget: fc.nat(5) }), weight: 2 },
)

const nameOf = ({ at, hash, db }: Entry): string => `${at}/${hash}/${db}`

/** Entries by their time; each is live or stale. */
class Model {
  readonly live: Entry[] = []
  readonly stale: Entry[] = []

  get nextMs(): number {
    return Math.min(...[...this.live, ...this.stale].map(({ at }) => at), Number.POSITIVE_INFINITY)
  }

  /** Removes one such entry from the list. */
  remove(list: Entry[], entry: Entry): void {
    const index = list.findIndex((one) => nameOf(one) === nameOf(entry))
    expect(index, `${nameOf(entry)} is an entry`).not.toBe(-1)
    list.splice(index, 1)
  }

  /** Whether a live entry is like this one: those that are alike cannot be told apart. */
  hasLive(entry: Entry): boolean {
    return this.live.some((one) => nameOf(one) === nameOf(entry))
  }

  take(entry: Entry): void {
    this.remove(this.hasLive(entry) ? this.live : this.stale, entry)
  }
}

function runSteps(index: ExpiryIndex, model: Model, steps: readonly Step[]): void {
  for (const one of steps) {
    if (one.do === 'schedule') {
      index.schedule(one.at, one.hash, one.db)
      model.live.push(one)
    } else if (one.do === 'kill' && model.live.length > 0) {
      const [gone] = model.live.splice(one.nth % model.live.length, 1)
      model.stale.push(gone!)
      index.noteStale()
    } else if (one.do === 'takeDue') {
      let last = Number.NEGATIVE_INFINITY
      const due = [...model.live, ...model.stale].filter((entry) => entry.at <= one.at).length
      const count = index.takeDue(one.at, one.limit, (hash, db, scheduledMs) => {
        expect(scheduledMs).toBe(model.nextMs)
        expect(scheduledMs).toBeLessThanOrEqual(one.at)
        expect(scheduledMs).toBeGreaterThanOrEqual(last)
        last = scheduledMs
        model.take({ at: scheduledMs, hash, db })
      })
      expect(count).toBe(Math.min(due, one.limit))
    } else if (one.do === 'sweep') {
      let looked = 0
      const isMore = index.sweep(one.budget, (hash, db, scheduledMs) => {
        looked++
        const entry = { at: scheduledMs, hash, db }
        if (model.hasLive(entry)) return true
        model.remove(model.stale, entry)
        return false
      })
      expect(looked).toBeLessThanOrEqual(one.budget)
      expect(isMore).toBe(index.needsSweep)
    }
    index.check()
    expect(index.size).toBe(model.live.length + model.stale.length)
    expect(index.nextMs()).toBe(model.nextMs)
  }
}

describe('whatever happens', () => {
  test('entries come when they are due, in order, and none is lost', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
        const index = new ExpiryIndex({ staleMin: 2 })
        const model = new Model()
        runSteps(index, model, steps)
        runSteps(index, model, [{ do: 'takeDue', at: 1000, limit: 1000 }])
        expect(index.size).toBe(0)
        expect(index.needsSweep).toBe(false)
      }),
      { numRuns: process.env['SHL_SOAK'] ? 5000 : 150 },
    )
  })

  test('a sweep that is let run to its end leaves only live entries', () => {
    fc.assert(
      fc.property(
        fc.array(scheduling, { minLength: 10, maxLength: 100 }),
        fc.integer({ min: 1 }),
        (all, budget) => {
          const index = new ExpiryIndex({ staleMin: 2 })
          const model = new Model()
          // No two alike: a sweep cannot tell which of them is stale.
          runSteps(
            index,
            model,
            all.map((one, i) => ({ ...one, hash: i })),
          )
          const kills = Math.floor(all.length * 0.7)
          runSteps(
            index,
            model,
            Array.from({ length: kills }, () => ({ do: 'kill' as const, nth: 0 })),
          )
          expect(index.needsSweep).toBe(true)
          while (index.needsSweep) runSteps(index, model, [{ do: 'sweep', budget }])
          expect(index.size).toBe(model.live.length)
          expect(model.stale).toEqual([])
        },
      ),
    )
  })
})

test('a key whose expiry is put off is visited, and scheduled again, until its time has come', () => {
  const index = new ExpiryIndex()
  const expireAt = 50
  const visits: number[] = []
  index.schedule(10, 7, 0)
  for (const nowMs of [9, 10, 49, 50]) {
    index.takeDue(nowMs, 10, (hash, db, scheduledMs) => {
      visits.push(scheduledMs)
      if (expireAt > nowMs) index.schedule(expireAt, hash, db)
    })
  }
  expect(visits).toEqual([10, 50])
  expect(index.takeDue(Number.POSITIVE_INFINITY, 10, () => {})).toBe(0)
  expect(index.nextMs()).toBe(Number.POSITIVE_INFINITY)
})

test('a visitor that schedules what is due already is stopped by the limit', () => {
  const index = new ExpiryIndex()
  index.schedule(1, 1, 0)
  expect(index.takeDue(5, 100, (hash, db) => index.schedule(1, hash, db))).toBe(100)
  expect(index.size).toBe(1)
})

test('stale entries stay bounded when keys with long lives come and go', () => {
  const index = new ExpiryIndex()
  const live = new Map<number, number>()
  const random = seededRandom(1)
  let sizeMax = 0
  for (let i = 0; i < 200_000; i++) {
    // Redis' SETEX on the same thousand keys again and again, each time with a day to live.
    const hash = random.below(1000)
    const expireAt = 86_400_000 + i
    if (live.has(hash)) index.noteStale()
    live.set(hash, expireAt)
    index.schedule(expireAt, hash, 0)
    if (index.needsSweep) index.sweep(4, (swept, _db, scheduledMs) => live.get(swept) === scheduledMs)
    sizeMax = Math.max(sizeMax, index.size)
  }
  expect(sizeMax).toBeLessThan(6 * 1000)
  expect(index.nextMs()).toBeLessThanOrEqual(Math.min(...live.values()))
})

test('a sweep that goes on while entries come and go loses none of many chunks', () => {
  const index = new ExpiryIndex()
  const random = seededRandom(2)
  const live = new Map<number, number>()
  const seen = new Map<number, number>()
  const schedule = (hash: number, nowMs: number): void => {
    const expireAt = nowMs + 1 + random.below(100_000)
    live.set(hash, expireAt)
    index.schedule(expireAt, hash, hash & 15)
  }
  for (let hash = 0; hash < 60_000; hash++) schedule(hash, 0)
  for (let hash = 0; hash < 40_000; hash++) {
    live.delete(hash)
    index.noteStale()
  }
  expect(index.needsSweep).toBe(true)
  const isLive = (hash: number, _db: number, scheduledMs: number): boolean => live.get(hash) === scheduledMs
  let newHash = 60_000
  for (let nowMs = 0; nowMs < 210_000; nowMs += 100) {
    index.sweep(50, isLive)
    if (nowMs < 100_000) schedule(newHash++, nowMs)
    index.takeDue(nowMs, Number.POSITIVE_INFINITY, (hash, db, scheduledMs) => {
      expect(db).toBe(hash & 15)
      if (live.get(hash) === scheduledMs) seen.set(hash, nowMs)
    })
  }
  expect(seen.size).toBe(live.size)
  for (const [hash, expireAt] of live) expect(seen.get(hash)).toBe(Math.ceil(expireAt / 100) * 100)
  expect(index.size).toBe(0)
})

test('memory is given back', () => {
  const heap = new ExpiryHeap()
  const random = seededRandom(3)
  for (let i = 0; i < 100_000; i++) heap.push(random.next(), i, 0)
  heap.check()
  expect(heap.bytes).toBeLessThan(100_000 * 13 * 1.2)
  let last = 0
  for (let i = 0; i < 100_000; i++) {
    heap.takeFirst()
    expect(heap.atMs >= last).toBe(true)
    last = heap.atMs
  }
  expect(heap.firstMs).toBe(Number.POSITIVE_INFINITY)
  expect(heap.bytes).toBeLessThan(2 ** 14 * 13 + 1)
})

/**
 * Walking a table while it changes: no key that is there throughout is missed, and none is visited twice,
 * however often stripes double and halve in between. And drawing from it: each key as often as any other.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { KeyTableWriter } from '../../../src/memory/index.ts'

const STEADY = 60
const STEADY_KEYS = Array.from({ length: STEADY }, (_, i) => `steady:${i}`)

const between = fc.array(
  fc.record({ isGrowth: fc.boolean(), count: fc.integer({ min: 0, max: 700 }), budget: fc.nat(30) }),
  { size: 'max', minLength: 1, maxLength: 30 },
)

test('a scan visits what stays exactly once, under growth, shrinking and compaction', () => {
  fc.assert(
    fc.property(
      between,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(2, 8, 64),
      (steps, count, stripes) => {
        const table = new KeyTableWriter({ segmentBytes: 2 ** 18, pageBytes: 4096, stripes })
        for (const name of STEADY_KEYS) table.putString(name, 'v')
        const visits = new Map<string, number>()
        let passing = 0
        let cursor = 0
        let step = 0
        do {
          cursor = table.scan(cursor, count, (ref) => {
            const name = table.keyOf(ref)
            visits.set(name, (visits.get(name) ?? 0) + 1)
          })
          const next = steps[step++ % steps.length]!
          if (step > 200) continue
          for (let i = 0; i < next.count; i++) {
            if (next.isGrowth) table.putString(`passing:${passing++}`, 'v')
            else if (passing > 0) table.remove(table.find(`passing:${--passing}`))
          }
          table.compact(next.budget)
        } while (cursor !== 0)
        for (const name of STEADY_KEYS) expect([name, visits.get(name)]).toEqual([name, 1])
        table.checkTable()
      },
    ),
    { numRuns: process.env['SHL_SOAK'] ? 2000 : 30 },
  )
})

test('a scan visits about as many as it was asked for, whole buckets, and passes what is empty', () => {
  const table = new KeyTableWriter({ stripes: 4096 })
  for (let i = 0; i < 3; i++) table.putString(`key:${i}`, 'v')
  const found: string[] = []
  expect(table.scan(0, 10, (ref) => found.push(table.keyOf(ref)))).toBe(0)
  expect(found.sort()).toEqual(['key:0', 'key:1', 'key:2'])
  for (let i = 0; i < 20_000; i++) table.putString(`key:${i}`, 'v')
  let visited = 0
  const cursor = table.scan(0, 10, () => visited++)
  expect(cursor).toBeGreaterThan(0)
  expect(visited).toBeGreaterThanOrEqual(10)
  expect(visited).toBeLessThan(30)
  // Nothing but empty buckets: one call passes some of them, and says where it is.
  const empty = new KeyTableWriter({ stripes: 65_536 })
  const first = empty.scan(0, 10, () => visited++)
  expect(first / 2 ** 16).toBe(8192)
  // A cursor that was not handed out is a place like any other, or the end.
  expect(table.scan(12_345, 1, () => visited++)).toBeGreaterThan(12_345)
  expect(table.scan(2 ** 32, 1, () => visited++)).toBe(0)
})

test.each([
  [0, 16, 0],
  [1, 16, 100],
  [7, 4096, 7000],
  [100, 4096, 20_000],
  [600, 16, 30_000],
  [97, 64, 30_000],
])('of %i keys in %i stripes each is drawn as often', (keys, stripes, draws) => {
  const table = new KeyTableWriter({ segmentBytes: 2 ** 20, stripes })
  for (let i = 0; i < keys; i++) table.putString(`key:${i}`, 'v')
  const random = seededRandom(keys)
  if (keys === 0) return expect(table.sample(random)).toBe(0)
  const counts = new Map<string, number>()
  for (let i = 0; i < draws; i++) {
    const name = table.keyOf(table.sample(random))
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  expect(counts.size).toBe(keys)
  const expected = draws / keys
  // Six standard deviations: the seed is fixed, so this is no gamble.
  const spread = 6 * Math.sqrt(expected)
  for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(spread)
})

/** Merging against sorting. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { RevisionMerge } from '../../../src/keyspace/watch/revision-merge.ts'

interface Entry {
  readonly revision: number
  readonly source: number
}

test('entries come out sorted, those of one revision together, however sources tell of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.nat(200), fc.integer(), (count, last, seed) => {
      const random = seededRandom(seed)
      const lists: Entry[][] = Array.from({ length: count }, () => [])
      for (let revision = 1; revision <= last; revision++) {
        for (let source = 0; source < count; source++) {
          if (random.below(3) === 0) lists[source]!.push({ revision, source })
        }
      }
      const all = lists.flat().sort((a, b) => a.revision - b.revision || a.source - b.source)
      const merge = new RevisionMerge<Entry>(count)
      const told = lists.map(() => ({ next: 0, through: 0 }))
      const out: Entry[] = []
      const drain = (): void => {
        for (let merged = merge.take(); merged !== undefined; merged = merge.take()) {
          expect(merged.entries.every(({ revision }) => revision === merged.revision)).toBe(true)
          // All of this revision: nobody has one that is not put in yet.
          for (const [source, { next }] of told.entries()) {
            const untold = lists[source]![next]
            expect(untold === undefined || untold.revision > merged.revision).toBe(true)
          }
          out.push(...merged.entries)
        }
      }
      while (told.some(({ through }) => through < last)) {
        const source = random.below(count)
        const one = told[source]!
        if (one.through >= last) continue
        one.through = Math.min(last, one.through + 1 + random.below(20))
        const end = lists[source]!.findIndex(({ revision }) => revision > one.through)
        const next = end === -1 ? lists[source]!.length : end
        merge.push(source, lists[source]!.slice(one.next, next), one.through)
        one.next = next
        if (random.below(2) === 0) drain()
        const lagging = merge.lagging()
        if (lagging !== undefined) {
          for (const at of lagging.sources) expect(told[at]!.through).toBeLessThan(lagging.revision)
        }
        expect(merge.watermark).toBeLessThanOrEqual(Math.min(...told.map(({ through }) => through)))
      }
      drain()
      expect(out).toEqual(all)
      expect(merge.count).toBe(0)
      expect(merge.lagging()).toBeUndefined()
    }),
    { numRuns: process.env['SHL_SOAK'] ? 3000 : 200 },
  )
})

test('it says who holds up what is first', () => {
  const merge = new RevisionMerge<Entry>(3)
  for (const source of [0, 1, 2]) merge.push(source, [], 10)
  merge.push(0, [{ revision: 12, source: 0 }], 12)
  merge.push(1, [{ revision: 15, source: 1 }], 16)
  expect(merge.take()).toBeUndefined()
  expect(merge.lagging()).toEqual({ revision: 12, sources: [2] })
  merge.push(2, [], 13)
  expect(merge.take()?.revision).toBe(12)
  expect(merge.take()).toBeUndefined()
  expect(merge.lagging()).toEqual({ revision: 15, sources: [0, 2] })
})

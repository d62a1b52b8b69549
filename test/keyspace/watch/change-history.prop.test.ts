/** The history against a plain list. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChangeHistory } from '../../../src/keyspace/watch/change-history.ts'
import { type ChangeRecord, recordBytes } from '../../../src/keyspace/watch/change-record.ts'

function record(revision: number, bytes: number): ChangeRecord {
  const key = 'k'.repeat(bytes)
  return { revision, isShared: false, changes: [{ db: 0, key, event: 'set', type: 'string' }] }
}

test('it holds the newest records within its limits, and knows what it has dropped', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gap: fc.integer({ min: 1, max: 3 }), bytes: fc.nat(300), clears: fc.nat(40) }), {
        maxLength: 700,
      }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 500, max: 50_000 }),
      (steps, recordsMax, bytesMax) => {
        const dropped: number[] = []
        const history = new ChangeHistory(10, { recordsMax, bytesMax }, (number, { revision }) => {
          expect(number).toBe(dropped.length)
          dropped.push(revision)
        })
        const all: ChangeRecord[] = []
        let compactedAt = 10
        let revision = 10
        for (const { gap, bytes, clears } of steps) {
          revision += gap
          const one = record(revision, bytes)
          expect(history.add(one)).toBe(all.length)
          all.push(one)
          if (clears === 0) history.clear(++revision)
          const kept = all.slice(history.first)
          compactedAt = Math.max(compactedAt, dropped.at(-1) ?? 0, clears === 0 ? revision : 0)
          expect(history.compactedAt).toBe(compactedAt)
          expect(dropped.length).toBe(history.first)
          expect(history.count).toBe(kept.length)
          expect(history.bytes).toBe(kept.reduce((sum, two) => sum + recordBytes(two), 0))
          expect(history.count).toBeLessThanOrEqual(recordsMax)
          expect(history.bytes <= bytesMax || history.count === 1).toBe(true)
          const probe = revision - gap * 2
          const found = history.after(probe)
          expect(found).toBe(history.first + kept.filter((two) => two.revision <= probe).length)
          if (found < history.next) expect(history.at(found)).toBe(all[found])
        }
      },
    ),
    { numRuns: process.env['SHL_SOAK'] ? 2000 : 100 },
  )
})

test('it refuses what is out of order', () => {
  const history = new ChangeHistory(5, { recordsMax: 10, bytesMax: 1000 })
  expect(() => history.add(record(5, 1))).toThrow('in the order of their revisions')
  history.add(record(7, 1))
  expect(() => history.add(record(6, 1))).toThrow('in the order of their revisions')
})

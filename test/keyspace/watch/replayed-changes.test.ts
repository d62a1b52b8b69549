/** What a replay remembers for watchers: all above one revision, in order. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import type { ChangeRecord } from '../../../src/keyspace/watch/change-record.ts'
import { ReplayedChanges } from '../../../src/keyspace/watch/replayed-changes.ts'

const NO_LIMITS = { recordsMax: 1000, bytesMax: 1e9 }

function record(revision: number, ...keys: string[]): ChangeRecord {
  const changes = keys.map((key) => ({ db: 0, key, event: 'set', type: 'string' as const }))
  return { revision, isShared: keys.length > 1, changes }
}

describe('changes of a log', () => {
  test('come in the order of revisions, what is of one revision together', () => {
    const past = new ReplayedChanges(NO_LIMITS)
    for (const one of [record(1, 'a'), record(5, 'b'), record(3, 'c'), record(3, 'd'), record(6, 'e')])
      past.add(one)
    const taken = past.take()
    expect(taken.map(({ revision, changes }) => [revision, changes.map(({ key }) => key).join()])).toEqual([
      [1, 'a'],
      [3, 'c,d'],
      [5, 'b'],
      [6, 'e'],
    ])
    expect([past.compactedAt, past.take()]).toEqual([0, []])
  })

  test('that are not wanted are forgotten, also when they come late', () => {
    const past = new ReplayedChanges(NO_LIMITS)
    past.add(record(1, 'a'))
    past.forget(4)
    past.add(record(3, 'late'))
    past.add(record(5, 'b'))
    expect(past.take().map(({ revision }) => revision)).toEqual([5])
    expect(past.compactedAt).toBe(4)
  })

  test('stay within the limits: the oldest go, and what is left has no gap', () => {
    const random = seededRandom(7)
    for (let round = 0; round < 50; round++) {
      const limits = { recordsMax: 1 + random.below(20), bytesMax: 200 + random.below(4000) }
      const past = new ReplayedChanges(limits)
      const added: number[] = []
      const count = random.below(200)
      for (let i = 0; i < count; i++) {
        const revision = i * 2 + random.below(6)
        added.push(revision)
        past.add(record(revision, 'k'.repeat(random.below(100))))
      }
      const taken = past.take().map(({ revision }) => revision)
      const wanted = [...new Set(added)].filter((one) => one > past.compactedAt).sort((a, b) => a - b)
      expect(taken).toEqual(wanted)
      expect(taken.length).toBeLessThanOrEqual(limits.recordsMax)
      // Not everything is thrown away where there is room.
      if (count > 0 && limits.bytesMax > 800 && limits.recordsMax > 4) expect(taken.length).toBeGreaterThan(0)
    }
  })
})

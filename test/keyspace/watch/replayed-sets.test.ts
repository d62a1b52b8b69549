/**
 * SETs that are kept as bytes: the newest are there when they are asked for, as records of commits would be.
 */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { LARGE_VALUE_BYTES } from '../../../src/keyspace/engine/index.ts'
import { type ChangeRecord, recordBytes } from '../../../src/keyspace/watch/change-record.ts'
import { ReplayedChanges } from '../../../src/keyspace/watch/replayed-changes.ts'
import { ReplayedSets } from '../../../src/keyspace/watch/replayed-sets.ts'

const NO_LIMITS = { recordsMax: 1e6, bytesMax: 1e9 }

/** Adds a SET as a replay does: key and value are somewhere in a record, the length of the value between. */
function add(to: Pick<ReplayedSets, 'add'>, key: string, value: Uint8Array | string, revision: number): void {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value
  const payload = Buffer.concat([Buffer.from('head'), Buffer.from(key, 'latin1'), Buffer.from('!!'), bytes])
  to.add(payload, 4, key.length, 4 + key.length + 2, bytes.length, revision)
  // The next record lies in the same memory.
  payload.fill(0)
}

function recordOf(key: string, value: Uint8Array | string, revision: number): ChangeRecord {
  return { revision, isShared: false, changes: [{ db: 0, key, event: 'set', type: 'string', value }] }
}

describe('plain SETs of a log', () => {
  test('come out as they went in: bytes, empty ones, and long ones', () => {
    const sets = new ReplayedSets(NO_LIMITS)
    const large = new Uint8Array(LARGE_VALUE_BYTES).fill(200)
    const whole: [string, Uint8Array | string][] = [
      ['key', 'value'],
      ['', ''],
      ['\xff\0', '\x80'.repeat(LARGE_VALUE_BYTES - 1)],
      ['large', large],
      ['huge', new Uint8Array(70_000).fill(1)],
      ['last', 'x'],
    ]
    for (const [i, [key, value]] of whole.entries()) add(sets, key, value, 2 ** 40 + i)
    expect(sets.take()).toEqual(whole.map(([key, value], i) => recordOf(key, value, 2 ** 40 + i)))
    expect([sets.take(), sets.compactedAt]).toEqual([[], 0])
  })

  test('are the newest, without a gap, and enough of them to fill the limits', () => {
    const random = seededRandom(3)
    for (let round = 0; round < 30; round++) {
      const limits = { recordsMax: 1 + random.below(3000), bytesMax: 1000 + random.below(800_000) }
      const sets = new ReplayedSets(limits)
      const added: ChangeRecord[] = []
      for (let i = random.below(6000); i > 0; i--) {
        const [key, value] = [`key ${random.below(100)}`, 'v'.repeat(random.below(200))]
        const revision = 3 * added.length + random.below(20)
        add(sets, key, value, revision)
        added.push(recordOf(key, value, revision))
      }
      const taken = sets.take()
      expect(taken).toEqual(added.slice(added.length - taken.length))
      const lost = added.slice(0, added.length - taken.length)
      expect(Math.max(0, ...lost.map(({ revision }) => revision))).toBe(sets.compactedAt)
      const bytes = taken.reduce((sum, record) => sum + recordBytes(record), 0)
      if (lost.length > 0) expect(taken.length >= limits.recordsMax || bytes >= limits.bytesMax).toBe(true)
      // Not many times what is wanted: as much as is in one chunk, and that has cost at most 7 times its
      // bytes.
      expect(bytes).toBeLessThan(limits.bytesMax + 8 * 64 * 1024)
    }
  })

  test('are forgotten', () => {
    const sets = new ReplayedSets(NO_LIMITS)
    add(sets, 'a', 'x', 1)
    sets.clear()
    add(sets, 'b', 'y', 2)
    expect(sets.take()).toEqual([recordOf('b', 'y', 2)])
  })
})

describe('beside other changes', () => {
  test('they are in the order of revisions, and what is above the oldest is whole', () => {
    const random = seededRandom(5)
    for (let round = 0; round < 30; round++) {
      const limits = { recordsMax: 1 + random.below(1500), bytesMax: 1000 + random.below(400_000) }
      const past = new ReplayedChanges(limits)
      const added: number[] = []
      const forgetAt = random.below(3000)
      for (let revision = 1; revision < 3000; revision++) {
        if (revision === forgetAt) past.forget(revision - 1)
        added.push(revision)
        if (random.below(3) === 0) past.add(recordOf('other', 'x'.repeat(random.below(100)), revision))
        else add({ add: past.addPlainSet }, 'plain', 'y'.repeat(random.below(100)), revision)
      }
      const taken = past.take().map(({ revision }) => revision)
      expect(taken).toEqual(added.filter((revision) => revision > past.compactedAt))
      expect(past.compactedAt).toBeGreaterThanOrEqual(forgetAt - 1)
      expect(taken.length).toBeLessThanOrEqual(limits.recordsMax)
      if (limits.bytesMax > 2000 && limits.recordsMax > 10) expect(taken.length).toBeGreaterThan(0)
    }
  })
})

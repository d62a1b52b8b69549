/** One SCAN over several shards: nothing is left out, and nothing comes twice while nothing changes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeScans, type ScanPart } from '../../../src/keyspace/client/scan-merge.ts'
import { KeyTableWriter } from '../../../src/memory/index.ts'

const keys = (...hashes: number[]) => hashes.map((hash) => ({ key: `k${hash}`, hash }))

describe('the step of all', () => {
  test('goes as far as the shard that came least far, and leaves out what others found beyond', () => {
    const parts = [
      { cursor: 100, keys: keys(5, 99) },
      { cursor: 50, keys: keys(7, 49) },
      { cursor: 200, keys: keys(49, 50, 199) },
    ]
    expect(mergeScans(parts)).toEqual(['50', ['k5', 'k7', 'k49', 'k49']])
  })

  test('does not wait for shards that are at their end, whose keys beyond are left out too', () => {
    const parts = [
      { cursor: 0, keys: keys(1, 500) },
      { cursor: 50, keys: keys(2) },
    ]
    expect(mergeScans(parts)).toEqual(['50', ['k1', 'k2']])
  })

  test('is the last one when all are at their end', () => {
    const parts = [
      { cursor: 0, keys: keys(1, 2 ** 31) },
      { cursor: 0, keys: keys(2 ** 32 - 1) },
    ]
    expect(mergeScans(parts)).toEqual(['0', ['k1', 'k2147483648', 'k4294967295']])
    expect(mergeScans([])).toEqual(['0', []])
  })

  test('knows hashes with the topmost bit, however they are written', () => {
    const parts = [{ cursor: 2 ** 31 + 2, keys: keys((2 ** 31 + 1) | 0, (2 ** 31 + 2) | 0) }]
    expect(mergeScans(parts)).toEqual([String(2 ** 31 + 2), [`k${(2 ** 31 + 1) | 0}`]])
  })
})

test('a walk over real tables finds every key once, whatever the steps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(400), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 5 }),
      (sizes, counts) => {
        const tables = sizes.map((size, shard) => {
          const table = new KeyTableWriter({ segmentBytes: 2 ** 16, pageBytes: 1024, stripes: 8 })
          for (let i = 0; i < size; i++) table.putString(`${shard}:${i}`, '')
          return table
        })
        const found: string[] = []
        let cursor = 0
        let steps = 0
        do {
          const parts = tables.map((table) => scan(table, cursor, counts[steps % counts.length]!))
          const [next, more] = mergeScans(parts) as readonly [string, string[]]
          found.push(...more)
          const isFurther = next === '0' || Number(next) > cursor
          if (!isFurther) expect.fail(`from ${cursor} it went to ${next}`)
          cursor = Number(next)
          steps++
        } while (cursor !== 0)
        expect(found.length).toBe(sizes.reduce((sum, size) => sum + size))
        expect(new Set(found).size).toBe(found.length)
      },
    ),
    { numRuns: 30 },
  )
})

function scan(table: KeyTableWriter, from: number, count: number): ScanPart {
  const keys: { key: string; hash: number }[] = []
  const cursor = table.scan(from, count, (ref) => {
    keys.push({ key: table.keyOf(ref), hash: table.hashOf(ref) })
  })
  return { cursor, keys }
}

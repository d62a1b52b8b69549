import fc from 'fast-check'
import { expect, test } from 'vitest'
import { planSpread } from '../../../src/keyspace/host/spread.ts'

const dealt = (slots: number, shards: number): number[] =>
  Array.from({ length: slots }, (_, slot) => Math.floor((slot * shards) / slots))

function after(owners: readonly number[], shards: number, slotsMax?: number) {
  const moved = [...owners]
  for (const { from, to, slots } of planSpread(owners, shards, slotsMax)) {
    for (const slot of slots) {
      expect(moved[slot]).toBe(from)
      moved[slot] = to
    }
  }
  return moved
}

const countsOf = (owners: readonly number[], shards: number): number[] =>
  Array.from({ length: shards }, (_, shard) => owners.filter((owner) => owner === shard).length)

test('shards that were added get their share, from those that have more', () => {
  const owners = dealt(16_384, 2)
  const moved = after(owners, 4)
  expect(countsOf(moved, 4)).toEqual([4096, 4096, 4096, 4096])
  expect(moved.filter((owner, slot) => owner !== owners[slot]).length).toBe(8192)
})

test('nothing moves when nobody has too few', () => {
  expect(planSpread(dealt(16_384, 3), 3)).toEqual([])
  expect(planSpread([0, 0, 1], 2)).toEqual([])
})

test('whoever has what ends with equally many, and no slot moves twice, or in vain', () => {
  const world = fc
    .tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 5 }))
    .chain(([old, more, slotsMax]) =>
      fc.tuple(
        fc.array(fc.nat({ max: old - 1 }), { minLength: old + more, maxLength: 60 }),
        fc.constant(old + more),
        fc.constant(slotsMax),
      ),
    )
  fc.assert(
    fc.property(world, ([owners, shards, slotsMax]) => {
      const moves = planSpread(owners, shards, slotsMax)
      const slots = moves.flatMap((move) => move.slots)
      expect(new Set(slots).size).toBe(slots.length)
      expect(moves.every((move) => move.slots.length > 0 && move.slots.length <= slotsMax)).toBe(true)
      const before = countsOf(owners, shards)
      const counts = countsOf(after(owners, shards, slotsMax), shards)
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(2)
      const excess = before.map((count) => Math.max(0, count - Math.floor(owners.length / shards)))
      expect(slots.length).toBeLessThanOrEqual(excess.reduce((sum, one) => sum + one, 0))
    }),
  )
})

/**
 * Which slots go to shards that were added, so that all have equally many: some of each that has too many.
 *
 * Only as many move as must: a slot that moves costs its bytes twice. Shards that have too few are not made
 * equal at the cost of one that has its share.
 *
 * Tests: test/keyspace/host/spread.test.ts
 */
import type { SlotMove } from './balance.ts'

/** Slots in one move: what a callers' pause is about. */
const SLOTS_MAX = 256

/** The moves that make it so, in an order in which all new shards fill together. */
export function planSpread(owners: readonly number[], shards: number, slotsMax = SLOTS_MAX): SlotMove[] {
  const slotsOf = Array.from({ length: shards }, (): number[] => [])
  for (const [slot, owner] of owners.entries()) slotsOf[owner]!.push(slot)
  const share = Math.floor(owners.length / shards)
  // Those that have more than a share keep one more, as long as there are some left over.
  let leftOver = owners.length - share * shards
  const isLarge = slotsOf.map((slots) => slots.length > share && leftOver-- > 0)
  const wanted = slotsOf.map((_, shard) => share + (isLarge[shard] || leftOver-- > 0 ? 1 : 0))
  const moves: SlotMove[] = []
  const needs = (shard: number): number => wanted[shard]! - slotsOf[shard]!.length
  for (;;) {
    let isDone = true
    for (let to = 0; to < shards; to++) {
      if (needs(to) <= 0) continue
      const from = slotsOf.findIndex((_, shard) => needs(shard) < 0)
      if (from === -1) return moves
      const count = Math.min(slotsMax, needs(to), -needs(from))
      const slots = slotsOf[from]!.splice(-count)
      slotsOf[to]!.push(...slots)
      moves.push({ from, to, slots })
      isDone = false
    }
    if (isDone) return moves
  }
}

/**
 * Which slots to move so that shards are equally busy: a decision from measured load alone.
 *
 * The busiest shard gives to the idlest one, as long as each slot makes the two more alike: a slot that is by
 * itself more than half of the difference would only carry the heat along, and stays, unless its going leaves
 * the pair better off than before.
 *
 * Tests: test/keyspace/host/balance.test.ts
 */
import type { ShardLoad } from '../shard/slot-messages.ts'

/** When to move, and how much. */
export interface BalancePolicy {
  /** The busiest shard must have so many times the load of the idlest one. */
  readonly ratio: number
  /** Below so many commands in the period nothing is moved. */
  readonly commandsMin: number
  /** Slots per move. */
  readonly slotsMax: number
}

/** Slots to move. */
export interface SlotMove {
  readonly from: number
  readonly to: number
  readonly slots: readonly number[]
}

/** What each shard and slot did between two measurements. A shard that was started anew counts from 0. */
export function loadBetween(before: readonly ShardLoad[], after: readonly ShardLoad[]): ShardLoad[] {
  return after.map((now) => {
    const then = before.find(({ shard }) => shard === now.shard)
    if (then === undefined || then.commands > now.commands) return now
    const known = new Map(then.slots.map(({ slot, commands }) => [slot, commands]))
    return {
      shard: now.shard,
      commands: now.commands - then.commands,
      slots: now.slots
        .map(({ slot, commands }) => ({ slot, commands: (commands - (known.get(slot) ?? 0)) >>> 0 }))
        .sort((a, b) => b.commands - a.commands),
    }
  })
}

/** The move to make now; undefined: none is worth it. */
export function chooseMove(
  loads: readonly ShardLoad[],
  { ratio, commandsMin, slotsMax }: BalancePolicy,
): SlotMove | undefined {
  if (loads.length < 2) return undefined
  const sorted = [...loads].sort((a, b) => b.commands - a.commands)
  const busiest = sorted[0] as ShardLoad
  const idlest = sorted[sorted.length - 1] as ShardLoad
  if (busiest.commands < commandsMin || busiest.commands < idlest.commands * ratio) return undefined
  let difference = busiest.commands - idlest.commands
  const slots: number[] = []
  for (const { slot, commands } of busiest.slots) {
    if (slots.length >= slotsMax || commands === 0) break
    // Moving `commands` changes the difference by twice as much.
    if (Math.abs(difference - 2 * commands) >= difference) continue
    slots.push(slot)
    difference -= 2 * commands
    if (difference <= 0) break
  }
  return slots.length === 0 ? undefined : { from: busiest.shard, to: idlest.shard, slots }
}

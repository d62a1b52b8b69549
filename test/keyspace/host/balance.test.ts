/** Which slots to move: by example, and for any load. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type BalancePolicy, chooseMove, loadBetween } from '../../../src/keyspace/host/balance.ts'
import type { ShardLoad } from '../../../src/keyspace/shard/slot-messages.ts'

const POLICY: BalancePolicy = { ratio: 1.5, commandsMin: 100, slotsMax: 8 }

/** Shards by the commands of their slots. A slot's number tells its shard. */
function loads(...shards: number[][]): ShardLoad[] {
  return shards.map((counts, shard) => ({
    shard,
    commands: counts.reduce((sum, count) => sum + count, 0),
    slots: counts
      .map((commands, i) => ({ slot: shard * 1000 + i, commands }))
      .sort((a, b) => b.commands - a.commands),
  }))
}

describe('nothing is moved', () => {
  test.each<[string, ShardLoad[], Partial<BalancePolicy>]>([
    ['where there is one shard', loads([1000, 1000]), {}],
    ['where there is none', [], {}],
    ['below the load that counts', loads([49, 50], [0]), {}],
    ['below the ratio', loads([100, 99], [100, 40]), {}],
    ['from a shard whose only busy slot would carry its heat along', loads([1000, 0, 0], [0]), {}],
    [
      'where none of the slots is known',
      [{ shard: 0, commands: 900, slots: [] }, ...loads([], [0]).slice(1)],
      {},
    ],
    ['when no slot may be', loads([500, 500], [0]), { slotsMax: 0 }],
  ])('%s', (_, given, policy) => {
    expect(chooseMove(given, { ...POLICY, ...policy })).toBeUndefined()
  })
})

describe('what is moved', () => {
  test('goes from the busiest shard to the idlest, until they are alike', () => {
    const given = loads([100, 100], [300, 250, 30, 20], [10, 10])
    expect(chooseMove(given, POLICY)).toEqual({ from: 1, to: 2, slots: [1000] })
  })

  test('is several slots where one is not enough, and no more than allowed', () => {
    const given = loads(new Array<number>(40).fill(10), [0])
    const slots = (slotsMax: number) => chooseMove(given, { ...POLICY, slotsMax })?.slots.length
    expect([slots(100), slots(8), slots(1)]).toEqual([20, 8, 1])
  })

  test('leaves out the slot that is too hot, and takes what is beside it', () => {
    expect(chooseMove(loads([1000, 60, 40], [0]), POLICY)).toEqual({ from: 0, to: 1, slots: [0] })
    expect(chooseMove(loads([1000, 60, 40], [150]), POLICY)).toEqual({ from: 0, to: 1, slots: [1, 2] })
  })

  test('makes the pair more alike for any load, and never takes the heat to the other side', () => {
    fc.assert(
      fc.property(shardLoads, policies, (given, policy) => {
        const move = chooseMove(given, policy)
        const counts = given.map(({ commands }) => commands)
        const [most, least] = [Math.max(...counts), Math.min(...counts)]
        if (most < policy.commandsMin || most < least * policy.ratio) {
          expect(move).toBeUndefined()
          return
        }
        if (move === undefined) return
        const [from, to] = [given[move.from]!, given[move.to]!]
        expect([from.commands, to.commands]).toEqual([most, least])
        expect(move.slots.length).toBeGreaterThan(0)
        expect(move.slots.length).toBeLessThanOrEqual(policy.slotsMax)
        expect(new Set(move.slots).size).toBe(move.slots.length)
        const moved = move.slots.reduce((sum, slot) => {
          return sum + from.slots.find((one) => one.slot === slot)!.commands
        }, 0)
        expect(Math.max(most - moved, least + moved)).toBeLessThan(most)
        expect(Math.abs(most - least - 2 * moved)).toBeLessThan(most - least)
      }),
      { numRuns: 500 },
    )
  })

  test('comes to an end where the load stays the same', () => {
    fc.assert(
      fc.property(shardLoads, policies, (given, policy) => {
        let now: readonly ShardLoad[] = given
        let moves = 0
        for (; moves < 500; moves++) {
          const move = chooseMove(now, policy)
          if (move === undefined) break
          now = after(now, move.from, move.to, move.slots)
        }
        expect(moves).toBeLessThan(500)
        const spread = (all: readonly ShardLoad[]) => Math.max(...all.map(({ commands }) => commands))
        expect(spread(now)).toBeLessThanOrEqual(spread(given))
      }),
    )
  })
})

describe('the load between two measurements', () => {
  test('is the difference, slots by what they did in between', () => {
    const before = loads([10, 20, 30], [5])
    const now = loads([15, 20, 130], [5, 7])
    expect(loadBetween(before, now)).toEqual([
      {
        shard: 0,
        commands: 105,
        slots: [
          { slot: 2, commands: 100 },
          { slot: 0, commands: 5 },
          { slot: 1, commands: 0 },
        ],
      },
      {
        shard: 1,
        commands: 7,
        slots: [
          { slot: 1001, commands: 7 },
          { slot: 1000, commands: 0 },
        ],
      },
    ])
  })

  test('is all there is of a shard that is new, or began anew', () => {
    const [first, second] = loads([10], [3, 4]) as [ShardLoad, ShardLoad]
    expect(loadBetween([], [first])).toEqual([first])
    expect(loadBetween([{ ...second, commands: 100 }], [second])).toEqual([second])
  })

  test('goes on where the counter of a slot, of 32 bits, begins again', () => {
    const at = (commands: number, slot: number): ShardLoad => ({
      shard: 0,
      commands,
      slots: [{ slot: 1, commands: slot }],
    })
    expect(loadBetween([at(2 ** 33, 2 ** 32 - 5)], [at(2 ** 33 + 12, 7)])).toEqual([at(12, 12)])
  })
})

const shardLoads = fc
  .array(fc.array(fc.oneof(fc.nat(20), fc.nat(2000)), { maxLength: 12 }), { minLength: 2, maxLength: 6 })
  .map((shards) => loads(...shards))
const policies = fc.record({
  ratio: fc.constantFrom(1, 1.5, 3),
  commandsMin: fc.constantFrom(1, 100, 1000),
  slotsMax: fc.integer({ min: 1, max: 6 }),
})

function after(all: readonly ShardLoad[], from: number, to: number, slots: readonly number[]): ShardLoad[] {
  const moved = all[from]!.slots.filter(({ slot }) => slots.includes(slot))
  return all.map((load, shard) => {
    if (shard !== from && shard !== to) return load
    const kept = shard === from ? load.slots.filter((one) => !moved.includes(one)) : [...load.slots, ...moved]
    const sorted = [...kept].sort((a, b) => b.commands - a.commands)
    return { shard, commands: sorted.reduce((sum, { commands }) => sum + commands, 0), slots: sorted }
  })
}

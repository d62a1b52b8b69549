/**
 * Dozens of transactions over many shards in random orders: strictly serialisable, and all get to the end.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { type Parts, type Plot, TransactionWorld } from '../../support/transaction-world.ts'

const RUNS = process.env['SHL_SOAK'] ? 20_000 : 300

/** Steps per operation are about 4 per shard and attempt: so many mean that it goes on for ever. */
const STEPS_MAX = 200_000

function makePlot(seed: number, keyCount: number, wholeShare: number): Plot {
  const random = seededRandom(seed)
  const shards = 1 + random.below(6)
  const keysOf = (): string => {
    if (random.next() < wholeShare) return '*'
    return Array.from({ length: 1 + random.below(3) }, () => {
      const key = String.fromCharCode(97 + random.below(keyCount))
      return random.next() < 0.6 ? key.toUpperCase() : key
    }).join(' ')
  }
  const parts = (count: number): Parts => {
    const chosen: Record<number, string> = {}
    for (let i = 0; i < count; i++) chosen[random.below(shards)] = keysOf()
    return chosen
  }
  return {
    shards,
    transactions: Array.from({ length: 2 + random.below(24) }, () => ({
      parts: parts(1 + random.below(4)),
      hops: random.next() < 0.3 ? 2 : 1,
    })),
    clients: Array.from({ length: random.below(5) }, () =>
      Array.from({ length: 1 + random.below(10) }, () => parts(1)),
    ),
  }
}

function runToEnd(plot: Plot, seed: number): TransactionWorld {
  const random = seededRandom(seed)
  const world = new TransactionWorld(plot)
  for (let count = 0; count < STEPS_MAX; count++) {
    const steps = world.steps()
    if (steps.length === 0) {
      world.checkEnd()
      return world
    }
    world.take(steps[random.below(steps.length)]!)
    world.check()
  }
  throw new Error('it goes on for ever')
}

describe('in random orders of messages', () => {
  test.each([
    ['few keys', 2, 0],
    ['many keys', 12, 0],
    ['few keys, and sometimes all of a shard', 3, 0.1],
  ])('%s', (_name, keyCount, wholeShare) => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (plotSeed, seed) => {
        runToEnd(makePlot(plotSeed, keyCount, wholeShare), seed)
      }),
      { numRuns: RUNS },
    )
  })
})

test('refusals are few, even when messages come in any order', () => {
  let refusals = 0
  let operations = 0
  for (let seed = 0; seed < 200; seed++) {
    const world = runToEnd(makePlot(seed, 3, 0), seed + 1)
    refusals += world.refusals
    operations += world.operations.length
  }
  expect(refusals).toBeGreaterThan(0)
  expect(refusals / operations).toBeLessThan(2)
})

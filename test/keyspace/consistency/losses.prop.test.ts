/**
 * Threads are lost, with the shards and the clients on them: whoever is left has all of a transaction or nothing
 * of it, is told of errors that say to ask again, waits for nobody who is gone, and keeps its promises.
 */
import { expect, test } from 'vitest'
import { judgeLosses } from '../../support/consistency/losses.ts'
import { seedsOf } from '../../support/consistency/simulated-clients.ts'

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0

test('what is left is whole, and free, when threads are lost', async () => {
  for (const seed of seedsOf(SOAK ? 5000 : 60)) {
    expect(await judgeLosses(seed, false), `losses, seed ${seed}`).toEqual([])
  }
})

test('nobody waits for ever when threads are lost while slots move', async () => {
  for (const seed of seedsOf(SOAK ? 5000 : 40)) {
    expect(await judgeLosses(seed, true), `losses and moves, seed ${seed}`).toEqual([])
  }
})

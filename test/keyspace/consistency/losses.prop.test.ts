/**
 * Threads are lost, with the shards and the clients on them: whoever is left has all of a transaction or
 * nothing of it, is told of errors that say to ask again, waits for nobody who is gone, and keeps its
 * promises.
 */
import { expect, test } from 'vitest'
import { judgeLosses } from '../../support/consistency/losses.ts'
import { seedsOf } from '../../support/consistency/simulated-clients.ts'

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0
const TIMEOUT_MS = SOAK ? 3_600_000 : 120_000

test('what is left is whole, and free, when threads are lost', { timeout: TIMEOUT_MS }, async () => {
  for (const seed of seedsOf(SOAK ? 5000 : 20)) {
    expect(await judgeLosses(seed, {}), `losses, seed ${seed}`).toEqual([])
  }
})

test('nobody waits for ever when threads are lost while slots move', { timeout: TIMEOUT_MS }, async () => {
  for (const seed of seedsOf(SOAK ? 5000 : 20)) {
    expect(await judgeLosses(seed, { moves: true }), `losses and moves, seed ${seed}`).toEqual([])
  }
})

test('what a lost shard had decided is done by the others, all of it', { timeout: TIMEOUT_MS }, async () => {
  for (const seed of seedsOf(SOAK ? 5000 : 20)) {
    expect(await judgeLosses(seed, { atDecision: true }), `decisions, seed ${seed}`).toEqual([])
  }
})

test('reads of memory end when nobody has told this thread of a table (seed 383)', async () => {
  expect(await judgeLosses(383, {})).toEqual([])
})

/**
 * Histories of random clients, in many schedules, thousands in a soak: what the keyspace promises of order
 * and of transactions holds, while slots move, threads stall, rings are full, and wake-ups are lost.
 */
import { expect, test } from 'vitest'
import { judge } from '../../support/consistency/judge.ts'
import { type Chaos, seedsOf, simulateClients } from '../../support/consistency/simulated-clients.ts'

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0
const TIMEOUT_MS = SOAK ? 3_600_000 : 120_000

async function judgeSeeds(name: string, count: number, chaos: Chaos): Promise<void> {
  for (const seed of seedsOf(count)) {
    const { notes } = await simulateClients(seed, chaos)
    expect(judge(notes), `${name}, seed ${seed}`).toEqual([])
  }
}

test('histories of clients on several threads are as promised', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds('calm', SOAK ? 2000 : 10, {})
})

test('they are while slots move', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds('moves', SOAK ? 4000 : 20, { moves: true })
})

test('they are while threads stall and rings are full', { timeout: TIMEOUT_MS }, async () => {
  const faults = { rate: 0.01, countMax: 12, types: ['stall_thread', 'fill_rings'] as const }
  await judgeSeeds('stalls', SOAK ? 4000 : 16, { moves: true, faults })
})

test('they are while wake-ups are lost, and commands time out', { timeout: TIMEOUT_MS }, async () => {
  const faults = { rate: 0.005, countMax: 6, types: ['stall_thread', 'fill_rings'] as const }
  await judgeSeeds('bells', SOAK ? 2000 : 10, { moves: true, faults, losesBell: true, timeoutMs: 50 })
})

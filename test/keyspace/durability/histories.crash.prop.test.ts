/**
 * Histories of random clients through several lives of a keyspace with logs, in simulated worlds: processes
 * are killed, the power is cut, threads are lost, and what clients are told over all lives is as promised for
 * the level that was asked for.
 *
 * In `docs/SEMANTICS.md`, "Durability": what was acknowledged is there, nobody was told of what is not, each
 * shard has an exact prefix, transactions over shards are whole, tokens grow.
 */
import { expect, test, vi } from 'vitest'
import { judgeErrors } from '../../support/consistency/judge.ts'
import { seedsOf } from '../../support/consistency/simulated-clients.ts'
import { judgeLives } from '../../support/histories/judge-lives.ts'
import { judgePrefixes } from '../../support/histories/judge-prefixes.ts'
import { type LivesPlan, simulateLives, type ToldLives } from '../../support/histories/lives.ts'

vi.mock('../../../src/storage/directory-lock.ts', async () => ({
  lockDirectory: (await import('../../support/histories/no-lock.ts')).noLock,
}))

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0
const TIMEOUT_MS = SOAK ? 36_000_000 : 120_000
/** Each costs a tenth of a second. */
const SEEDS_SOAK = 1500
const ERRORS = ['SHL_SHARD_DOWN', 'SHL_ASK_TIMEOUT', 'SHL_THREAD_LOST']

async function judgeSeeds(
  few: number,
  plan: LivesPlan,
  judge: (told: ToldLives) => readonly string[],
): Promise<void> {
  for (const seed of seedsOf(SOAK ? SEEDS_SOAK : few)) {
    const told = await simulateLives(seed, { lives: SOAK ? 3 : 2, ...plan })
    expect(judge(told), `${JSON.stringify(plan)}, seed ${seed}`).toEqual([])
    // Nobody was lost but with the process, or is told to ask again.
    const notes = told.lives.flatMap((life) => life.notes)
    const allowed = plan.losses === true ? ERRORS : []
    expect(judgeErrors(notes, allowed), `${JSON.stringify(plan)}, seed ${seed}`).toEqual([])
  }
}

test('with os, histories go on when processes are killed', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds(5, { level: 'os' }, judgeLives)
})

test('with fsync, they go on when the power is cut', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds(5, { level: 'fsync', death: 'power cut' }, judgeLives)
})

test('they go on when threads and shards are lost in between', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds(3, { level: 'os', losses: true }, judgeLives)
  await judgeSeeds(2, { level: 'fsync', death: 'power cut', losses: true }, judgeLives)
})

test('with less than is lost, each shard goes on from one moment', { timeout: TIMEOUT_MS }, async () => {
  await judgeSeeds(2, { level: 'memory', death: 'power cut' }, judgePrefixes)
  await judgeSeeds(1, { level: 'memory' }, judgePrefixes)
  await judgeSeeds(2, { level: 'os', death: 'power cut' }, judgePrefixes)
})

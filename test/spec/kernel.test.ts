/** The specification in simulated worlds: many schedules, most of them rarer than a machine's. */
import { expect, test } from 'vitest'
import { explore, simulate } from '../../src/testkit/index.ts'
import type { Simulation } from '../../src/testkit/simulation.ts'
import * as spec from './kernel-spec.ts'

const ACTORS = new URL('./actors.mjs', import.meta.url)
const RUNS = 60

async function simulatedWorld(sim: Simulation): Promise<spec.SpecWorld> {
  const actors = (await sim.external(() => import(ACTORS.href))) as Record<string, never>
  return {
    start: (actor, thread) => sim.spawn(actors[actor]!, { thread }) as Promise<spec.SpecRef>,
    pause: (ms) => sim.advance(ms),
    loseThread: async (id) => sim.loseThread(id),
  }
}

const specs = Object.entries(spec) as [string, (world: spec.SpecWorld) => Promise<void>][]

test.each(specs)('%s', async (_name, holds) => {
  const report = await explore({ runs: RUNS }, async (sim) => holds(await simulatedWorld(sim)))
  expect(report.runs).toBe(RUNS)
})

test.each(specs)('%s, while threads stall and rings are full', async (_name, holds) => {
  const faults = { rate: 0.02, types: ['stall_thread', 'fill_rings'] as const }
  // A ring that is full refuses tells for good reason: only what the specification counts on may be sent.
  const types = holds === spec.tellsEachWatcherOnce ? (['stall_thread'] as const) : faults.types
  await explore({ runs: RUNS, faults: { ...faults, types } }, async (sim) => holds(await simulatedWorld(sim)))
})

test('it holds with a runtime that is closed afterwards, and nothing is cut', async () => {
  await simulate({ seed: 4 }, async (sim) => {
    await spec.keepsOrderPerSender(await simulatedWorld(sim))
    expect(await sim.runtime.close()).toMatchObject({ cut: [], lostThreads: [] })
  })
})

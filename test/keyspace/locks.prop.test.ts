/** Locks in simulated worlds: threads stall and are lost, clocks jump, and every history has an order. */
import { expect, test } from 'vitest'
import {
  checkLinearizable,
  explore,
  lockModel,
  type SimulateOptions,
  type Simulation,
  simulate,
} from '../../src/testkit/index.ts'
import { LockWorld, type LockWorldOptions } from '../support/lock-world.ts'

const SCALE = process.env['SHL_SOAK'] ? 50 : 1
const THREADS = 2
const KEYSPACE = { threads: THREADS, keyspace: { shards: 2, segmentBytes: 2 ** 20 } }
const STALLS: SimulateOptions = { ...KEYSPACE, faults: { rate: 0.02, types: ['stall_thread', 'fill_rings'] } }
const LOSSES: SimulateOptions = {
  ...KEYSPACE,
  faults: { rate: 0.004, types: ['lose_thread', 'stall_thread'], countMax: 2 },
}
const FAIR = { actors: 4, rounds: 3, isFenced: true, isLossy: false }

/** What runs have met: tests assert that it was not nothing. */
interface Met {
  losses: number
  fenced: number
  accepted: number
  /** Histories for which the search gave up: those of shards that were lost say little about when. */
  undecided: number
}

function nothingMet(): Met {
  return { losses: 0, fenced: 0, accepted: 0, undecided: 0 }
}

/** What is wrong with a run, if anything. */
interface Verdict {
  /** By the store itself: no write below one that it had taken before. */
  readonly isInOrder: boolean
  readonly isLinearizable: boolean
  readonly text: string
  readonly isDeserted: boolean
}

async function contend(sim: Simulation, options: LockWorldOptions, met: Met): Promise<Verdict> {
  const world = new LockWorld(sim, options)
  const jumps = sim.random.below(3)
  for (let i = 0; i < jumps; i++) {
    const forth = sim.random.below(2) === 0
    sim.clock.after(sim.random.below(100), () => sim.jumpWallClock(forth ? 3_600_000 : -3_600_000))
  }
  await world.run(THREADS)
  const lists = await world.written()
  const outcome = checkLinearizable(world.history(), lockModel(), { stepsMax: 200_000, shrinkStepsMax: 0 })
  met.losses += world.losses
  if (outcome.ok === undefined) met.undecided++
  met.fenced += world.fenced
  met.accepted += lists.flat().length
  return {
    isInOrder: inOrder(lists),
    isLinearizable: outcome.ok === true || (options.isLossy && outcome.ok === undefined),
    text: outcome.text,
    isDeserted: await world.isDeserted(),
  }
}

function inOrder(lists: readonly (readonly string[])[]): boolean {
  return lists.every((tokens) =>
    tokens.every((token, i) => i === 0 || Number(tokens[i - 1]) <= Number(token)),
  )
}

async function expectGood(sim: Simulation, options: LockWorldOptions, met: Met): Promise<void> {
  const { text, ...verdict } = await contend(sim, options, met)
  expect(verdict, text).toEqual({ isInOrder: true, isLinearizable: true, isDeserted: true })
}

test('every history of a lock has an order, whichever threads stall and actors fail', async () => {
  const met = nothingMet()
  await explore({ ...STALLS, runs: 50 * SCALE, shrinkRunsMax: 50 }, (sim) => expectGood(sim, FAIR, met))
  // It was not an easy life.
  expect(met.losses).toBeGreaterThan(5)
  expect(met.fenced).toBeGreaterThan(5)
  expect(met.accepted).toBeGreaterThan(200)
})

test('also when threads are lost, with the holders, the waiters and the shards on them', async () => {
  const met = nothingMet()
  const lossy = { ...FAIR, isLossy: true }
  await explore({ ...LOSSES, runs: 30 * SCALE, shrinkRunsMax: 50 }, (sim) => expectGood(sim, lossy, met))
  expect(met.accepted).toBeGreaterThan(50)
  expect(met.undecided).toBeLessThan(2 * SCALE)
})

test('a store that does not ask for the token is found out', async () => {
  const met = nothingMet()
  const careless = { ...FAIR, isFenced: false }
  const found = { outOfOrder: 0, notLinearizable: 0 }
  for (let seed = 0; seed < 100 && (found.outOfOrder === 0 || found.notLinearizable === 0); seed++) {
    const { isInOrder, isLinearizable } = await simulate({ ...STALLS, seed }, (sim) =>
      contend(sim, careless, met),
    )
    if (!isInOrder) found.outOfOrder++
    if (!isLinearizable) found.notLinearizable++
  }
  expect(found.outOfOrder).toBeGreaterThan(0)
  expect(found.notLinearizable).toBeGreaterThan(0)
})

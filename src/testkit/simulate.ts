/**
 * `simulate`: a whole runtime on one thread, in virtual time, in an order that a seed decides.
 *
 * Runtime, pool, actor systems, pumps, rings and supervision are the real ones. Replaced are clock, chance,
 * scheduler, channels and threads, so that a run depends on nothing but its options. What it cannot own is
 * what a program takes from elsewhere: `Date.now`, `setTimeout`, files, the network.
 *
 * Tests: test/testkit/simulate.test.ts
 */
import { numberOption, seededRandom, toError } from '../base/index.ts'
import { KeyspaceRuntime, type KeyspaceRuntimeOptions, loadKeyspace } from '../keyspace/index.ts'
import { loadSubsystems, loadTrees } from '../supervise/index.ts'
import { withoutTrailingZeros } from './decisions.ts'
import { checkFaults, type FaultOptions, FaultPlan, type PlannedFault } from './faults.ts'
import { type MachineDoubles, SimulatedMachine } from './simulated-machine.ts'
import { Simulation } from './simulation.ts'
import { World } from './world.ts'

/** Options of `simulate`: those of a simulation, and those of its runtime. */
export interface SimulateOptions extends KeyspaceRuntimeOptions {
  /** Decides every order, and all chance. Default 0. */
  readonly seed?: number
  /** Decides the order instead of the seed: each a choice among what is ready, 0 the oldest. */
  readonly choices?: readonly number[]
  readonly faults?: FaultOptions
  /** Tasks that may be run. Default 200,000. */
  readonly stepsMax?: number
  /** Virtual time that may pass. Default one hour. */
  readonly virtualMsMax?: number
}

/** What gives a run again. */
export interface Replay {
  readonly seed: number
  readonly choices: readonly number[]
  readonly faults: { readonly plan: readonly PlannedFault[] }
}

/** @internal How a run ended, and what it was. */
export interface Outcome<T> extends Replay {
  readonly value: T | undefined
  readonly error: Error | undefined
  readonly steps: number
  readonly log: readonly string[]
}

/** Of the seed, one stream each: none changes when more is drawn of another. */
const FAULT_STREAM = 0x5eed_fa17
const RUNTIME_STREAM = 0x5eed_0a57
const BODY_STREAM = 0x5eed_b0d7
const STEPS_MAX = 200_000
const HOUR_MS = 3_600_000
const CHOICES_SHOWN_MAX = 200
/** Enough for a test, and soon allocated: a search makes thousands of worlds. */
const LIMITS = { ringBytes: 64 * 1024, actorsMax: 1024, asksMax: 1024, metricsMax: 128 }

/**
 * Runs `body` in a simulated world until it is done. What is left of the world then is forgotten: nothing in
 * it holds the process.
 *
 * @throws what `body` throws, with the seed in its message; SHL_SIMULATION_DEADLOCK, SHL_SIMULATION_STEPS,
 * SHL_SIMULATION_TIME, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { defineActor } from 'shardloom'
 * import { simulate } from 'shardloom/testing'
 *
 * const echo = defineActor({ name: 'echo', receive: { say: (_state, text: string) => text } })
 * await simulate({ seed: 7, threads: 2 }, async (sim) => {
 *   const ref = await sim.spawn(echo, { thread: 1 })
 *   const text: string = await ref.ask('say', 'hello')
 * })
 * ```
 */
export async function simulate<T>(
  options: SimulateOptions,
  body: (sim: Simulation) => Promise<T> | T,
): Promise<T> {
  const outcome = await runSimulation(options, body)
  if (outcome.error !== undefined) throw withReplay(outcome.error, outcome)
  return outcome.value as T
}

/** @internal Runs once, and tells everything; throws only for options that make no sense. */
export async function runSimulation<T>(
  options: SimulateOptions,
  body: (sim: Simulation) => Promise<T> | T,
  doubles: MachineDoubles = {},
): Promise<Outcome<T>> {
  const { seed = 0, choices, faults = {}, stepsMax, virtualMsMax, ...runtimeOptions } = options
  const seedRange = { min: 0, max: 2 ** 32 - 1, integer: true }
  numberOption('seed', seed, 0, seedRange)
  checkFaults(faults)
  const world = new World({
    seed,
    choices,
    stepsMax: numberOption('stepsMax', stepsMax, STEPS_MAX, { min: 1, max: 1e9, integer: true }),
    virtualMsMax: numberOption('virtualMsMax', virtualMsMax, HOUR_MS, { min: 1, max: 1e15 }),
  })
  // Loaded before anything runs: trees and subsystems must not wait for files of the real world.
  await loadTrees()
  await loadSubsystems()
  if (options.keyspace !== undefined) await loadKeyspace()
  const machine = new SimulatedMachine(world, seededRandom(seed ^ RUNTIME_STREAM), doubles)
  const runtime = new KeyspaceRuntime(
    { threads: 2, idle: 'park', ...runtimeOptions, limits: { ...LIMITS, ...runtimeOptions.limits } },
    machine.platform(),
  )
  const plan = new FaultPlan(faults, seed ^ FAULT_STREAM)
  const random = seededRandom(seed ^ BODY_STREAM)
  const sim = new Simulation({ seed, world, machine, runtime, random, plan })
  const outcome = (value: T | undefined, error: Error | undefined): Outcome<T> => {
    const { faults, steps, log } = sim
    return { seed, choices: sim.choices, faults: { plan: faults }, value, error, steps, log }
  }
  try {
    const value = await world.run(startAndRun(sim, runtime, body))
    return outcome(value, undefined)
  } catch (thrown) {
    return outcome(undefined, toError(thrown))
  }
}

async function startAndRun<T>(
  sim: Simulation,
  runtime: KeyspaceRuntime,
  body: (sim: Simulation) => Promise<T> | T,
): Promise<T> {
  await runtime.start()
  sim.allowFaults()
  return body(sim)
}

/** How to see a run again, as the options of `simulate`. */
export function replayText({ seed, choices, faults }: Replay): string {
  const parts = [`seed: ${seed}`]
  const plain = withoutTrailingZeros(choices)
  if (plain.length > 0) parts.push(`choices: [${plain.join(', ')}]`)
  if (faults.plan.length > 0) parts.push(`faults: { plan: ${JSON.stringify(faults.plan)} }`)
  return `{ ${parts.join(', ')} }`
}

/** The error, which now says how it is seen again. Its class and its stack are what they were. */
function withReplay(error: Error, outcome: Outcome<unknown>): Error {
  const choices = withoutTrailingZeros(outcome.choices)
  const shown = choices.length <= CHOICES_SHOWN_MAX ? choices.join(',') : `${choices.length} of them`
  const text = `simulation: seed=${outcome.seed} steps=${outcome.steps} choices=${shown}`
  const { seed, faults, log } = outcome
  try {
    error.message = `${error.message}\n(${text})`
    const value = { seed, choices, faults, log }
    Object.defineProperty(error, 'simulation', { value, enumerable: false, configurable: true })
  } catch {
    // A frozen error is thrown as it is.
  }
  return error
}

/**
 * `explore`: many schedules of one scenario, and the smallest of those that fail.
 *
 * Each run has a seed of its own. A run that fails is a list of deviations from first come, first served, and
 * a list of faults; whatever the failure does not need is left out, the last bit by fast-check. What is left
 * is what the failure is about. A smaller schedule counts only when it fails with the same kind of error.
 *
 * Source: QuickCheck's shrinking; Zeller's delta debugging; the schedules of Shuttle and of Coyote.
 * Tests: test/testkit/explore.test.ts
 */
import { checkKnownOptions, numberOption, ShardloomError } from '../base/index.ts'
import type { PlannedFault } from './faults.ts'
import { type Outcome, type Replay, replayText, runSimulation, type SimulateOptions } from './simulate.ts'
import type { MachineDoubles } from './simulated-machine.ts'
import type { Simulation } from './simulation.ts'

/** Options of `explore`. */
export interface ExploreOptions extends Omit<SimulateOptions, 'choices'> {
  /** How many schedules. */
  readonly runs: number
  /** Of the first run; each further one has the next. Default 0. */
  readonly seed?: number
  /** Runs to make a failure smaller. Default 1,000. */
  readonly shrinkRunsMax?: number
}

/** What a search without a failure has seen. */
export interface ExploreReport {
  readonly runs: number
  /** Tasks, of all runs. */
  readonly steps: number
}

/** A choice that is not the oldest task: where in the list, and which. */
type Deviation = readonly [at: number, choice: number]

const SHRINK_RUNS_MAX = 1000

/**
 * Runs `body` under many schedules. Needs `fast-check` to make a failure smaller.
 *
 * @throws SHL_SCHEDULE_FAILS with the smallest schedule, its error as the cause; SHL_PEER_MISSING,
 * SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
 * @example
 * ```ts
 * import { explore } from 'shardloom/testing'
 *
 * await explore({ runs: 100, threads: 2, faults: { rate: 0.01 } }, async (sim) => {
 *   const probe = await sim.probe({ thread: 1 })
 *   probe.ref.tell('hello')
 *   await probe.expectMessage('hello')
 * })
 * ```
 */
export function explore(
  options: ExploreOptions,
  body: (sim: Simulation) => Promise<unknown> | unknown,
): Promise<ExploreReport> {
  return exploreWith(options, body, {})
}

/** @internal */
export async function exploreWith(
  options: ExploreOptions,
  body: (sim: Simulation) => Promise<unknown> | unknown,
  doubles: MachineDoubles,
): Promise<ExploreReport> {
  const { runs, seed = 0, shrinkRunsMax = SHRINK_RUNS_MAX, ...rest } = options
  if ('choices' in rest)
    checkKnownOptions(
      'explore',
      rest,
      Object.keys(rest).filter((key) => key !== 'choices'),
    )
  const range = { min: 0, max: 2 ** 31, integer: true }
  numberOption('runs', runs, 0, range)
  numberOption('shrinkRunsMax', shrinkRunsMax, 0, range)
  let steps = 0
  for (let run = 0; run < runs; run++) {
    const outcome = await runSimulation({ ...rest, seed: (seed + run) >>> 0 }, body, doubles)
    steps += outcome.steps
    if (outcome.error === undefined) continue
    const replay = (replay: Replay) => runSimulation({ ...rest, ...replay }, body, doubles)
    const smallest = await shrink(outcome, replay, shrinkRunsMax)
    throw scheduleError(run, runs, smallest)
  }
  return { runs, steps }
}

/** The smallest run that fails in the same way. */
async function shrink(
  failed: Outcome<unknown>,
  run: (replay: Replay) => Promise<Outcome<unknown>>,
  runsMax: number,
): Promise<Outcome<unknown>> {
  const fc = await loadFastCheck()
  const kind = kindOf(failed.error)
  let smallest = failed
  let runs = 0
  const passes = async (
    deviations: readonly Deviation[],
    plan: readonly PlannedFault[],
  ): Promise<boolean> => {
    if (runs++ >= runsMax) return true
    const outcome = await run({ seed: failed.seed, choices: choicesOf(deviations), faults: { plan } })
    if (outcome.error === undefined || kindOf(outcome.error) !== kind) return true
    smallest = { ...outcome, choices: choicesOf(deviations), faults: { plan } }
    return false
  }
  const { plan } = failed.faults
  const few = await without(
    deviationsOf(failed.choices),
    async (deviations) => !(await passes(deviations, plan)),
  )
  const choices = fc.array(fc.tuple(fc.nat(), fc.nat()))
  const example: [[number, number][], PlannedFault[]] = [few, [...plan]]
  const property = fc.asyncProperty(choices, fc.subarray([...plan]), passes)
  await fc.check(property, { numRuns: 1, examples: [example] })
  return smallest
}

/**
 * What is left of a list when all is left out, in ever smaller pieces, that `fails` does without. A schedule
 * has hundreds of deviations: fast-check alone takes them from one end, and comes too late to the others.
 */
async function without<T>(list: T[], fails: (rest: T[]) => Promise<boolean>): Promise<T[]> {
  let rest = list
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < rest.length; ) {
      const fewer = rest.toSpliced(at, size)
      if (await fails(fewer)) rest = fewer
      else at += size
    }
  }
  return rest
}

function deviationsOf(choices: readonly number[]): [number, number][] {
  return choices.flatMap((choice, at) => (choice === 0 ? [] : [[at, choice] as [number, number]]))
}

function choicesOf(deviations: readonly Deviation[]): number[] {
  const length = deviations.reduce((max, [at]) => Math.max(max, at + 1), 0)
  const choices = new Array<number>(length).fill(0)
  for (const [at, choice] of deviations) choices[at] = choice
  return choices
}

/** What makes two failures the same: not the message, which names times and addresses. */
function kindOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return `${error?.name} ${String(code)}`
}

function scheduleError(run: number, runs: number, smallest: Outcome<unknown>): ShardloomError {
  const { error } = smallest
  const details = { run, runs, error: error?.message, replay: replayText(smallest) }
  const failure = new ShardloomError('SHL_SCHEDULE_FAILS', details, { cause: error })
  const { seed, choices, faults, log } = smallest
  return Object.defineProperty(failure, 'simulation', { value: { seed, choices, faults, log } })
}

/** Loaded by a name that bundlers do not follow: it may not be installed. */
async function loadFastCheck(): Promise<typeof import('fast-check')> {
  const name = 'fast-check'
  try {
    return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as typeof import('fast-check')
  } catch (cause) {
    const details = { package: name, purpose: 'making a failing schedule smaller' }
    throw new ShardloomError('SHL_PEER_MISSING', details, { cause })
  }
}

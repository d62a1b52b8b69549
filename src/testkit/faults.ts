/**
 * Faults: what a simulation can break, as data, so that a failure is replayed and made smaller.
 *
 * A fault happens between two steps. Random ones are drawn from a seed of their own, so that other schedules
 * of the same seed meet the same ones; each is recorded with the step before which it came.
 * Source: FoundationDB's "buggify"; Jepsen's nemesis.
 * Tests: test/testkit/faults.test.ts
 */
import type { ThreadLossCause } from '../actor/index.ts'
import { checkKnownOptions, choiceOption, numberOption, type Random, seededRandom } from '../base/index.ts'

/** One thing that goes wrong. Discriminated by `type`. */
export type Fault =
  /** A worker ends; with `losesBells` the wake-ups that it rang last are lost with it. */
  | {
      readonly type: 'lose_thread'
      readonly thread: number
      readonly cause: ThreadLossCause
      readonly losesBells: boolean
    }
  /** The `index`th actor of a thread fails, counted from the oldest one that is not the runtime's own. */
  | { readonly type: 'crash_actor'; readonly thread: number; readonly index: number }
  /** A thread runs nothing for a while. */
  | { readonly type: 'stall_thread'; readonly thread: number; readonly forMs: number }
  /** What a thread sends finds no room for a while. */
  | { readonly type: 'fill_rings'; readonly thread: number; readonly forMs: number }
  /** The next wake-ups do not arrive. Nothing recovers from that but by its deadline. */
  | { readonly type: 'lose_bells'; readonly count: number; readonly thread?: number }

/** The name of a kind of fault. */
export type FaultType = Fault['type']

/** A fault with its moment. */
export type PlannedFault = Fault & { readonly atStep: number }

/** Which faults come by themselves. */
export interface FaultOptions {
  /** How likely a fault is before each step, 0 to 1. Default 0. */
  readonly rate?: number
  /** The kinds that are drawn. Default: all that a program is meant to survive. */
  readonly types?: readonly FaultType[]
  /** At most so many. Default 5. */
  readonly countMax?: number
  /** Exactly these, instead of random ones. */
  readonly plan?: readonly PlannedFault[]
}

const TYPES: readonly FaultType[] = ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings', 'lose_bells']
const SURVIVABLE: readonly FaultType[] = ['lose_thread', 'crash_actor', 'stall_thread', 'fill_rings']
const CAUSES: readonly ThreadLossCause[] = ['crashed', 'out_of_memory', 'process_exit']
const FOR_MS_MAX = 20
const ACTORS_MAX = 8

/** Checks the options. @throws SHL_OPTION_UNKNOWN, SHL_OPTION_INVALID */
export function checkFaults(options: FaultOptions): void {
  checkKnownOptions('simulate: faults', options, ['rate', 'types', 'countMax', 'plan'])
  numberOption('faults.rate', options.rate, 0, { min: 0, max: 1 })
  numberOption('faults.countMax', options.countMax, 0, { min: 0, max: 1e6, integer: true })
  for (const type of options.types ?? []) choiceOption('faults.types', type, type, TYPES)
  for (const { type } of options.plan ?? []) choiceOption('faults.plan: type', type, type, TYPES)
}

/** Says which faults are due. */
export class FaultPlan {
  readonly #options: FaultOptions
  readonly #random: Random
  #count = 0

  constructor(options: FaultOptions, seed: number) {
    this.#options = options
    this.#random = seededRandom(seed)
  }

  /** The faults that come before a step; `workers` are the threads that can be lost. */
  due(step: number, workers: readonly number[]): Fault[] {
    const { plan, rate = 0, countMax = 5 } = this.#options
    if (plan !== undefined) return plan.filter((fault) => fault.atStep === step)
    if (rate === 0 || this.#count >= countMax || this.#random.next() >= rate) return []
    this.#count++
    return [this.#draw(workers)]
  }

  #draw(workers: readonly number[]): Fault {
    const random = this.#random
    const { types = SURVIVABLE } = this.#options
    const type = types[random.below(types.length)]!
    const worker = workers[random.below(workers.length)] ?? 0
    const thread = random.below(2) === 0 ? 0 : worker
    const forMs = 1 + random.below(FOR_MS_MAX)
    switch (type) {
      case 'lose_thread': {
        const cause = CAUSES[random.below(CAUSES.length)]!
        return { type, thread: worker, cause, losesBells: random.below(2) === 1 }
      }
      case 'crash_actor':
        return { type, thread, index: random.below(ACTORS_MAX) }
      case 'stall_thread':
      case 'fill_rings':
        return { type, thread, forMs }
      case 'lose_bells':
        return { type, count: 1 + random.below(3) }
    }
  }
}

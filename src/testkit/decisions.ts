/**
 * The decisions of a simulation: drawn from a seed, or given as a list, and recorded either way.
 *
 * Zero always means the plainest thing: the oldest task, no interruption. A list that has run out goes on
 * with zeros, so that a schedule is its few deviations from first come, first served.
 * Tests: test/testkit/decisions.test.ts
 */
import { type Random, seededRandom } from '../base/index.ts'

/** Decides, and remembers what. */
export class Decisions {
  /** What was decided so far. Given again as a list, it gives the same schedule. */
  readonly made: number[] = []
  readonly #random: Random
  readonly #given: readonly number[] | undefined

  constructor(seed: number, given: readonly number[] | undefined) {
    this.#random = seededRandom(seed)
    this.#given = given
  }

  /** One of `count`. */
  pick(count: number): number {
    return count <= 1 ? 0 : this.#decide(count, () => this.#random.below(count))
  }

  /** Zero, or, as seldom as `rate` says, one of 1 to `count`. */
  pickRarely(count: number, rate: number): number {
    if (count === 0) return 0
    return this.#decide(count + 1, () => (this.#random.next() < rate ? 1 + this.#random.below(count) : 0))
  }

  #decide(count: number, draw: () => number): number {
    const choice = this.#given === undefined ? draw() : (this.#given[this.made.length] ?? 0) % count
    this.made.push(choice)
    return choice
  }
}

/** A list of decisions without the zeros at its end, which mean nothing. */
export function withoutTrailingZeros(choices: readonly number[]): number[] {
  return choices.slice(0, choices.findLastIndex((choice) => choice !== 0) + 1)
}

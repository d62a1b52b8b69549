/**
 * Every sequence of choices that a test can make: random generation without the chance.
 *
 * The test asks for a number wherever it has a choice, as it would ask a generator; `while (!choices.done())`
 * runs it again and again until each combination was seen. The sequence of the last run is remembered with
 * its bounds; the next one is the smallest that is larger. How many choices there are, and their bounds, may
 * depend on the ones before.
 *
 *     const choices = new Exhaustive()
 *     while (!choices.done()) {
 *       const permutation = choices.shuffled(['a', 'b', 'c'])
 *       …
 *     }
 *
 * A run that finds itself where another one has been may stop early: what it has not asked for is not tried.
 *
 * Source: A. Kladov, "Generate All The Things" (2021), as in TigerBeetle's exhaustigen.
 * Tests: test/support/exhaustive.test.ts
 */

/** Enumerates choices. */
export class Exhaustive {
  readonly #values: number[] = []
  readonly #counts: number[] = []
  #at = 0
  #hasStarted = false

  /** Goes on to the next sequence; true when there is none. */
  done(): boolean {
    if (!this.#hasStarted) {
      this.#hasStarted = true
      return false
    }
    // Choices that the last run did not get to belong to no sequence.
    this.#values.length = this.#at
    this.#counts.length = this.#at
    this.#at = 0
    while (this.#values.length > 0) {
      const last = this.#values.length - 1
      if (this.#values[last]! + 1 < this.#counts[last]!) {
        this.#values[last]!++
        return false
      }
      this.#values.pop()
      this.#counts.pop()
    }
    return true
  }

  /** Whether the choices from here on are new: the run has left the one before. */
  get isBeyondReplay(): boolean {
    return this.#at >= this.#values.length
  }

  /** An integer from 0 to below `count`. */
  below(count: number): number {
    if (!(count > 0)) throw new Error('there is nothing to choose from')
    if (this.#at === this.#values.length) {
      this.#values.push(0)
      this.#counts.push(count)
    } else if (this.#counts[this.#at] !== count) {
      throw new Error('the same choices must lead to the same choice')
    }
    return this.#values[this.#at++]!
  }

  /** One of these. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }

  boolean(): boolean {
    return this.below(2) === 1
  }

  /** These in some order. */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items]
    return items.map(() => left.splice(this.below(left.length), 1)[0]!)
  }
}

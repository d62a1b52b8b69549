/**
 * Idle strategies: how long a thread without work looks before it sleeps. Pure: no clock, no thread.
 *
 * A spin that finds work saves a park and a wake-up (40 to 80 µs); one that does not has burnt a core for nothing.
 * `adaptive` learns which it is: misses halve the budget down to nothing, hits restore it, and a sleep that ended
 * sooner than a spin would have paid for counts as "should have spun". With more runnable threads than cores the
 * budget is nothing at all: the thread that is waited for needs this core.
 *
 * Tests: test/memory/idle-strategy.test.ts. Source: Agrona's IdleStrategy; adaptive spinning of glibc's mutexes.
 */

/** The strategies by name. */
export type IdleStrategyName = 'adaptive' | 'park' | 'spin'

/** Decides how long to spin. Times in microseconds. */
export interface IdleStrategy {
  readonly name: IdleStrategyName
  /** What is worth spinning now; 0 means park at once. */
  spinBudgetUs(awakeThreads: number, cores: number): number
  /** A spin found work. */
  onHit(spentUs: number): void
  /** A spin found nothing. */
  onMiss(spentUs: number): void
  /** The doorbell rang after a sleep. */
  onWake(parkedUs: number): void
}

/** Options of `createIdleStrategy`. */
export interface IdleStrategyOptions {
  /** Default 50 for `adaptive`, 1000 for `spin`. */
  readonly spinMaxUs?: number
}

const ADAPTIVE_MAX_US = 50
const SPIN_MAX_US = 1000
/** Below this a spin is not worth its clock reads. */
const BUDGET_MIN_US = 4
/** Sleeps in a row that were too short, before spinning is tried again. */
const SHORT_SLEEPS = 2

/** Makes a strategy. */
export function createIdleStrategy(name: IdleStrategyName, options: IdleStrategyOptions = {}): IdleStrategy {
  switch (name) {
    case 'park':
      return new FixedIdleStrategy('park', 0)
    case 'spin':
      return new FixedIdleStrategy('spin', options.spinMaxUs ?? SPIN_MAX_US)
    case 'adaptive':
      return new AdaptiveIdleStrategy(options.spinMaxUs ?? ADAPTIVE_MAX_US)
  }
}

class FixedIdleStrategy implements IdleStrategy {
  readonly name: IdleStrategyName
  readonly #budgetUs: number

  constructor(name: IdleStrategyName, budgetUs: number) {
    this.name = name
    this.#budgetUs = budgetUs
  }

  spinBudgetUs(): number {
    return this.#budgetUs
  }

  onHit(): void {}
  onMiss(): void {}
  onWake(): void {}
}

class AdaptiveIdleStrategy implements IdleStrategy {
  readonly name = 'adaptive'
  readonly #maxUs: number
  #budgetUs: number
  #shortSleeps = 0

  constructor(maxUs: number) {
    this.#maxUs = maxUs
    this.#budgetUs = maxUs
  }

  spinBudgetUs(awakeThreads: number, cores: number): number {
    return awakeThreads > cores ? 0 : this.#budgetUs
  }

  onHit(): void {
    this.#budgetUs = this.#maxUs
  }

  onMiss(): void {
    this.#budgetUs /= 2
    if (this.#budgetUs < BUDGET_MIN_US) this.#budgetUs = 0
  }

  onWake(parkedUs: number): void {
    if (parkedUs > this.#maxUs * 4) {
      this.#shortSleeps = 0
      return
    }
    this.#shortSleeps++
    if (this.#shortSleeps < SHORT_SLEEPS) return
    this.#shortSleeps = 0
    this.#budgetUs = this.#maxUs
  }
}

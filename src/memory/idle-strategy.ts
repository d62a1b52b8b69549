/**
 * Idle strategies: how long a thread without work looks for some before it sleeps. Pure: no clock, no thread.
 *
 * A spin that finds work saves a park and a wake-up (40 to 80 µs); one that finds nothing has burnt a core.
 * `adaptive` learns which it is:
 *
 *     hit             spinning pays: the whole budget again
 *     miss            half of it; after a few misses in a row exactly nothing, and the thread parks at once
 *     short sleeps    several in a row, without spinning: it might have paid, so try it with the whole budget
 *
 * A partner that sleeps as well costs a wake-up each way, so even a ping-pong shows up as sleeps of a
 * multiple of the budget: a sleep is short below SHORT_SLEEP_BUDGETS budgets. Each trial that fails doubles
 * the number of short sleeps before the next one, so work that comes regularly, but never within the budget,
 * is not spun for in vain. With more runnable threads than cores nobody spins: the thread that is waited for
 * needs this core.
 *
 * Tests: test/memory/idle-strategy.test.ts, idle-strategy.prop.test.ts
 * Source: Agrona's IdleStrategy; the adaptive spinning of mutexes in glibc and in Linux.
 */
import { choiceOption, numberOption } from '../base/index.ts'

const NAMES = ['adaptive', 'park', 'spin'] as const

/** The strategies by name. */
export type IdleStrategyName = (typeof NAMES)[number]

/** Decides how long to spin. Times in microseconds. */
export interface IdleStrategy {
  readonly name: IdleStrategyName
  /** What is worth spinning now; 0 means park at once. `awakeThreads` counts the asking one. */
  spinBudgetUs(awakeThreads: number, cores: number): number
  /** A spin found work after `spentUs`. */
  onHit(spentUs: number): void
  /** A spin of `spentUs` found nothing. */
  onMiss(spentUs: number): void
  /** The doorbell rang after a sleep of `parkedUs`. */
  onWake(parkedUs: number): void
}

/** Options of `createIdleStrategy`. */
export interface IdleStrategyOptions {
  /**
   * The longest spin. Default 50 for `adaptive`: two threads that both sleep find each other awake only if
   * one of them spins longer than the other one's wake-up, 20 to 40 µs. Default 1000 for `spin`. `park` has
   * none.
   */
  readonly spinMaxUs?: number
}

const ADAPTIVE_MAX_US = 50
const SPIN_MAX_US = 1000
const SPIN_LIMIT_US = 1_000_000
/** A spin is not worth its clock reads below this share of the whole budget. */
const BUDGET_SHARE_MIN = 1 / 16
/** A sleep is short when it is no longer than so many whole budgets. */
const SHORT_SLEEP_BUDGETS = 4
/** Short sleeps in a row before spinning is tried again: at first, and after trials that failed. */
const TRIAL_SLEEPS_MIN = 2
const TRIAL_SLEEPS_MAX = 16

/** Makes a strategy. @throws SHL_OPTION_INVALID */
export function createIdleStrategy(name: IdleStrategyName, options: IdleStrategyOptions = {}): IdleStrategy {
  const range = { min: 0, max: SPIN_LIMIT_US }
  switch (choiceOption('idle', name, 'adaptive', NAMES)) {
    case 'park':
      return new FixedIdleStrategy('park', 0)
    case 'spin':
      return new FixedIdleStrategy('spin', numberOption('spinMaxUs', options.spinMaxUs, SPIN_MAX_US, range))
    case 'adaptive':
      return new AdaptiveIdleStrategy(numberOption('spinMaxUs', options.spinMaxUs, ADAPTIVE_MAX_US, range))
  }
}

/** Always the same, whatever happens. */
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

/** The one of the head comment. */
class AdaptiveIdleStrategy implements IdleStrategy {
  readonly name = 'adaptive'
  readonly #maxUs: number
  #budgetUs: number
  #shortSleeps = 0
  #trialSleeps = TRIAL_SLEEPS_MIN

  constructor(maxUs: number) {
    this.#maxUs = maxUs
    this.#budgetUs = maxUs
  }

  spinBudgetUs(awakeThreads: number, cores: number): number {
    return awakeThreads > cores ? 0 : this.#budgetUs
  }

  onHit(): void {
    this.#budgetUs = this.#maxUs
    this.#trialSleeps = TRIAL_SLEEPS_MIN
  }

  onMiss(): void {
    if (this.#budgetUs === 0) return
    this.#budgetUs /= 2
    if (this.#budgetUs >= this.#maxUs * BUDGET_SHARE_MIN) return
    this.#budgetUs = 0
    this.#shortSleeps = 0
    this.#trialSleeps = Math.min(this.#trialSleeps * 2, TRIAL_SLEEPS_MAX)
  }

  onWake(parkedUs: number): void {
    // While it still spins, the spins tell more: a short sleep after a miss would only undo what the miss has
    // said.
    if (this.#budgetUs !== 0) return
    if (parkedUs > this.#maxUs * SHORT_SLEEP_BUDGETS) {
      this.#shortSleeps = 0
      return
    }
    this.#shortSleeps++
    if (this.#shortSleeps < this.#trialSleeps) return
    this.#shortSleeps = 0
    this.#budgetUs = this.#maxUs
  }
}

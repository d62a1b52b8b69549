/**
 * Dead letters: messages that reached nobody, counted by reason and, the newest, kept for a look.
 *
 * Counts live in shared counters (`shardloom_dead_letters_<reason>`), so that one look sees all threads; the
 * kept ones are this thread's, without their payload, which may be large or secret. Source: Akka's dead
 * letters.
 * Tests: test/actor/mailbox.race.test.ts, test/actor/lifecycle.race.test.ts
 */
import type { Clock } from '../base/index.ts'
import type { Counter, Metrics } from '../memory/index.ts'

/** Why a message reached nobody. */
export const DEAD_LETTER_REASONS = [
  'actor_gone',
  'mailbox_full',
  'ring_full',
  'dropped',
  'discarded',
  'thread_lost',
  'no_handler',
  'closed',
] as const

/** One of `DEAD_LETTER_REASONS`. */
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number]

/** A message that reached nobody. */
export interface DeadLetter {
  readonly to: string
  readonly type: string
  readonly reason: DeadLetterReason
  readonly atMs: number
}

/** How many newest dead letters are kept. */
const RECENT_MAX = 64

/** Counts and keeps the dead letters of one thread. */
export class DeadLetters {
  readonly recent: DeadLetter[] = []
  readonly #counters: ReadonlyMap<DeadLetterReason, Counter>
  readonly #clock: Clock
  readonly #onLetter: (letter: DeadLetter) => void

  constructor(metrics: Metrics, clock: Clock, onLetter: (letter: DeadLetter) => void) {
    this.#clock = clock
    this.#onLetter = onLetter
    this.#counters = new Map(
      DEAD_LETTER_REASONS.map((reason) => [reason, metrics.counter(metricName(reason))]),
    )
  }

  /** A refused `tell`: counted, and no more than that, because its sender was told. */
  countRefused(reason: DeadLetterReason): void {
    this.#counters.get(reason)!.add(1)
  }

  add(to: string, type: string, reason: DeadLetterReason): void {
    this.#counters.get(reason)!.add(1)
    const letter: DeadLetter = { to, type, reason, atMs: this.#clock.nowMs() }
    if (this.recent.length === RECENT_MAX) this.recent.shift()
    this.recent.push(letter)
    this.#onLetter(letter)
  }

  /** Counts of all threads together. */
  byReason(): Record<DeadLetterReason, number> {
    const counts = {} as Record<DeadLetterReason, number>
    for (const [reason, counter] of this.#counters) counts[reason] = counter.value()
    return counts
  }
}

function metricName(reason: DeadLetterReason): string {
  return `shardloom_dead_letters_${reason}`
}

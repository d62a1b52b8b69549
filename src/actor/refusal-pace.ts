/**
 * The pace of refusals that cost nothing: an ask that is refused before it was sent rejects in a microtask.
 *
 * Who repeats such an ask at once, until it succeeds, would never let the event loop turn, and so never hear
 * that the actor is up again. One refusal in `FREE_REFUSALS` therefore waits for a turn of the event loop.
 * Source: reductions in BEAM, which take a process off the scheduler even where it only fails.
 * Tests: test/actor/refusal-pace.test.ts, test/actor/ask.race.test.ts
 */
import type { Scheduler } from '../transport/index.ts'

const FREE_REFUSALS = 32

/** Runs what tells an asker that it was refused. */
export class RefusalPace {
  readonly #scheduler: Scheduler
  #count = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  tell(task: () => void): void {
    this.#count = (this.#count + 1) % FREE_REFUSALS
    if (this.#count === 0) this.#scheduler.atNextTurn(task)
    else task()
  }
}

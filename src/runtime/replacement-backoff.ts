/**
 * How long to wait before a lost thread is replaced: not at all at first, longer and longer when many are
 * lost.
 *
 * Pure: times are passed in. A thread that dies as soon as it lives must not cost a core; one that dies now
 * and then should hardly be missed. Tests: test/runtime/replacement-backoff.test.ts
 */

/** Replaced at once, up to so many within the window; then with a delay that doubles. */
const AT_ONCE = 20
const WINDOW_MS = 10_000
const DELAY_MIN_MS = 100
const DELAY_MAX_MS = 5000

/** Decides the delay of each replacement. */
export class ReplacementBackoff {
  readonly #atMs: number[] = []

  /** The delay before the replacement that is due at `nowMs`. */
  delayMs(nowMs: number): number {
    while (this.#atMs.length > 0 && nowMs - this.#atMs[0]! > WINDOW_MS) this.#atMs.shift()
    const excess = this.#atMs.push(nowMs) - AT_ONCE
    return excess <= 0 ? 0 : Math.min(DELAY_MIN_MS * 2 ** Math.min(excess - 1, 16), DELAY_MAX_MS)
  }
}

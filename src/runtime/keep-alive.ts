/**
 * Keeps the process alive while something is awaited, and not a moment longer.
 *
 * Every handle of the runtime is unreferenced; this one timer is referenced while there is a reason. Letting
 * go is put off by a few milliseconds, because one ask after the other would otherwise pay for it each time.
 * Tests: test/runtime/close.race.test.ts
 */

const LINGER_MS = 5
const FOREVER_MS = 2 ** 31 - 1

/** A referenced handle on demand. */
export class KeepAlive {
  readonly #timer = setInterval(() => undefined, FOREVER_MS).unref()
  #holds = 0
  #isReferenced = false
  #linger: NodeJS.Timeout | undefined
  #isClosed = false

  hold(): void {
    this.#holds++
    if (this.#isReferenced) return
    this.#isReferenced = true
    this.#timer.ref()
  }

  release(): void {
    this.#holds--
    if (this.#holds > 0 || this.#linger !== undefined || this.#isClosed) return
    this.#linger = setTimeout(() => {
      this.#linger = undefined
      if (this.#holds > 0) return
      this.#isReferenced = false
      this.#timer.unref()
    }, LINGER_MS)
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    if (this.#linger !== undefined) clearTimeout(this.#linger)
  }
}

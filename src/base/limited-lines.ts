/**
 * Lines of a log that strangers cause: so many in a span of time, and then how many more there were. Whoever
 * makes thousands of them fills no disk.
 *
 * Tests: test/base/limited-lines.test.ts, test/server/acl/failed-logins.test.ts
 */
import type { Clock, TimerHandle } from './clock.ts'

/** What is written, and how much of it. */
export interface LimitedLinesOptions {
  /** What has happened. */
  readonly event: string
  /** What is said with the number of those that were left out. */
  readonly moreEvent: string
  readonly linesMax: number
  readonly spanMs: number
}

/** Lines of one kind. */
export class LimitedLines {
  readonly #clock: Clock
  readonly #write: (event: string, details: object) => void
  readonly #options: LimitedLinesOptions
  #startMs = Number.NEGATIVE_INFINITY
  #count = 0
  #timer: TimerHandle | undefined

  constructor(clock: Clock, write: (event: string, details: object) => void, options: LimitedLinesOptions) {
    this.#clock = clock
    this.#write = write
    this.#options = options
  }

  /** Writes a line, or counts it. */
  note(details: object): void {
    const { event, linesMax, spanMs } = this.#options
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#startMs >= spanMs) {
      // A thread that is busy runs its timers late.
      this.#tellRest()
      this.#startMs = nowMs
    }
    if (++this.#count <= linesMax) {
      this.#write(event, details)
    } else if (this.#count === linesMax + 1) {
      const leftMs = this.#startMs + spanMs - nowMs
      this.#timer = this.#clock.after(leftMs, () => this.#tellRest(), { unref: true })
    }
  }

  /** Ends a span. */
  #tellRest(): void {
    const more = this.#count - this.#options.linesMax
    this.#timer?.cancel()
    this.#timer = undefined
    this.#startMs = Number.NEGATIVE_INFINITY
    this.#count = 0
    if (more > 0) this.#write(this.#options.moreEvent, { more })
  }
}

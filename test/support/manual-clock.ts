/**
 * A clock that stands still until it is advanced: timers fire in order of their times, then of their making.
 */
import type { Clock, TimerHandle } from '../../src/base/index.ts'

interface Timer {
  readonly atMs: number
  readonly task: () => void
}

/** Virtual time. */
export class ManualClock implements Clock {
  #nowMs = 1000
  #timers: Timer[] = []

  get timerCount(): number {
    return this.#timers.length
  }

  /** What the clock on the wall is ahead of the monotonic one; tests let it jump. */
  wallOffsetMs = 1_700_000_000_000

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return Math.floor(this.#nowMs + this.wallOffsetMs)
  }

  after(delayMs: number, task: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + delayMs, task }
    this.#timers.push(timer)
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((one) => one !== timer)
      },
    }
  }

  /** Lets time pass; timers see the time they are due at. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= endMs)
      if (due.length === 0) break
      const next = due.reduce((soonest, timer) => (timer.atMs < soonest.atMs ? timer : soonest))
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.task()
    }
    this.#nowMs = endMs
  }
}

/**
 * Time, injected: everything above takes a `Clock`, so that tests and simulations can own it.
 *
 * Deadlines cross threads, so `nowMs` must mean the same on every thread of the process. `performance.now()`
 * does not (each worker counts from its own start); `process.hrtime` does, but costs more. The system clock
 * therefore measures the difference once per thread and adds it, which leaves some microseconds between
 * threads. Times are monotonic milliseconds since an arbitrary origin, not wall-clock time: a clock that is
 * set back ends no lease early and revives nothing. `wallMs` is for what is written down.
 *
 * Cost: about 35 ns a call. Tests: test/base/clock.test.ts
 */
import { performance } from 'node:perf_hooks'

/** A running timer. */
export interface TimerHandle {
  /** Stops it; a no-op once it has fired. */
  cancel(): void
}

/** Monotonic time and timers, the same origin on every thread of the process. */
export interface Clock {
  /** Monotonic milliseconds, with a fraction. */
  nowMs(): number
  /**
   * Milliseconds since 1970 by the clock on the wall, which may jump either way: for what must survive this
   * process, such as a time to live; never for a wait or a lease.
   */
  wallMs(): number
  /**
   * Runs `task` once, not before `delayMs` has passed. An unreferenced timer does not keep the process alive.
   */
  after(delayMs: number, task: () => void, options?: { unref?: boolean }): TimerHandle
}

/** The longest wait that Node has a timer for; a longer one would fire at once, or so. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

/** A thread that loses its turn while it measures would be off by that for ever: it does so several times. */
const MEASUREMENTS = 10

/** The clock of the machine. */
export function systemClock(): Clock {
  const offsetMs = measuredOffsetMs()
  return {
    nowMs: () => performance.now() + offsetMs,
    wallMs: () => Date.now(),
    after(delayMs, task, options) {
      let timer: NodeJS.Timeout
      const wait = (leftMs: number): void => {
        const isLast = leftMs <= TIMEOUT_MAX_MS
        timer = isLast
          ? setTimeout(task, Math.max(leftMs, 0))
          : setTimeout(() => wait(leftMs - TIMEOUT_MAX_MS), TIMEOUT_MAX_MS)
        if (options?.unref) timer.unref()
      }
      wait(delayMs)
      return { cancel: () => clearTimeout(timer) }
    },
  }
}

/**
 * How far the clock of all threads is ahead of this thread's: by the measurement that took the least time.
 */
function measuredOffsetMs(): number {
  let offsetMs = 0
  let leastMs = Number.POSITIVE_INFINITY
  for (let i = 0; i < MEASUREMENTS; i++) {
    const beforeMs = performance.now()
    const [seconds, nanoseconds] = process.hrtime()
    const tookMs = performance.now() - beforeMs
    if (tookMs >= leastMs) continue
    leastMs = tookMs
    offsetMs = seconds * 1e3 + nanoseconds / 1e6 - (beforeMs + tookMs / 2)
  }
  return offsetMs
}

/**
 * Measures how late the main thread's event loop is while something runs: what a server's clients would feel.
 *
 * The clock of Node counts from tick to tick, so that an idle loop shows the resolution and not zero; it is
 * taken off here.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1

/** Lateness of the event loop, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Starts measuring; the function that it returns ends that and tells. */
export function measureLoopDelay(): () => LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return () => {
    histogram.disable()
    const late = (nanoseconds: number): number => {
      const delayMs = Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
      return Number((histogram.count === 0 ? 0 : delayMs).toFixed(2))
    }
    return {
      p50Ms: late(histogram.percentile(50)),
      p99Ms: late(histogram.percentile(99)),
      maxMs: late(histogram.max),
    }
  }
}

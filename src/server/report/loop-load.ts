/**
 * How busy the event loop of this thread is. Tests: test/server/report/thread-watch.test.ts
 */
import { performance } from 'node:perf_hooks'
import type { LoopLoad } from './thread-watch.ts'

/** Gives, at each call, the part of the time since the last one in which the loop was not asleep. */
export function loopLoad(): LoopLoad {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}

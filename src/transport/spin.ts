/**
 * Polls the rings of a thread for a while, without a turn of the event loop.
 * Cost: bench/ask-awake.ts. Tests: test/transport/thread-pump.test.ts
 */
import type { Clock } from '../base/index.ts'
import type { IdleStrategy } from '../memory/index.ts'
import type { LinkReader } from './link-reader.ts'

/** Polls between two looks at the clock. */
const SPIN_POLLS = 64

/** True as soon as one of the rings holds something, which the strategy is told of. */
export function spin(
  readers: readonly LinkReader[],
  { clock, idle }: { readonly clock: Clock; readonly idle: IdleStrategy },
  budgetUs: number,
  startMs: number,
): boolean {
  const endMs = startMs + budgetUs / 1000
  let nowMs = startMs
  do {
    for (let poll = 0; poll < SPIN_POLLS; poll++) {
      for (let i = 0; i < readers.length; i++) {
        if (readers[i]!.isEmpty()) continue
        idle.onHit((nowMs - startMs) * 1000)
        return true
      }
    }
    nowMs = clock.nowMs()
  } while (nowMs < endMs)
  idle.onMiss((nowMs - startMs) * 1000)
  return false
}

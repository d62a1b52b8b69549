/** Waits with a deadline. Tests: test/base/within.test.ts */
import type { Clock } from './clock.ts'

const LATE = Symbol('late')

/** What the promise gives; rejects with `late` when it takes longer. */
export async function within<T>(
  clock: Clock,
  promise: PromiseLike<T>,
  timeoutMs: number,
  late: Error,
): Promise<T> {
  const first = await orLate(clock, promise, timeoutMs, LATE)
  if (first === LATE) throw late
  return first as T
}

/** What the promise gives, or `late` when it takes longer. */
export async function orLate<T, Late>(
  clock: Clock,
  promise: PromiseLike<T>,
  timeoutMs: number,
  late: Late,
): Promise<T | Late> {
  let cancel = (): void => undefined
  const deadline = new Promise<Late>((resolve) => {
    const timer = clock.after(timeoutMs, () => resolve(late))
    cancel = () => timer.cancel()
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    cancel()
  }
}

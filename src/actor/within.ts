/** Waits with a deadline. Tests: test/actor/lifecycle.race.test.ts */
import type { Clock } from '../base/index.ts'

/** What the promise gives; rejects with `late` when it takes longer. */
export async function within<T>(
  clock: Clock,
  promise: PromiseLike<T>,
  timeoutMs: number,
  late: Error,
): Promise<T> {
  let cancel = (): void => undefined
  const deadline = new Promise<never>((_, reject) => {
    const timer = clock.after(timeoutMs, () => reject(late))
    cancel = () => timer.cancel()
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    cancel()
  }
}

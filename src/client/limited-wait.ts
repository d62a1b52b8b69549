/**
 * Waits for locks and computed values within the limits of a keyspace.
 *
 * The limits end the wait, and nothing else: what was granted is renewed and given back by calls without
 * them. Else a lock would be lost, and not even given back, when the signal aborts under which it was taken.
 *
 * Invariants: (1) it settles with the first of: the wait, the deadline, a signal; (2) what is granted after
 * that is dropped.
 * Tests: test/client/limited-wait.race.test.ts
 */
import { addAbortListener, type Clock, ShardloomError } from '../base/index.ts'
import type { CallLimits } from './call-limits.ts'

/** A wait. */
export interface LimitedWait<T> {
  readonly clock: Clock
  readonly limits: CallLimits
  /** What the call itself brings. */
  readonly signal: AbortSignal | undefined
  /** Waits until the signal aborts. */
  wait(signal: AbortSignal): Promise<T>
  /** Nobody takes it any more. */
  drop?(value: T): void
  aborted(reason: unknown): Error
  late(timeoutMs: number): Error
}

/** Waits, no longer than the limits say. */
export function waitWithin<T>(parts: LimitedWait<T>): Promise<T> {
  const { clock, limits, wait, drop, aborted, late } = parts
  const { timeoutMs } = limits
  const signals = [limits.signal, parts.signal].filter((signal) => signal !== undefined)
  return new Promise((resolve, reject) => {
    const first = signals.find((signal) => signal.aborted)
    if (first !== undefined) return reject(aborted(first.reason))
    const end = new AbortController()
    const stop = (error: Error): void => {
      end.abort(error)
      reject(error)
    }
    const timer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, () => stop(late(timeoutMs)))
    const forgets = signals.map((signal) => addAbortListener(signal, () => stop(aborted(signal.reason))))
    const over = (): void => {
      timer?.cancel()
      for (const forget of forgets) forget()
    }
    const waited = Promise.resolve().then(() => wait(end.signal))
    waited.finally(over).then((value) => (end.signal.aborted ? drop?.(value) : resolve(value)), reject)
  })
}

/** Why a wait has not even begun; undefined: the server was there. */
export type Unreachable = (timeoutMs: number) => Error | undefined

/** How a wait for a lock fails within limits: as it does by its own options. */
export function lockErrors(
  name: string | readonly string[],
  unreachable: Unreachable,
): Pick<LimitedWait<unknown>, 'aborted' | 'late'> {
  const lock = [name].flat().join(', ')
  return {
    aborted: (reason) => new ShardloomError('SHL_LOCK_ABORTED', { lock }, { cause: reason }),
    late: (timeoutMs) =>
      unreachable(timeoutMs) ?? new ShardloomError('SHL_LOCK_TIMEOUT', { lock, waitMs: timeoutMs }),
  }
}

/** The same for a value. */
export function computeErrors(
  given: string | Uint8Array,
  unreachable: Unreachable,
): Pick<LimitedWait<unknown>, 'aborted' | 'late'> {
  const key = typeof given === 'string' ? given : Buffer.from(given).toString()
  return {
    aborted: (reason) => new ShardloomError('SHL_COMPUTE_ABORTED', { key }, { cause: reason }),
    late: (timeoutMs) =>
      unreachable(timeoutMs) ?? new ShardloomError('SHL_COMPUTE_TIMEOUT', { key, waitMs: timeoutMs }),
  }
}

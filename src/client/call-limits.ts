/**
 * What calls are bounded by: those of a keyspace (`within`), and those of one call. Both hold: a call may
 * take less than its keyspace lets it, never more, and ends with whichever signal is first.
 *
 * Tests: test/client/call-limits.test.ts
 */
import type { CallOptions } from '../keyspace/remoting/index.ts'
import { joinSignals } from './joined-signal.ts'

/** What calls are bounded by. */
export interface CallLimits {
  /** Milliseconds, with all that is tried again. */
  readonly timeoutMs?: number
  /** What has left when it aborts may take effect all the same; see `isSent` of the error. */
  readonly signal?: AbortSignal
}

/** How one call differs from others. */
export interface RemoteCallOptions extends CallOptions {
  /** How long it may take. */
  readonly timeoutMs?: number | undefined
  /** It ends what is under way: in no order with other calls, and let through while the client closes. */
  readonly isAside?: boolean | undefined
}

/** The shorter one; undefined: neither. */
export function leastMs(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)
}

/** Options within limits, and what is to be called when they are not needed any more. */
export function boundedBy<Options extends { readonly [K in keyof CallLimits]?: CallLimits[K] | undefined }>(
  limits: CallLimits,
  options: Options,
): { readonly options: Options; forget(): void } {
  const { signal, forget } = joinSignals(limits.signal, options.signal)
  const timeoutMs = leastMs(limits.timeoutMs, options.timeoutMs)
  const bounds = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
  return { options: { ...options, ...bounds }, forget }
}

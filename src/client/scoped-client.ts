/**
 * A client whose calls have a deadline or a signal of their own.
 * Tests: test/client/remote-keyspace.test.ts
 */
import type { CommandClient } from '../keyspace/remoting/index.ts'
import type { RemoteCallOptions, RemoteClient } from './remote-client.ts'

/** What calls are bounded by. */
export interface CallLimits {
  /** Milliseconds, with all that is tried again. */
  readonly timeoutMs?: number
  /** What has left when it aborts may take effect all the same; see `isSent` of the error. */
  readonly signal?: AbortSignal
}

/** The client with limits; what a call says itself counts. */
export function scopedClient(client: RemoteClient, limits: CallLimits): CommandClient {
  const { timeoutMs, signal } = limits
  if (timeoutMs === undefined && signal === undefined) return client
  const bounded = (options: RemoteCallOptions): RemoteCallOptions => ({
    ...options,
    ...(timeoutMs !== undefined && { timeoutMs }),
    signal: options.signal ?? signal,
  })
  return {
    clock: client.clock,
    call: (argv, options, convert, settle, fail) =>
      client.call(argv, bounded(options), convert, settle, fail),
    callRaw: (argv, options = {}) => client.callRaw(argv, bounded(options)),
    callWaiting: (argv, waitMs, end) => client.callWaiting(argv, waitMs, end),
    isTogether: (slot, other) => client.isTogether(slot, other),
    newName: () => client.newName(),
  }
}

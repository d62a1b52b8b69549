/**
 * A client whose calls have a deadline or a signal of their own.
 * Tests: test/client/remote-keyspace.limits.test.ts
 */
import type { CommandClient } from '../keyspace/remoting/index.ts'
import { boundedBy, type CallLimits, type RemoteCallOptions } from './call-limits.ts'
import type { RemoteClient } from './remote-client.ts'

/** The client with limits. Waits for locks have theirs from `limited-wait.ts`. */
export function scopedClient(client: RemoteClient, limits: CallLimits): CommandClient {
  if (limits.timeoutMs === undefined && limits.signal === undefined) return client
  return {
    clock: client.clock,
    call: (argv, given: RemoteCallOptions, convert, settle, fail) => {
      const { options, forget } = boundedBy(limits, given)
      const end =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          forget()
          then(value)
        }
      client.call(argv, options, convert, end(settle), end(fail))
    },
    callRaw: (argv, given: RemoteCallOptions = {}) => {
      const { options, forget } = boundedBy(limits, given)
      return client.callRaw(argv, options).finally(forget)
    },
    callWaiting: (argv, waitMs, end) => client.callWaiting(argv, waitMs, end),
    isTogether: (slot, other) => client.isTogether(slot, other),
    newName: () => client.newName(),
  }
}

/**
 * Why an actor ended: one union, the same for whoever watched, linked, stopped or asked.
 *
 * A thread's end is a reason of its own with its cause, because what to do about it differs: a failed actor
 * may be spawned again where it was; a lost thread took others with it. Source: Erlang's exit reasons, Akka's
 * `Terminated`.
 * Tests: test/actor/lifecycle.race.test.ts
 */

/** How a thread came to its end. */
export type ThreadLossCause =
  | 'crashed'
  | 'out_of_memory'
  | 'process_exit'
  | 'module_load'
  | 'unresponsive'
  | 'terminated'

/** Why an actor is no more. Discriminated by `type`. */
export type TerminationReason =
  | { readonly type: 'stopped' }
  | { readonly type: 'killed' }
  | { readonly type: 'failed'; readonly error: Error }
  | {
      readonly type: 'thread_lost'
      readonly thread: number
      readonly cause: ThreadLossCause
      readonly error?: Error
    }
  | { readonly type: 'linked'; readonly to: string; readonly reason: TerminationReason }
  | { readonly type: 'not_found' }
  | { readonly type: 'closed' }

/** Whether a linked actor shares this fate: everything but an ordinary stop or the end of the runtime. */
export function isAbnormal(reason: TerminationReason): boolean {
  return reason.type !== 'stopped' && reason.type !== 'closed'
}

/** One line for messages and logs. */
export function describeReason(reason: TerminationReason): string {
  switch (reason.type) {
    case 'failed':
      return `failed (${reason.error.name}: ${reason.error.message})`
    case 'thread_lost':
      return `thread ${reason.thread} lost (${reason.cause})`
    case 'linked':
      return `linked to ${reason.to}, which ${describeReason(reason.reason)}`
    default:
      return reason.type
  }
}

/** What the end of an actor means to its supervisor. Tests: test/supervise/supervised-runtime.race.test.ts */
import { type ActorRef, describeReason, isAbnormal, type TerminationReason } from '../actor/index.ts'
import { ShardloomError } from '../base/index.ts'

/** The error of an abnormal end; undefined where it was none. */
export function endError(ref: ActorRef, reason: TerminationReason): Error | undefined {
  if (!isAbnormal(reason)) return undefined
  if (reason.type === 'failed') return reason.error
  const cause = reason.type === 'thread_lost' ? reason.error : undefined
  const details = { actor: `${ref}`, reason: describeReason(reason) }
  return new ShardloomError('SHL_CHILD_ENDED', details, cause === undefined ? {} : { cause })
}

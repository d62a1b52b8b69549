/**
 * What may become of a send that did not go through, and the error or the reason that says so.
 *
 * Tests: test/actor/mailbox.race.test.ts, test/actor/ask.race.test.ts
 */
import { numberOption, ShardloomError } from '../base/index.ts'
import * as wire from '../transport/index.ts'
import { type ActorAddress, formatAddress } from './address.ts'
import type { DeadLetterReason } from './dead-letters.ts'
import { PRIORITY_COUNT } from './mailbox.ts'
import type { TellOptions } from './messenger.ts'
import { describeReason, type TerminationReason, type ThreadLossCause } from './termination.ts'

/** The ring has no room: an outcome beyond those of `admit`. */
export const REFUSED_RING = 16

/** The error of an ask whose thread was lost. */
export function threadLostError(
  thread: number,
  cause: ThreadLossCause,
  error: Error | undefined,
): ShardloomError {
  const options = error === undefined ? undefined : { cause: error }
  return new ShardloomError('SHL_THREAD_LOST', { thread, reason: cause }, options)
}

/** The reason of an actor that went with its thread. */
export function lossReason(
  thread: number,
  cause: ThreadLossCause,
  error: Error | undefined,
): TerminationReason {
  return error === undefined
    ? { type: 'thread_lost', thread, cause }
    : { type: 'thread_lost', thread, cause, error }
}

/** The error of an ask whose actor ended first. */
export function actorStoppedError(actor: string, type: string, reason: TerminationReason): ShardloomError {
  const options = reason.type === 'failed' ? { cause: reason.error } : undefined
  return new ShardloomError('SHL_ACTOR_STOPPED', { actor, type, reason: describeReason(reason) }, options)
}

/** Whether there was no room, which may change. */
export function isFull(outcome: number): boolean {
  return outcome === wire.REFUSED_DEPTH || outcome === wire.REFUSED_BYTES || outcome === REFUSED_RING
}

/** The dead letter's reason for a refused `tell`. */
export function deadLetterReason(outcome: number, isClosed: boolean): DeadLetterReason {
  if (isClosed) return 'closed'
  switch (outcome) {
    case REFUSED_RING:
      return 'ring_full'
    case wire.REFUSED_DEPTH:
    case wire.REFUSED_BYTES:
      return 'mailbox_full'
    case wire.REFUSED_DROPPED:
      return 'dropped'
    default:
      return 'actor_gone'
  }
}

/** The priority that the options name. @throws SHL_OPTION_INVALID */
export function priorityOf(options: TellOptions): number {
  const range = { min: 0, max: PRIORITY_COUNT - 1, integer: true }
  return options.priority === undefined ? 1 : numberOption('priority', options.priority, 1, range)
}

/** `name@thread/slot:generation` */
export function addressText(to: ActorAddress): string {
  return `${to.name}@${formatAddress(to.thread, to.slot, to.generation)}`
}

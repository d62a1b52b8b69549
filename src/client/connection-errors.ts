/**
 * How calls fail with their connection: whether they had been sent, and so what is known of their outcome.
 * Tests: test/client/connection-errors.test.ts, test/client/remote-client.faults.test.ts
 */
import { ShardloomError } from '../base/index.ts'

/** There was no connection: nothing was sent. `cause`: what became of the last attempt. */
export function failedError(
  address: string,
  command: string,
  cause: Error | undefined,
  timeoutMs?: number,
): ShardloomError {
  const reason = cause === undefined ? `none within ${timeoutMs} ms` : reasonOf(cause)
  const details = { address, command, reason, isSent: false, ...(timeoutMs !== undefined && { timeoutMs }) }
  return new ShardloomError('SHL_CONNECTION_FAILED', details, { cause })
}

/** The connection was lost, or is as good as lost. `outcome`: what that means, of more than one command. */
export function lostError(
  address: string,
  command: string,
  isSent: boolean,
  reason: Error | string,
  outcome: string = isSent ? 'outcome unknown' : 'nothing was done',
): ShardloomError {
  const cause = typeof reason === 'string' ? undefined : reason
  const text = typeof reason === 'string' ? reason : reasonOf(reason)
  return new ShardloomError(
    'SHL_CONNECTION_LOST',
    { address, command, isSent, outcome, reason: text },
    { cause },
  )
}

/** Of a call that may have been sent, and of which nothing came all the same: the server has said so. */
export const NOTHING_DONE = { outcome: 'nothing was done' } as const

/** The client, or what somebody had of it, was closed. What was sent has done nothing, even so. */
export function closedError(address: string, command: string, isSent = false): ShardloomError {
  const details = { address, command, isSent, ...NOTHING_DONE }
  return new ShardloomError('SHL_CONNECTION_CLOSED', details)
}

/** Whether a connection was ended since a call on it was late, or was given up. */
export function isAskError(error: Error): error is ShardloomError {
  return error instanceof ShardloomError && /^SHL_ASK_/.test(error.code)
}

const FOREIGN = 'what answers there is no server of the Redis protocol'
/** Begins what the library throws for bytes that are no reply. */
const NO_REPLY = /^Unknown RESP type/

/**
 * The reason in few words, to stand within another error: without the address, and the advice, that this one
 * has as well.
 */
export function reasonOf(error: Error): string {
  if (error instanceof ShardloomError) {
    const { reason, timeoutMs } = error.details
    if (typeof reason === 'string') return reason
    if (error.code === 'SHL_ASK_TIMEOUT') return `the server said nothing for ${timeoutMs} ms`
    if (error.code === 'SHL_CONNECTION_CLOSED') return 'it was closed'
    return error.message
  }
  if (NO_REPLY.test(error.message)) return `${FOREIGN} (${error.message})`
  return error.message === '' ? error.name : error.message
}

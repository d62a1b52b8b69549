/**
 * How calls fail with their connection: whether they had been sent, and so what is known of their outcome.
 * Tests: test/client/remote-client.faults.test.ts
 */
import { ShardloomError } from '../base/index.ts'

/** The connection was lost, or is as good as lost. `outcome`: what that means, of more than one command. */
export function lostError(
  address: string,
  command: string,
  isSent: boolean,
  reason: Error | string,
  outcome: string = isSent ? 'outcome unknown' : 'nothing was done',
): ShardloomError {
  const cause = typeof reason === 'string' ? undefined : reason
  const details = { address, command, isSent, outcome, reason: cause?.message ?? reason }
  return new ShardloomError('SHL_CONNECTION_LOST', details, { cause })
}

/** The client, or what somebody had of it, was closed. */
export function closedError(address: string, command: string): ShardloomError {
  return new ShardloomError('SHL_CONNECTION_CLOSED', { address, command })
}

/** Whether a connection was ended since a call on it was late, or was given up. */
export function isAskError(error: Error): error is ShardloomError {
  return error instanceof ShardloomError && /^SHL_ASK_/.test(error.code)
}

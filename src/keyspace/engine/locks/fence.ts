/**
 * The fence: whether a write that carries a token may pass.
 *
 * Only a token whose lease runs passes. "No newer token was drawn" would do for the lock's own sake, but
 * would let somebody write who was paused past the end of the lease, as long as nobody else has asked yet.
 *
 * A lock of another shard comes with the guests of the transaction, which holds its name meanwhile: its
 * tokens are those that were valid when the transaction's turn came there.
 *
 * Tests: test/keyspace/commands/fenced-command.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import type { Call } from '../command.ts'
import { ErrorReply, err } from '../reply.ts'

const TOKEN = /^[1-9][0-9]{0,15}$/

/** Lets pass who holds the lock with this token. @throws ErrorReply FENCED */
export function checkFence(call: Call, lockName: ByteString, token: ByteString): void {
  // What the log says has passed the fence when it was written.
  if (call.caller.isReplay === true) return
  const { locks, guestTokens } = call.engine
  const given = fencingToken(token)
  if (guestTokens?.get(lockName)?.includes(given) === true || locks.validate(lockName, given)) return
  const newest = locks.info(lockName)?.lastToken ?? 0
  const why = newest === 0 ? 'nobody holds it' : `the newest is ${newest}`
  throw new ErrorReply('FENCED', `token ${token} of lock ${lockName} is not held: ${why}`)
}

/** @throws ErrorReply when it is no number that could be a token */
export function fencingToken(text: ByteString): number {
  const token = TOKEN.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(token)) throw err('fencing token is not a positive integer')
  return token
}

/**
 * What callers of a shard are told when it is not there: that the shard is down and may be asked again,
 * whatever it was that happened to its actor or to its thread. That is the cause.
 *
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/consistency/losses.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'

/** Codes of errors of actors and threads that have ended. */
const GONE: readonly unknown[] = ['SHL_ACTOR_NOT_FOUND', 'SHL_ACTOR_STOPPED', 'SHL_THREAD_LOST']

/** Whether an error says that who was asked is not there any more. */
export function isGone(error: unknown): boolean {
  return GONE.includes((error as { readonly code?: unknown }).code)
}

/** The error of an ask, as the caller of a shard is to see it. */
export function shardError(shard: number, error: unknown): Error {
  if (!isGone(error)) return error as Error
  return new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it has ended' }, { cause: error })
}

/** A shard that was started anew knows nothing of what was begun before. */
export function begunAnew(shard: number): ShardloomError {
  return new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it was started anew in the middle of it' })
}

/** Asks a shard; its errors are those of `shardError`. */
export async function askShard<T>(shard: number, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw shardError(shard, error)
  }
}

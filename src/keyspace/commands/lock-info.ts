/**
 * What LOCK.INFO shows of a lock.
 * Tests: test/keyspace/commands/lock-commands.test.ts
 */
import { type ByteString, type Call, MapReply } from '../engine/index.ts'

/** A lock that nobody uses is shown too: as free. */
export function showLock(call: Call, name: ByteString): MapReply {
  const { locks } = call.engine
  const info = locks.info(name)
  if (info === undefined) {
    // No token of this lock is known any more; none was above the last of the shard.
    return lockReply('free', 0, locks.tokens.last, [], [])
  }
  const holders = info.holders.map(({ owner, token, remainingMs, entries }) => {
    return new MapReply([
      'owner',
      owner,
      'token',
      token,
      'remaining-ms',
      whole(remainingMs),
      'entries',
      entries,
    ])
  })
  const waiters = info.waiters.map(({ number, owner, mode, waitingMs }) => {
    return new MapReply(['id', number, 'owner', owner, 'mode', mode, 'waiting-ms', whole(waitingMs)])
  })
  return lockReply(info.mode ?? 'free', info.limit, info.lastToken, holders, waiters)
}

function lockReply(
  mode: string,
  limit: number,
  lastToken: number,
  holders: readonly MapReply[],
  waiters: readonly MapReply[],
): MapReply {
  return new MapReply([
    ...['mode', mode, 'limit', limit, 'last-token', lastToken],
    ...['holders', holders, 'waiters', waiters],
  ])
}

/** Rounded up: a lease that runs is never shown as 0. */
function whole(ms: number): number {
  return Math.ceil(ms)
}

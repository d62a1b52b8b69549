/**
 * What the commands that take locks have in common: their options, and how they wait.
 *
 * A wait for a lock is not one for a key: who enters next is the table's to say. So the caller is told
 * directly when the table has decided, and the table is told when the caller is gone.
 *
 * Tests: test/keyspace/commands/lock-commands.test.ts
 */
import {
  type BlockRequest,
  type ByteString,
  type Call,
  type ErrorReply,
  err,
  type LockMode,
  type LockOutcome,
  type LockRequest,
  type LockTable,
  ErrorReply as Refusal,
  type Reply,
  SYNTAX_ERROR,
  Ticket,
} from '../engine/index.ts'
import { integerFrom, OptionReader } from './arguments.ts'

/** The longest lease: 24 hours. What lasts longer is no lease: whoever holds it can renew. */
const LEASE_MS_MAX = 24 * 60 * 60 * 1000
const LIMIT_MAX = 1_000_000

const BAD_LEASE = err(`the lease must be between 1 and ${LEASE_MS_MAX} milliseconds`)
const BAD_WAIT = err('WAIT must be milliseconds, or 0 for ever')
const BAD_LIMIT = err(`LIMIT must be between 1 and ${LIMIT_MAX}`)
const MOVED: ErrorReply = new Refusal('TRYAGAIN', 'the lock is at another shard now')

/** Which options a command knows besides PX. */
export type LockOption = 'SHARED' | 'WAIT' | 'LIMIT'

/** What the options said. */
export interface LockOptions {
  readonly mode: LockMode
  readonly limit: number
  readonly ttlMs: number
  readonly waitMs: number
}

/** Reads PX and the options named. @throws ErrorReply */
export function lockOptions(
  argv: readonly ByteString[],
  from: number,
  known: readonly LockOption[],
): LockOptions {
  const reader = new OptionReader(argv, from)
  let [ttlMs, limit, waitMs, isShared] = [0, 0, 0, false]
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (name === 'PX') ttlMs = leaseMs(reader.value())
    else if (!known.includes(name as LockOption)) throw SYNTAX_ERROR
    else if (name === 'SHARED') isShared = true
    else if (name === 'WAIT') waitMs = integerFrom(reader.value(), 0, BAD_WAIT) || Number.POSITIVE_INFINITY
    else limit = limitOf(reader.value())
  }
  if (ttlMs === 0 || (isShared && limit > 0)) throw SYNTAX_ERROR
  const mode = limit > 0 ? 'semaphore' : isShared ? 'shared' : 'exclusive'
  return { mode, limit, ttlMs, waitMs }
}

/** The length of a lease. @throws ErrorReply */
export function leaseMs(text: ByteString): number {
  const ms = integerFrom(text, 1, BAD_LEASE)
  if (ms > LEASE_MS_MAX) throw BAD_LEASE
  return ms
}

function limitOf(text: ByteString): number {
  const limit = integerFrom(text, 1, BAD_LIMIT)
  if (limit > LIMIT_MAX) throw BAD_LIMIT
  return limit
}

/**
 * Asks for locks, and waits if it must and may. `onGrant` makes the answer.
 *
 * @throws ErrorReply
 */
export function acquire(
  call: Call,
  table: LockTable,
  request: LockRequest,
  onGrant: (tokens: readonly number[], leaseMs: number) => Reply,
  wait: Pick<BlockRequest, 'keys' | 'serve'> = NO_KEYS,
): Reply {
  let settle: ((reply: Reply) => void) | undefined
  const wanted = call.canBlock ? request : { ...request, waitMs: 0 }
  const result = table.acquire(wanted, (outcome) => settle?.(answer(outcome, onGrant)))
  if (!(result instanceof Ticket)) return answer(result, onGrant)
  const { engine } = call
  return call.block({
    ...wait,
    // The table keeps the time of the wait itself.
    timeoutMs: 0,
    onTimeout: null,
    onWaiting(settleCaller) {
      settle = settleCaller
    },
    onSettled() {
      if (!result.isTold) engine.atomically(() => table.cancel(result))
    },
  })
}

const NO_KEYS: Pick<BlockRequest, 'keys' | 'serve'> = { keys: [], serve: () => undefined }

function answer(outcome: LockOutcome, onGrant: (tokens: readonly number[], leaseMs: number) => Reply): Reply {
  switch (outcome.kind) {
    case 'granted':
      return onGrant(outcome.tokens, outcome.leaseMs)
    case 'answered':
      return outcome.answer
    case 'moved':
      return MOVED
    case 'busy':
    case 'timeout':
    case 'cancelled':
      return null
  }
}

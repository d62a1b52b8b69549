/**
 * Commands that wait, each on a connection of its own, so that nobody else waits behind it.
 *
 * A wait is ended from outside by CLIENT UNBLOCK, on another connection. What came just before is the answer
 * all the same: an element that was popped, a lock that was granted is not lost. Only when the server does
 * not answer to that either is the connection ended, and then nobody knows.
 *
 * Tests: test/client/lone-call.test.ts
 */
import { addAbortListener, type Clock, ShardloomError } from '../base/index.ts'
import type { Reply } from '../keyspace/engine/index.ts'
import type { Connection } from './connection.ts'
import { lostError } from './connection-errors.ts'
import type { ExclusivePool } from './exclusive-pool.ts'
import type { SentMark } from './sent-mark.ts'
import type { WireArgument } from './wire-values.ts'

/** What a wait needs of its client. */
export interface LoneCallParts {
  readonly pool: ExclusivePool
  readonly clock: Clock
  readonly address: string
  /** How long a connection, an answer that is overdue, or one to CLIENT UNBLOCK may take. */
  readonly timeoutMs: number
  readonly retriesMax: number
  /** Sends a command on a connection of all. */
  run(argv: readonly string[]): Promise<Reply>
}

/** A command that waits. */
export interface LoneCommand {
  readonly name: string
  readonly args: readonly WireArgument[]
  /** How long it may wait by itself; Infinity: for ever. */
  readonly waitMs: number
  /** How long it may wait for a connection. */
  readonly patienceMs: number
  /** Ends the wait. */
  readonly end: AbortSignal | undefined
}

/** It was ended before it began to wait. */
export const NOT_SENT: unique symbol = Symbol('not sent')

/**
 * Runs it. When `end` aborts: what the server answers to that, which may be null or an error, or NOT_SENT.
 *
 * @throws SHL_CONNECTION_LOST, SHL_CONNECTION_FAILED, SHL_CONNECTION_LIMIT, SHL_ASK_TIMEOUT
 */
export async function runAlone(parts: LoneCallParts, command: LoneCommand): Promise<Reply | typeof NOT_SENT> {
  const { pool, clock, retriesMax } = parts
  const { name, end, patienceMs } = command
  const endMs = clock.nowMs() + patienceMs
  for (let attempt = 0; ; attempt++) {
    if (isAborted(end)) return NOT_SENT
    let connection: Connection
    try {
      connection = await pool.take({ endMs, signal: end })
    } catch (error) {
      if (isAborted(end)) return NOT_SENT
      throw error
    }
    const mark = connection.mark()
    try {
      const reply = await waitOn(parts, command, connection, mark)
      pool.giveBack(connection)
      return reply
    } catch (error) {
      const { isSent } = mark
      if (mark.aborted) {
        pool.giveBack(connection)
        return NOT_SENT
      }
      connection.end(error as Error)
      if (!isSent && attempt < retriesMax) continue
      // What it was ended with, where that was ours, says it all.
      const cause = connection.error as Error
      if (cause instanceof ShardloomError && cause.code === 'SHL_ASK_TIMEOUT') throw cause
      throw lostError(parts.address, name, isSent, cause)
    }
  }
}

async function waitOn(
  parts: LoneCallParts,
  { name, args, waitMs, end }: LoneCommand,
  connection: Connection,
  mark: SentMark,
): Promise<Reply> {
  const { clock, timeoutMs, address } = parts
  const late = (): void => {
    const details = { actor: address, type: name, timeoutMs: waitMs + timeoutMs, isSent: mark.isSent }
    connection.end(new ShardloomError('SHL_ASK_TIMEOUT', details))
  }
  const overdueMs = waitMs + timeoutMs
  const timer = Number.isFinite(overdueMs) ? clock.after(overdueMs, late) : undefined
  // A wait without an end keeps the process alive by its connection.
  connection.hold()
  let isAnswered = false
  const forget = end && addAbortListener(end, () => void endWait(parts, connection, mark, () => isAnswered))
  try {
    return await connection.send(args, mark)
  } finally {
    isAnswered = true
    timer?.cancel()
    forget?.()
    connection.unhold()
  }
}

/** Asks again until there is an answer: the question may overtake the command, which does not wait yet. */
async function endWait(
  { run, clock, address }: LoneCallParts,
  connection: Connection,
  mark: SentMark,
  isAnswered: () => boolean,
): Promise<void> {
  if (mark.recall()) return
  const [id] = connection.setupReplies
  for (let asked = 0; asked < ASKS_MAX && !isAnswered(); asked++) {
    await run(['CLIENT', 'UNBLOCK', String(id)]).catch(() => null)
    // Its answer is on the way, if there is one.
    if (!isAnswered()) await new Promise<void>((resolve) => void clock.after(ASK_AGAIN_MS, resolve))
  }
  if (isAnswered()) return
  const details = { actor: address, type: 'client|unblock', timeoutMs: ASKS_MAX * ASK_AGAIN_MS, isSent: true }
  connection.end(new ShardloomError('SHL_ASK_TIMEOUT', details))
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

/** How often a wait is asked to end, before its connection is ended. */
const ASKS_MAX = 50
const ASK_AGAIN_MS = 10

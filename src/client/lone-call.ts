/**
 * Commands that wait, each on a connection of its own, so that nobody else waits behind it.
 *
 * A wait is ended from outside by CLIENT UNBLOCK, on another connection. What came just before is the answer
 * all the same: an element that was popped, a lock that was granted is not lost. Only when the server does
 * not answer to that either is the connection ended, and then nobody knows.
 *
 * A wait has its time from when it was asked for. When that is over in the line for a connection, nothing
 * came of it, as if the server had said so; who gets one earlier asks for what is left.
 *
 * Tests: test/client/lone-call.test.ts
 */
import { addAbortListener, type Clock, orLate, ShardloomError } from '../base/index.ts'
import { ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import { deferred } from '../keyspace/remoting/index.ts'
import type { Connection } from './connection.ts'
import { closedError, lostError } from './connection-errors.ts'
import type { ExclusivePool } from './exclusive-pool.ts'
import { isAborted } from './joined-signal.ts'
import type { SentMark } from './sent-mark.ts'
import { type WaitTime, withTimeLeft } from './wait-time.ts'
import type { WireArgument } from './wire-values.ts'

/** A busy server is not to cost an element whoever is in a hurry. */
const GRACE_MS_MIN = 1000
/** Pauses between two times that a wait is asked to end. */
const ASK_AGAIN_MS = 10
const ASK_MS_MAX = 80
const REFUSED = new ErrorReply('ERR', 'too late')

/** What it takes to end a wait. */
export interface UnblockParts {
  readonly clock: Clock
  readonly address: string
  /** How long a connection, an answer that is overdue, or the end of a wait may take. */
  readonly timeoutMs: number
  /** Sends a command on a connection of all, also when the client is about to close. */
  unblock(argv: readonly string[], timeoutMs: number): Promise<Reply>
}

/** What a wait needs of its client. */
export interface LoneCallParts extends UnblockParts {
  readonly pool: ExclusivePool
  readonly retriesMax: number
}

/** A command that waits. */
export interface LoneCommand {
  readonly name: string
  readonly args: readonly WireArgument[]
  /** How its arguments say how long it waits. */
  readonly time: WaitTime
  /** How long it may wait by itself; Infinity: for ever. */
  readonly waitMs: number
  /** How long it may wait for a connection. */
  readonly patienceMs: number
  /** How long all of it may take before it is ended; undefined: as long as it waits. */
  readonly limitMs?: number | undefined
  /** Ends the wait. */
  readonly end: AbortSignal | undefined
}

/** How a wait ended. */
export interface LoneAnswer {
  /** Null: nothing came, perhaps not even a connection; or that was the answer. */
  readonly reply: Reply
  /** Whether the command had left. */
  readonly isSent: boolean
  /** What ended the wait, where it did not end by itself. */
  readonly ended: 'aborted' | 'late' | undefined
}

/**
 * Runs it. When it is ended, what the server answers to that counts, which may be null or an error.
 *
 * @throws SHL_CONNECTION_LOST, SHL_CONNECTION_FAILED, SHL_CONNECTION_LIMIT, SHL_ASK_TIMEOUT
 */
export async function runAlone(parts: LoneCallParts, command: LoneCommand): Promise<LoneAnswer> {
  const { pool, clock, retriesMax } = parts
  const { name, time, end, patienceMs, limitMs = Number.POSITIVE_INFINITY } = command
  const beganMs = clock.nowMs()
  const endMs = beganMs + Math.min(patienceMs, limitMs)
  // One without a time has nothing to run out, nor has one whose time is wrong: the server says so.
  const ownEndMs = time.waitMs > 0 ? beganMs + time.waitMs : Number.POSITIVE_INFINITY
  const state: WaitState = { limitAtMs: beganMs + limitMs, ended: undefined }
  for (let attempt = 0; ; attempt++) {
    let connection: Connection
    try {
      connection = await pool.take({ endMs, turnEndMs: ownEndMs, signal: end })
    } catch (error) {
      if (isAborted(end)) return { reply: null, isSent: false, ended: 'aborted' }
      if (ownEndMs <= endMs && isLineOver(error)) return { reply: null, isSent: false, ended: undefined }
      throw error
    }
    // It may have been aborted while the connection was handed over.
    if (isAborted(end)) {
      pool.giveBack(connection)
      return { reply: null, isSent: false, ended: 'aborted' }
    }
    const mark = connection.mark()
    try {
      const reply = await waitOn(parts, leftOf(command, ownEndMs - clock.nowMs()), connection, mark, state)
      await settled(parts, connection, state.ending)
      pool.giveBack(connection)
      return { reply, isSent: true, ended: state.ended }
    } catch (error) {
      const { isSent } = mark
      if (mark.aborted) {
        pool.giveBack(connection)
        return { reply: null, isSent: false, ended: state.ended }
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

function isLineOver(error: unknown): boolean {
  return error instanceof ShardloomError && error.code === 'SHL_CONNECTION_LIMIT'
}

/** The command with the time that is left of its own. As it was when none is over yet. */
function leftOf(command: LoneCommand, ownLeftMs: number): LoneCommand {
  const waitMs = Math.max(1, Math.ceil(ownLeftMs))
  if (waitMs >= command.time.waitMs) return command
  return { ...command, waitMs, args: withTimeLeft(command.args, command.time, waitMs) }
}

interface WaitState {
  /** By the clock. */
  readonly limitAtMs: number
  ended: LoneAnswer['ended']
  ending?: Promise<void>
}

async function waitOn(
  parts: LoneCallParts,
  { name, args, waitMs, limitMs, end }: LoneCommand,
  connection: Connection,
  mark: SentMark,
  state: WaitState,
): Promise<Reply> {
  const { clock, timeoutMs, address } = parts
  const overdueMs = waitMs + timeoutMs
  const overdue = (): void => {
    const details = { actor: address, type: name, timeoutMs: overdueMs, isSent: mark.isSent }
    connection.end(new ShardloomError('SHL_ASK_TIMEOUT', details))
  }
  const { promise: answered, resolve: onAnswer } = deferred<void>()
  const endNow = (why: 'aborted' | 'late') => (): void => {
    if (state.ended !== undefined) return
    state.ended = why
    state.ending = endWait(parts, connection, mark, { name, limitMs, answered })
  }
  const leftMs = Math.max(0, state.limitAtMs - clock.nowMs())
  const timers = [
    ...(Number.isFinite(overdueMs) ? [clock.after(overdueMs, overdue)] : []),
    ...(Number.isFinite(leftMs) ? [clock.after(leftMs, endNow('late'))] : []),
  ]
  // A wait without an end keeps the process alive by its connection.
  connection.hold()
  const forget = end && addAbortListener(end, endNow('aborted'))
  try {
    return await connection.send(args, mark)
  } finally {
    onAnswer()
    for (const timer of timers) timer.cancel()
    forget?.()
    connection.unhold()
  }
}

/** A wait that is to end. */
export interface EndedWait {
  readonly name: string
  /** How long it was let wait: who was in a hurry is, too, for the end. */
  readonly limitMs?: number | undefined
  /** Resolves with the answer, or with the end of the connection. */
  readonly answered: Promise<void>
}

/**
 * Ends the wait on a connection: takes the command back, or asks the server until there is an answer, since
 * the question may overtake the command, which does not wait yet. Without one in time the connection ends.
 */
export async function endWait(
  { unblock, clock, address, timeoutMs }: UnblockParts,
  connection: Connection,
  mark: SentMark,
  { name, limitMs = timeoutMs, answered }: EndedWait,
): Promise<void> {
  if (mark.recall()) return
  const graceMs = Math.min(timeoutMs, Math.max(limitMs, GRACE_MS_MIN))
  const endMs = clock.nowMs() + graceMs
  let isAnswered = false
  const giveUp = (): void => {
    if (isAnswered) return
    const details = { actor: address, type: name, timeoutMs: graceMs, isSent: true }
    connection.end(new ShardloomError('SHL_ASK_TIMEOUT', details))
  }
  // By the clock, and not by how often: a server that says nothing would else be asked for minutes.
  const late = clock.after(graceMs, giveUp)
  void answered.then(() => {
    isAnswered = true
    late.cancel()
  })
  const argv = ['CLIENT', 'UNBLOCK', String(connection.setupReplies[0])]
  for (let pauseMs = ASK_AGAIN_MS; !isAnswered; pauseMs = Math.min(pauseMs * 2, ASK_MS_MAX)) {
    const leftMs = endMs - clock.nowMs()
    const reply = leftMs > 0 ? await unblock(argv, leftMs).catch(() => null) : REFUSED
    if (reply instanceof ErrorReply) return giveUp()
    // Its answer is on the way, if there is one.
    await orLate(clock, answered, pauseMs, undefined)
  }
}

/**
 * A question that is still on its way would end the next wait on this connection. Nobody's answer is kept
 * back for that: the connection is not used again then.
 */
export async function settled(
  { clock, address }: UnblockParts,
  connection: Connection,
  ending: Promise<void> | undefined,
): Promise<void> {
  if (ending === undefined) return
  const isOver = await orLate(
    clock,
    ending.then(() => true),
    ASK_MS_MAX,
    false,
  )
  if (!isOver) connection.end(closedError(address, 'idle'))
}

/**
 * A connection of one's own, as a Redis client has: a selected database, MULTI and EXEC, WATCH.
 *
 * It is opened with the first command, and taken from the pool until it is closed. What it has set up is gone
 * with its connection: the command on its way says SHL_CONNECTION_LOST, and the next one begins anew, with
 * nothing selected, queued or watched. A caller that is in the middle of something must begin again.
 *
 * A command that is late, or aborted, and has left ends the connection, since nobody knows the state then.
 * One that waits is ended in order, as outside of a session: the state stays, and what came by then is given.
 *
 * Tests: test/client/remote-session.test.ts
 */
import { addAbortListener, type ErrorCode, ShardloomError } from '../base/index.ts'
import {
  type Argument,
  byteString,
  ErrorReply,
  NullArrayReply,
  type Reply,
  StatusReply,
} from '../keyspace/engine/index.ts'
import { deferred } from '../keyspace/remoting/index.ts'
import { boundedBy, type CallLimits, type RemoteCallOptions } from './call-limits.ts'
import type { Connection } from './connection.ts'
import { closedError, isAskError, lostError, NOTHING_DONE } from './connection-errors.ts'
import { endWait } from './lone-call.ts'
import type { RemoteClient } from './remote-client.ts'
import { profileOf } from './retry-rules.ts'
import type { SentMark } from './sent-mark.ts'
import { wireArgument } from './wire-values.ts'

/** A caller's state, on the server. */
export class RemoteSession {
  readonly #client: RemoteClient
  readonly #limits: CallLimits
  #opening: Promise<Connection> | undefined
  #connection: Connection | undefined
  #db: number
  #isInTransaction = false
  #isClosed = false

  /** @internal Use `keyspace.session`. */
  constructor(client: RemoteClient, limits: CallLimits = {}) {
    this.#client = client
    this.#limits = limits
    this.#db = client.settings.address.db
  }

  /** The selected database. */
  get db(): number {
    return this.#db
  }

  /** Whether commands are being queued. */
  get isInTransaction(): boolean {
    return this.#isInTransaction
  }

  /**
   * Runs a command in this session; errors of the server are replies.
   *
   * @throws SHL_CONNECTION_LOST, SHL_CONNECTION_FAILED, SHL_CONNECTION_LIMIT, SHL_ASK_TIMEOUT,
   * SHL_ASK_ABORTED, which end the connection when the command has left, unless it waits
   */
  call(argv: readonly Argument[], options: RemoteCallOptions = {}): Promise<Reply> {
    return this.#client.during(async () => {
      const { options: bounded, forget } = boundedBy(this.#limits, options)
      return this.#call(argv, bounded).finally(forget)
    })
  }

  async #call(argv: readonly Argument[], options: RemoteCallOptions): Promise<Reply> {
    const { clock, settings } = this.#client
    const { signal, timeoutMs = settings.timeoutMs } = options
    const { name, kind } = profileOf(argv)
    if (this.#isClosed) throw closedError(settings.address.shown, name)
    this.#client.checkOpen(name, signal)
    const endMs = clock.nowMs() + timeoutMs
    const connection = await this.#open({ endMs, signal })
    const isWait = kind === 'blocking'
    // What does not wait was called before the client closed.
    if (isWait || signal?.aborted === true) this.#client.checkOpen(name, signal)
    const mark = connection.mark()
    const leftMs = isWait && options.timeoutMs === undefined ? undefined : Math.max(0, endMs - clock.nowMs())
    const run = { name, timeoutMs, leftMs, signal, connection, mark }
    const ends = isWait ? this.#endInOrder(run) : this.#endAtOnce(run)
    try {
      this.#client.written(argv)
      const reply = await connection.send(argv.map(wireArgument), mark)
      this.#client.written(argv)
      const failure = reply === null ? ends.failure(true) : undefined
      if (failure !== undefined) throw failure
      this.#follow(argv, reply)
      return reply
    } catch (error) {
      throw this.#failure(run, error as Error, ends)
    } finally {
      await ends.over()
    }
  }

  /** The connection with it: its state would be unknown afterwards. */
  #endAtOnce({ name, timeoutMs, leftMs = timeoutMs, signal, connection, mark }: SessionRun): SessionEnds {
    const { clock } = this.#client
    let ended: ShardloomError | undefined
    const end = (code: ErrorCode) => (): void => {
      ended ??= this.#endError(code, { name, timeoutMs, signal }, mark.isSent)
      if (!mark.recall()) connection.end(ended)
    }
    const timer = clock.after(leftMs, end('SHL_ASK_TIMEOUT'))
    const forget = signal && addAbortListener(signal, end('SHL_ASK_ABORTED'))
    return {
      // What came in the last moment is an answer.
      failure: (isSent) => (isSent ? undefined : ended),
      over: async () => {
        timer.cancel()
        forget?.()
      },
    }
  }

  /** The wait alone. It ends when the client closes, too. */
  #endInOrder({ name, timeoutMs, leftMs, signal, connection, mark }: SessionRun): SessionEnds {
    const { clock, closing, unblocking, settings } = this.#client
    const { promise: answered, resolve: onAnswer } = deferred<void>()
    let code: ErrorCode | undefined
    let ending: Promise<void> | undefined
    const end = (why: ErrorCode) => (): void => {
      if (code !== undefined) return
      code = why
      ending = endWait(unblocking, connection, mark, { name, limitMs: leftMs, answered })
    }
    const timer = leftMs === undefined ? undefined : clock.after(leftMs, end('SHL_ASK_TIMEOUT'))
    const forgets = [
      signal && addAbortListener(signal, end('SHL_ASK_ABORTED')),
      addAbortListener(closing, end('SHL_CONNECTION_CLOSED')),
    ]
    connection.hold()
    return {
      failure: (isSent) => {
        if (code === undefined) return undefined
        if (code === 'SHL_CONNECTION_CLOSED') return closedError(settings.address.shown, name, isSent)
        return this.#endError(code, { name, timeoutMs, signal }, isSent, NOTHING_DONE)
      },
      over: async () => {
        onAnswer()
        timer?.cancel()
        for (const forget of forgets) forget?.()
        connection.unhold()
        // What is still asked for would end the next wait.
        await ending
      },
    }
  }

  #endError(
    code: ErrorCode,
    { name, timeoutMs, signal }: Pick<SessionRun, 'name' | 'timeoutMs' | 'signal'>,
    isSent: boolean,
    more: object = {},
  ): ShardloomError {
    const details = { actor: this.#client.settings.address.shown, type: name, timeoutMs, isSent, ...more }
    return new ShardloomError(code, details, { cause: signal?.reason })
  }

  /** Gives the connection up. What is queued is dropped. */
  async close(): Promise<void> {
    this.#isClosed = true
    const connection = await this.#opening?.catch(() => undefined)
    connection?.end(closedError(this.#client.settings.address.shown, 'session'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #open(limits: { readonly endMs: number; readonly signal: AbortSignal | undefined }): Promise<Connection> {
    if (this.#connection?.error !== undefined) {
      this.#connection = undefined
      this.#opening = undefined
    }
    this.#opening ??= this.#client.pool.take(limits).then(
      (connection) => {
        this.#connection = connection
        this.#db = this.#client.settings.address.db
        this.#isInTransaction = false
        return connection
      },
      (error: unknown) => {
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }

  /** What the server has made of its state. */
  #follow(argv: readonly Argument[], reply: Reply): void {
    const name = byteString(argv[0] ?? '').toLowerCase()
    if (name === 'exec' || name === 'discard') {
      // Refused with EXECABORT as well: only without MULTI nothing changes, and that was so before.
      this.#isInTransaction = false
      if (Array.isArray(reply)) for (const db of this.#queuedDb.splice(0)) this.#db = db
      this.#queuedDb.length = 0
      return
    }
    if (reply instanceof ErrorReply || reply === null || reply instanceof NullArrayReply) return
    const isQueued = reply instanceof StatusReply && reply.text === 'QUEUED'
    if (name === 'multi') this.#isInTransaction = true
    else if (name === 'select') {
      const db = Number(byteString(argv[1] ?? ''))
      if (isQueued) this.#queuedDb.push(db)
      else this.#db = db
    } else if (name === 'reset') {
      this.#isInTransaction = false
      this.#db = 0
    }
  }

  /** Databases that the queued commands select. */
  readonly #queuedDb: number[] = []

  #failure({ name, connection, mark }: SessionRun, error: Error, ends: SessionEnds): Error {
    if (connection.error === undefined) {
      // Nothing came of the wait; or it was taken back before it left.
      return mark.aborted ? (ends.failure(false) ?? error) : error
    }
    if (isAskError(connection.error)) return connection.error
    return lostError(this.#client.settings.address.shown, name, mark.isSent, connection.error)
  }
}

/** A command under way. */
interface SessionRun {
  readonly name: string
  readonly timeoutMs: number
  /** Undefined: it may wait for ever. */
  readonly leftMs: number | undefined
  readonly signal: AbortSignal | undefined
  readonly connection: Connection
  readonly mark: SentMark
}

/** What may end one before it has an answer. */
interface SessionEnds {
  /** What it fails with when it has ended without one; undefined: it has not. */
  failure(isSent: boolean): ShardloomError | undefined
  over(): Promise<void>
}

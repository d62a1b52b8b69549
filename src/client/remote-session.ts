/**
 * A connection of one's own, as a Redis client has: a selected database, MULTI and EXEC, WATCH.
 *
 * It is opened with the first command, and taken from the pool until it is closed. What it has set up is gone
 * with its connection: the command on its way says SHL_CONNECTION_LOST, and the next one begins anew, with
 * nothing selected, queued or watched. A caller that is in the middle of something must begin again.
 *
 * Tests: test/client/remote-session.test.ts
 */
import { addAbortListener, ShardloomError } from '../base/index.ts'
import {
  type Argument,
  byteString,
  ErrorReply,
  NullArrayReply,
  type Reply,
  StatusReply,
} from '../keyspace/engine/index.ts'
import type { Connection } from './connection.ts'
import { closedError, isAskError, lostError } from './connection-errors.ts'
import type { RemoteCallOptions, RemoteClient } from './remote-client.ts'
import { profileOf } from './retry-rules.ts'
import { wireArgument } from './wire-values.ts'

/** A caller's state, on the server. */
export class RemoteSession {
  readonly #client: RemoteClient
  #opening: Promise<Connection> | undefined
  #connection: Connection | undefined
  #db: number
  #isInTransaction = false
  #isClosed = false

  /** @internal Use `keyspace.session`. */
  constructor(client: RemoteClient) {
    this.#client = client
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
   * SHL_ASK_ABORTED, which ends the connection when the command has left
   */
  async call(argv: readonly Argument[], options: RemoteCallOptions = {}): Promise<Reply> {
    const { clock, settings } = this.#client
    const { signal, timeoutMs = settings.timeoutMs } = options
    const profile = profileOf(argv)
    const { name } = profile
    if (this.#isClosed) {
      throw closedError(settings.address.shown, name)
    }
    this.#client.checkOpen(name, signal)
    const connection = await this.#open({ endMs: clock.nowMs() + timeoutMs, signal })
    const mark = connection.mark()
    const details = { actor: settings.address.shown, type: name, timeoutMs }
    // Its state would be unknown afterwards.
    const end = (code: 'SHL_ASK_TIMEOUT' | 'SHL_ASK_ABORTED') => (): void => {
      const isSent = mark.isSent
      if (!mark.recall())
        connection.end(new ShardloomError(code, { ...details, isSent }, { cause: signal?.reason }))
    }
    const waits = profile.kind === 'blocking' && options.timeoutMs === undefined
    const timer = waits ? undefined : clock.after(timeoutMs, end('SHL_ASK_TIMEOUT'))
    const forget = signal && addAbortListener(signal, end('SHL_ASK_ABORTED'))
    if (waits) connection.hold()
    try {
      this.#client.written(argv)
      const reply = await connection.send(argv.map(wireArgument), mark)
      this.#client.written(argv)
      this.#follow(argv, reply)
      return reply
    } catch (error) {
      throw this.#failure(connection, error as Error, name, mark.isSent)
    } finally {
      timer?.cancel()
      forget?.()
      if (waits) connection.unhold()
    }
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

  #failure(connection: Connection, error: Error, command: string, isSent: boolean): Error {
    const { error: reason = error } = connection
    if (isAskError(reason)) return reason
    const address = this.#client.settings.address.shown
    if (connection.error === undefined) {
      // It was taken back before it left.
      const details = { actor: address, type: command, isSent }
      return new ShardloomError('SHL_ASK_ABORTED', details, { cause: error })
    }
    return lostError(address, command, isSent, reason)
  }
}

/**
 * A connection on which the server talks unasked: made again whenever it is lost, until it is closed.
 *
 *     connect ──► `open`: subscribe, or watch ──► the server talks … ──► lost ──► `onBroken` ──► again
 *
 * It keeps the process alive while somebody listens. One that says nothing for long is asked for a sign of
 * life, since a stream whose server is gone without a word would else be silent for ever.
 *
 * A server that does not answer `open` is given up: the first time within `timeoutMs`, so that whoever begins
 * is told soon. Later, and where the server may let the answer wait, it has as long as it may be silent on an
 * open stream, and each time twice as long: who waits in a long line is not to go to its end for ever.
 *
 * Invariants: (1) one connection at a time; (2) after `close`, or `onFailed`, nothing is called; (3) until
 * `open` has succeeded once, it is begun again for `timeoutMs` only.
 * Tests: test/client/remote-subscription.test.ts, test/client/remote-watch.test.ts
 */
import { ShardloomError, type TimerHandle } from '../base/index.ts'
import type { Connection } from './connection.ts'
import { closedError, lostError } from './connection-errors.ts'
import type { ConnectionWish } from './connector.ts'
import { silence } from './remote-call.ts'
import type { RemoteClient } from './remote-client.ts'

/** What a stream is made of. */
export interface StreamParts {
  readonly client: RemoteClient
  readonly wish: Omit<ConnectionWish, 'purpose'>
  /** Begins on a new connection; what it throws ends the stream, unless the connection has ended. */
  open(connection: Connection): Promise<void>
  /** The server may rightly let the answer to the first `open` wait. */
  readonly mayWait: boolean
  /** How long it may take to begin. */
  readonly timeoutMs: number
  /**
   * The connection has ended, and `open` had succeeded, on this or an earlier one. False: that is the end.
   */
  onBroken(error: Error): boolean
  /** It cannot go on. */
  onFailed(error: Error): void
}

/** Silence after which the server is asked. */
const SILENT_MS = 10_000
const STEADY_MS = 1000
/** How often the time for an answer is doubled. */
const DOUBLED_MAX = 4

/** A stream. */
export class StreamConnection {
  readonly #parts: StreamParts
  readonly #stop = new AbortController()
  #connection: Connection | undefined
  #timer: TimerHandle | undefined

  constructor(parts: StreamParts) {
    this.#parts = parts
  }

  start(): void {
    void this.#run()
  }

  /** The server is not heard any more. */
  close(): void {
    const reason = closedError(this.#parts.client.settings.address.shown, 'stream')
    this.#stop.abort(reason)
    this.#timer?.cancel()
    this.#connection?.end(reason)
  }

  get #isClosed(): boolean {
    return this.#stop.signal.aborted
  }

  async #run(): Promise<void> {
    const { client, wish, mayWait, timeoutMs, onBroken, onFailed } = this.#parts
    const { clock, pool, connector, settings } = client
    const { signal } = this.#stop
    // Whoever begins is told soon; whoever has begun is patient.
    let endMs = clock.nowMs() + timeoutMs
    let hasBegun = false
    let unanswered = 0
    let pause = connector.pauses()
    while (!this.#isClosed) {
      let error: Error
      const sinceMs = clock.nowMs()
      try {
        const connection = await pool.make({ ...wish, purpose: 'stream' }, { endMs, signal })
        this.#connection = connection
        const ended = new Promise<Error>((resolve) => connection.onEnd(resolve))
        connection.hold()
        if (this.#isClosed) connection.end(signal.reason as Error)
        const isPatient = hasBegun || mayWait
        const limitMs = isPatient ? (SILENT_MS + settings.timeoutMs) * 2 ** unanswered : endMs - clock.nowMs()
        if (await this.#begin(connection, limitMs)) {
          hasBegun = true
          endMs = Number.POSITIVE_INFINITY
          unanswered = 0
        } else if (clock.nowMs() - sinceMs >= limitMs) unanswered = Math.min(unanswered + 1, DOUBLED_MAX)
        error = await ended
      } catch (thrown) {
        if (!this.#isClosed) onFailed(thrown as Error)
        return
      } finally {
        this.#timer?.cancel()
      }
      if (this.#isClosed || (hasBegun && !onBroken(error))) return
      if (clock.nowMs() - sinceMs >= STEADY_MS) pause = connector.pauses()
      if (clock.nowMs() + pause.duration >= endMs) return onFailed(this.#lost(error))
      await client.pause(pause.duration)
      pause = pause.next(undefined)
    }
  }

  /** False: the connection ended before. */
  async #begin(connection: Connection, limitMs: number): Promise<boolean> {
    this.#listen(connection, limitMs, true)
    try {
      await this.#parts.open(connection)
    } catch (error) {
      if (connection.error !== undefined) return false
      connection.end(error as Error)
      throw error
    } finally {
      this.#timer?.cancel()
    }
    this.#listen(connection, this.#parts.client.settings.timeoutMs, false)
    return true
  }

  /**
   * Ends it when it does not answer for so long: to `open`, or to what it is asked when it has long been
   * silent.
   */
  #listen(connection: Connection, limitMs: number, isOpening: boolean): void {
    const { clock } = this.#parts.client
    const sinceMs = clock.nowMs()
    const look = (): void => {
      if (connection.error !== undefined) return
      const quietMs = clock.nowMs() - Math.max(connection.heardMs, sinceMs)
      const silentMs = isOpening ? quietMs : connection.silentMs
      if (silentMs >= limitMs) return connection.end(silence(connection.address, silentMs))
      if (!isOpening && quietMs >= SILENT_MS && connection.pending === 0) {
        connection.send(['PING'], connection.mark()).catch(() => undefined)
      }
      later(limitMs - silentMs)
    }
    const later = (leftMs: number): void => {
      const isAsked = isOpening || connection.pending > 0
      const delayMs = isAsked ? Math.max(1, Math.min(SILENT_MS / 4, leftMs)) : SILENT_MS / 4
      this.#timer = clock.after(delayMs, look, { unref: true })
    }
    later(limitMs)
  }

  #lost(error: Error): Error {
    if (error instanceof ShardloomError) return error
    return lostError(this.#parts.client.settings.address.shown, 'stream', false, error)
  }
}

/**
 * Connections that one caller has for itself: for a wait, a transaction, a session, a stream.
 *
 * They are made when they are needed, up to a limit, given back clean, and closed when nobody has needed them
 * for a while. Who asks when all are taken waits in line, within its deadline.
 *
 * Invariants: (1) `taken + idle ≤ max`; (2) a connection that is given back has nothing under way, or is
 * ended; (3) who asked first is served first.
 * Tests: test/client/exclusive-pool.test.ts
 */
import { addAbortListener, type Clock, ShardloomError, type TimerHandle } from '../base/index.ts'
import type { Connection } from './connection.ts'
import { closedError, failedError } from './connection-errors.ts'
import type { ConnectionWish, Connector } from './connector.ts'
import { isRefusal } from './lane.ts'

/** How long somebody may wait for a connection. */
export interface TurnLimits {
  /** By the clock; Infinity: for ever. */
  readonly endMs: number
  /** The same for the line alone, where that is less: who has had a turn may take until `endMs`. */
  readonly turnEndMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a pool needs. */
export interface PoolParts {
  readonly connector: Connector
  readonly clock: Clock
  readonly max: number
}

const WAIT_MS_MAX = 2 ** 31 - 1
/** Until an idle connection is closed. */
const IDLE_MS = 30_000
/** Its number is asked for, by which a wait is ended. */
const WISH: ConnectionWish = { purpose: 'exclusive', setup: [['CLIENT', 'ID']] }

/** The pool of a client. */
export class ExclusivePool {
  readonly #parts: PoolParts
  readonly #idle: { readonly connection: Connection; readonly timer: TimerHandle }[] = []
  readonly #line: (() => void)[] = []
  #open = 0
  #isClosed = false

  constructor(parts: PoolParts) {
    this.#parts = parts
  }

  /** Connections that are open, being made, or idle. */
  get open(): number {
    return this.#open
  }

  /**
   * A connection for the caller alone, who gives it back.
   *
   * @throws SHL_CONNECTION_LIMIT, SHL_CONNECTION_FAILED, SHL_ASK_ABORTED, SHL_CONNECTION_CLOSED
   */
  async take(limits: TurnLimits): Promise<Connection> {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle === undefined) return this.make(WISH, limits)
      idle.timer.cancel()
      if (idle.connection.error === undefined) return idle.connection
    }
  }

  /** A new one, of its own kind. It counts until it ends. */
  async make(wish: ConnectionWish, limits: TurnLimits): Promise<Connection> {
    await this.#turn(limits)
    try {
      const connection = await this.#connect(wish, limits)
      connection.onEnd(() => this.#leave())
      return connection
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Takes a connection back. */
  giveBack(connection: Connection): void {
    if (connection.error !== undefined) return
    if (connection.pending > 0 || this.#isClosed || this.#line.length > 0) {
      // Somebody is in line, perhaps for one of another kind: a new one is made then.
      connection.end(notNeeded(connection.address))
      return
    }
    connection.unhold()
    const end = (): void => {
      const at = this.#idle.findIndex((one) => one.connection === connection)
      if (at >= 0) this.#idle.splice(at, 1)
      connection.end(notNeeded(connection.address))
    }
    this.#idle.push({ connection, timer: this.#parts.clock.after(IDLE_MS, end, { unref: true }) })
  }

  /** No more are made. Those that are taken are ended by who closes. */
  close(): void {
    this.#isClosed = true
    for (const { connection, timer } of this.#idle.splice(0)) {
      timer.cancel()
      connection.end(notNeeded(connection.address))
    }
    for (const go of this.#line.splice(0)) go()
  }

  /** Waits until there is room for one more, and takes it. */
  async #turn({ endMs, turnEndMs = endMs, signal }: TurnLimits): Promise<void> {
    const { max, clock, connector } = this.#parts
    for (;;) {
      if (this.#isClosed) throw closedError(connector.address, 'connect')
      if (signal?.aborted === true) throw this.#aborted(signal)
      if (this.#open < max) break
      const idle = this.#idle.shift()
      if (idle !== undefined) {
        idle.timer.cancel()
        idle.connection.end(notNeeded(connector.address))
        continue
      }
      const leftMs = Math.min(endMs, turnEndMs) - clock.nowMs()
      if (leftMs <= 0) {
        throw new ShardloomError('SHL_CONNECTION_LIMIT', {
          open: this.#open,
          exclusiveMax: max,
          isSent: false,
        })
      }
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(leftMs) ? clock.after(leftMs, go) : undefined
        const forget = signal && addAbortListener(signal, go)
        const line = this.#line
        line.push(go)
        function go(): void {
          timer?.cancel()
          forget?.()
          const at = line.indexOf(go)
          if (at >= 0) line.splice(at, 1)
          resolve()
        }
      })
    }
    this.#open++
  }

  /** Tries until it succeeds, or the time is over: nothing was sent yet. */
  async #connect(wish: ConnectionWish, limits: TurnLimits): Promise<Connection> {
    const { connector, clock } = this.#parts
    const { endMs, signal } = limits
    for (let pause = connector.pauses(); ; pause = pause.next(undefined)) {
      try {
        return await this.#inTime(connector.open(wish), limits)
      } catch (error) {
        if (isRefusal(error) || this.#isClosed || signal?.aborted === true) throw error
        const pauseMs = Math.max(pause.duration, connector.waitMs + 1)
        if (clock.nowMs() + pauseMs >= endMs) throw error
        await this.#pause(pauseMs, signal)
      }
    }
  }

  /** Ends with the signal, too. @throws SHL_ASK_ABORTED */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#parts.clock.after(ms, over)
      const forget = signal && addAbortListener(signal, over)
      function over(): void {
        timer.cancel()
        forget?.()
        resolve()
      }
    })
    if (signal?.aborted === true) throw this.#aborted(signal)
  }

  #aborted(signal: AbortSignal): ShardloomError {
    const details = { actor: this.#parts.connector.address, type: 'connect', isSent: false }
    return new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal.reason })
  }

  /** What comes too late is ended. The process is kept alive meanwhile: somebody waits. */
  #inTime(opening: Promise<Connection>, { endMs, signal }: TurnLimits): Promise<Connection> {
    const { clock, connector } = this.#parts
    const sinceMs = clock.nowMs()
    return new Promise((resolve, reject) => {
      let isOver = false
      const end = (settle: () => void): void => {
        if (isOver) return
        isOver = true
        timer.cancel()
        forget?.()
        settle()
      }
      const timer = clock.after(Math.min(WAIT_MS_MAX, Math.max(0, endMs - clock.nowMs())), () => {
        const waitedMs = Math.round(clock.nowMs() - sinceMs)
        end(() => reject(failedError(connector.address, 'connect', connector.lastFailure, waitedMs)))
      })
      const forget = signal && addAbortListener(signal, () => end(() => reject(this.#aborted(signal))))
      opening.then(
        (connection) => {
          if (isOver) connection.end(notNeeded(connector.address))
          else end(() => resolve(connection))
        },
        (error: Error) => end(() => reject(error)),
      )
    })
  }

  #leave(): void {
    this.#open--
    this.#line.shift()?.()
  }
}

/** Why a connection is ended that nobody needs. */
function notNeeded(address: string): ShardloomError {
  return closedError(address, 'idle')
}

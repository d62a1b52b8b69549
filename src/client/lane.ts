/**
 * One connection for commands that do not wait, made again whenever it is lost, and the calls that wait for
 * it meanwhile.
 *
 * When a connection ends, each of its calls goes one of three ways: it was not sent, or may be sent again,
 * and waits for the next connection; or its outcome is unknown, and it says so.
 *
 * Invariants: (1) calls are sent in the order in which they were given, those that are sent again first among
 * what waits; (2) nothing is sent again that `retry-rules.ts` does not allow; (3) between two attempts to
 * connect there is a pause.
 * Tests: test/client/remote-client.faults.test.ts
 */
import { type Clock, ShardloomError } from '../base/index.ts'
import { ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import type { ClientEvent } from './client-event.ts'
import type { Connection } from './connection.ts'
import { reasonOf } from './connection-errors.ts'
import type { ConnectionWish, Connector } from './connector.ts'
import type { RemoteCall } from './remote-call.ts'

/** What a lane needs. */
export interface LaneParts {
  readonly connector: Connector
  readonly clock: Clock
  readonly retriesMax: number
  readonly wish: ConnectionWish
  tell(event: ClientEvent): void
  /** It has a new connection, or has lost it. */
  onChange(connection: Connection | undefined): void
  /** Nothing is under way on it any more. */
  onIdle(): void
}

/** A connection that lived for so long was none that ends at once. */
const STEADY_MS = 1000

/** One lane. */
export class Lane {
  readonly #parts: LaneParts
  readonly #waiting = new Set<RemoteCall>()
  #connection: Connection | undefined
  #pending = 0
  #isConnecting = false
  #isClosed = false
  #pause: ReturnType<Connector['pauses']> | undefined

  constructor(parts: LaneParts) {
    this.#parts = parts
    void this.#connect()
  }

  /** Calls that it was given and that are not settled. */
  get pending(): number {
    return this.#pending
  }

  get connection(): Connection | undefined {
    return this.#connection
  }

  /** Takes a call on: from here on it is settled here. */
  take(call: RemoteCall): void {
    this.#pending++
    this.#give(call)
  }

  /** A call that this lane has taken on is settled. */
  done(): void {
    if (--this.#pending === 0) this.#parts.onIdle()
  }

  /** Connects no more. What waits is failed by who closes. */
  close(): void {
    this.#isClosed = true
  }

  #give(call: RemoteCall): void {
    if (call.isSettled) return
    const connection = this.#connection
    if (connection === undefined) {
      this.#waiting.add(call)
      call.forget = () => this.#waiting.delete(call)
      return
    }
    call.forget = undefined
    call.giveTo(connection).then(
      (all) => this.#onAnswer(call, all),
      (error: Error) => this.#onLost(call, connection.error ?? error),
    )
  }

  /** A server that reads its data has not run the command, and will soon. */
  #onAnswer(call: RemoteCall, all: readonly Reply[]): void {
    const reply = all.at(-1)
    const isLoading = reply instanceof ErrorReply && reply.code === 'LOADING'
    if (!isLoading || call.attempts > this.#parts.retriesMax) return call.answer(all)
    call.comeBack()
    const { connector, clock } = this.#parts
    let pause = connector.pauses()
    for (let i = 1; i < call.attempts; i++) pause = pause.next(undefined)
    clock.after(pause.duration, () => this.#give(call), { unref: true })
  }

  #onLost(call: RemoteCall, error: Error): void {
    const isSent = call.leave()
    if (call.isSettled) return
    const { rule, name } = call.profile
    const { retriesMax, tell, connector } = this.#parts
    const mayAgain = !isSent || rule !== 'never'
    if (this.#isClosed || !mayAgain || call.attempts > retriesMax) {
      call.fail(call.lost(error))
      return
    }
    tell({ type: 'retried', address: connector.address, command: name, wasSent: isSent })
    this.#give(call)
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting) return
    this.#isConnecting = true
    const { connector, clock, wish, tell } = this.#parts
    while (!this.#isClosed) {
      try {
        const connection = await connector.open(wish)
        this.#isConnecting = false
        this.#use(connection)
        return
      } catch (error) {
        if (this.#isClosed) return
        const reason = reasonOf(error as Error)
        if (isRefusal(error)) for (const call of [...this.#waiting]) call.fail(error)
        const retryInMs = this.#nextPause()
        tell({ type: 'connectFailed', address: connector.address, purpose: wish.purpose, reason, retryInMs })
        await new Promise<void>((resolve) => void clock.after(retryInMs, resolve, { unref: true }))
      }
    }
  }

  #use(connection: Connection): void {
    const { clock, onChange } = this.#parts
    const sinceMs = clock.nowMs()
    this.#connection = connection
    onChange(connection)
    connection.onEnd(() => {
      this.#connection = undefined
      onChange(undefined)
      if (clock.nowMs() - sinceMs >= STEADY_MS) this.#pause = undefined
      if (this.#isClosed) return
      // Not at once: whoever else has lost the same server comes back, too.
      const again = (): void => void this.#connect()
      clock.after(this.#nextPause(), again, { unref: true })
    })
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const call of waiting) this.#give(call)
  }

  #nextPause(): number {
    this.#pause = this.#pause === undefined ? this.#parts.connector.pauses() : this.#pause.next(undefined)
    return Math.max(this.#pause.duration, this.#parts.connector.waitMs + 1)
  }
}

/** Whether the server was there and has refused: to wait for another answer is of no use. */
export function isRefusal(error: unknown): error is ShardloomError {
  return error instanceof ShardloomError && error.details['isRefused'] === true
}

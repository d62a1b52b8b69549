/**
 * Items of a server as a program takes them: what watches and subscriptions have in common.
 *
 * They come over a connection of their own, which is made again whenever it is lost, and are given by an
 * outlet, at the pace of whoever takes them. What waits between is the business of each.
 *
 * Invariant: after the end, whatever ended it, there is no connection, and what comes late is ignored.
 * Tests: test/client/remote-subscription.test.ts, test/client/remote-watch.test.ts
 */
import { addAbortListener, ShardloomError } from '../base/index.ts'
import { type Deferred, deferred, Outlet } from '../keyspace/remoting/index.ts'
import type { CallLimits } from './call-limits.ts'
import type { Connection } from './connection.ts'
import type { RemoteClient } from './remote-client.ts'
import { StreamConnection, type StreamParts } from './stream-connection.ts'

/** What one is made with. */
export interface RemoteStreamParts {
  readonly client: RemoteClient
  /** As errors call it. */
  readonly type: 'watch' | 'subscribe'
  readonly wish: StreamParts['wish']
  /** The server may rightly let the first answer wait. */
  readonly mayWait: boolean
  readonly signal: AbortSignal | undefined
  /** Of the keyspace: the signal ends it as its own does; the deadline is for how it begins. */
  readonly limits: CallLimits
}

/** Iterates over items. `Start` is what `ready` says. */
export abstract class RemoteStream<Item, Start> implements AsyncIterableIterator<Item, undefined> {
  /** Resolves when the server has it: what happens afterwards is seen. */
  readonly ready: Promise<Start>
  protected readonly client: RemoteClient
  readonly #ready: Deferred<Start>
  readonly #outlet: Outlet<Item>
  readonly #stream: StreamConnection
  readonly #type: string
  readonly #limits: CallLimits
  readonly #forgetLimits: (() => void) | undefined
  #isOver = false

  protected constructor({ client, type, wish, mayWait, signal, limits }: RemoteStreamParts) {
    this.client = client
    this.#type = type
    this.#ready = deferred()
    this.ready = this.#ready.promise
    this.#outlet = new Outlet({ take: () => this.take(), onClosed: () => this.#onClosed() }, signal)
    this.#limits = limits
    const { timeoutMs = client.settings.timeoutMs, signal: end } = limits
    this.#forgetLimits = end && addAbortListener(end, () => void this.return())
    this.#stream = new StreamConnection({
      client,
      wish,
      mayWait,
      timeoutMs,
      open: async (connection) => this.#ready.resolve(await this.open(connection)),
      onBroken: (error) => this.onBroken(error),
      onFailed: (error) => this.fail(error),
    })
  }

  /** Begins: the last thing that a constructor does. */
  protected begin(): void {
    this.client.streams.add(this)
    if (this.#outlet.isClosed) this.#onClosed()
    else if (this.#limits.signal?.aborted === true) void this.return()
    else this.#stream.start()
  }

  protected get isOver(): boolean {
    return this.#isOver
  }

  /** Asks for the items on a new connection. */
  protected abstract open(connection: Connection): Promise<Start>

  /**
   * The connection is lost, and `ready` was resolved, by this or an earlier one: items may have come even
   * when `open` had not succeeded on this one. False: that is the end, and `fail` was called.
   */
  protected abstract onBroken(error: Error): boolean

  /** The next item that is there; undefined: none, now. */
  protected abstract take(): Item | undefined

  /** Nobody takes what waits. */
  protected abstract clear(): void

  /** There may be something to take. */
  protected wake(): void {
    this.#outlet.wake()
  }

  /** Nothing more comes, for this reason. */
  protected fail(error: Error): void {
    this.#end(error)
    this.#outlet.fail(error)
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.next()
  }

  /** Ends it. */
  return(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #onClosed(): void {
    this.#end(new ShardloomError('SHL_STREAM_CANCELLED', { actor: 'keyspace', type: this.#type }))
    this.clear()
  }

  #end(error: Error): void {
    this.#isOver = true
    this.#forgetLimits?.()
    this.#stream.close()
    this.client.streams.delete(this)
    this.#ready.reject(error)
  }
}

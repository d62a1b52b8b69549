/**
 * Accepts connections on one thread, on sockets that all threads of a listener share.
 *
 * The thread owns copies of each socket (`descriptor-helper.ts`): one that it polls, and some in stock. Node
 * cannot stop polling a listening socket but by closing it, so to rest is to close the polled copy, and to go
 * on is to take another from the stock. Closing a copy loses nothing: what waits in the backlog belongs to
 * all. When to rest is the rule of `listen-board.ts`; whoever sees that a resting thread should go on calls
 * it over a `BroadcastChannel`, and may stand still for some milliseconds until it does, since a burst is
 * over by then.
 *
 * A stock that runs low is filled by another helper, but only while the process is small: to start a process
 * copies the page tables of this one, some 100 ms per GB in which the thread stands still. So the last copies
 * are spared for a greater difference. With none left a thread just accepts: fairness is a courtesy,
 * accepting is not.
 *
 * Measured on 2 busy cores, Node 20 to 26, connections per thread, the kernel's choice and ours:
 *
 *     50 at once, 2 threads     [7, 43] … [25, 25]             [24, 26] … [26, 24]
 *     50 at once, 4 threads     [0, 0, 50, 0] … [9, 9, 3, 29]  [12, 13, 12, 13] … [15, 17, 4, 14]
 *     1,000 at once, 4 threads  [12, 549, 206, 233] …          [250, 258, 246, 246] … [283, 243, 246, 228]
 *     50, one per 3 ms          one thread often has most      [24, 26] … [26, 24]
 *
 * With a new connection for each request the rate stays the same, within what can be measured.
 *
 * Sockets come paused, so that they can be given another reader (`readInto`, `TlsAcceptor`); else `resume()`.
 *
 * Invariants: (1) a descriptor has one owner; (2) a thread that is told to listen does, unless it rests by
 * the rule, is paused, or is closed.
 *
 * Tests: test/server/listen/thread-listener.race.test.ts
 */

import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock, type TimerHandle } from '../../base/index.ts'
import { onceClosed } from './adopt-socket.ts'
import { copySockets, type SocketHandle } from './descriptor-helper.ts'
import { type BoundAddress, listenFailed, listenRefused } from './listen-address.ts'
import { BEAT_MS, ListenBoard } from './listen-board.ts'
import type { GrantedSocket, ListenGrant } from './listener.ts'

/** Takes a connection. It is paused: `resume()` it, or give it another reader. */
export type OnSocket = (socket: Socket, address: BoundAddress) => void

export interface AcceptOptions {
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** Whether a client that ends its side may still be answered. Default: false. */
  readonly allowHalfOpen?: boolean
  /**
   * Whether it begins paused: gets its descriptors, while the process is small, and accepts after `resume`.
   */
  readonly isPaused?: boolean
  /** Is told when a connection cannot be accepted, as when too many files are open. */
  readonly onError?: (error: Error) => void
}

/**
 * Copies that all threads of a listener have together, and how many one has of a socket, at least, at most.
 */
const COPIES_MAX = 256
const STOCK_MIN = 8
const STOCK_MAX = 48
/** A thread that is alone needs another only after a pause. */
const STOCK_ALONE = 4
/**
 * Below a half of the stock a rest costs more, below a quarter much more: the last ones are for great need.
 */
const PRICE_BELOW_HALF = 2
const PRICE_BELOW_QUARTER = 8
/** The stock is filled not more often than so, each time less often, and only while the process is small. */
const REFILL_MS = 2000
const REFILL_MS_MAX = 64_000
const REFILL_RSS_BYTES = 256 * 1024 * 1024

/** How long a thread stands still for another that is to accept in its place, and how long not again. */
const PATIENCE_MS = 4
const IMPATIENT_MS = 100

/** Why a thread does not poll. */
type Still = 'rests' | 'paused' | 'closed'

/**
 * Begins to accept on this thread.
 *
 * @throws SHL_LISTEN_FAILED when the listener is closed, or (`mode: 'single'`) the address cannot be had
 * @throws SHL_LISTEN_HELPER when copies of the sockets cannot be made
 */
export async function acceptOn(
  grant: ListenGrant,
  onSocket: OnSocket,
  options: AcceptOptions = {},
): Promise<ThreadListener> {
  const listener = new ThreadListener(grant, onSocket, options)
  await listener.start()
  return listener
}

/** The listener of one thread. */
export class ThreadListener {
  readonly #grant: ListenGrant
  readonly #onSocket: OnSocket
  readonly #options: AcceptOptions
  readonly #clock: Clock
  readonly #board: ListenBoard
  readonly #isShared: boolean
  readonly #stock: SocketHandle[][]
  readonly #stockSize: number
  readonly #channel: InstanceType<typeof BroadcastChannel> | undefined
  #servers: Server[] = []
  #still: Still | undefined
  #beat: TimerHandle | undefined
  #isRefilling = false
  #impatientMs = Number.NEGATIVE_INFINITY
  #refillMs = REFILL_MS
  #refilledMs = Number.NEGATIVE_INFINITY

  /** @internal Use `acceptOn`. */
  constructor(grant: ListenGrant, onSocket: OnSocket, options: AcceptOptions) {
    this.#grant = grant
    this.#onSocket = onSocket
    this.#options = options
    this.#clock = options.clock ?? systemClock()
    this.#board = new ListenBoard(grant.board)
    this.#isShared = grant.mode === 'shared' && grant.seats > 1
    this.#stock = grant.sockets.map(() => [])
    const share = Math.floor(COPIES_MAX / (grant.seats * grant.sockets.length))
    this.#stockSize = this.#isShared ? Math.min(Math.max(share, STOCK_MIN), STOCK_MAX) : STOCK_ALONE
    if (!this.#isShared) return
    const name = `shardloom-listen-${grant.id}`
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = () => this.#look()
    // It must not keep a thread alive that has nothing else to do.
    this.#channel.unref()
    // The first message of a thread takes 20-50 ms on Node 24: have it now, while the helper runs.
    const rehearsal = new BroadcastChannel(name)
    rehearsal.postMessage(0)
    rehearsal.close()
  }

  /** Whether this thread polls. False also while it rests, so that others catch up. */
  get isListening(): boolean {
    return this.#servers.length > 0
  }

  /** Connections of this thread that are open. */
  get openConnections(): number {
    return this.#board.openOf(this.#grant.seat)
  }

  /** @internal */
  async start(): Promise<void> {
    try {
      if (this.#grant.mode === 'shared') {
        this.#put(await this.#copies())
        this.#refilledMs = this.#clock.nowMs()
      }
      // Closed, or paused, while it waited.
      if (this.#still !== undefined) return
      this.#board.sitDown(this.#grant.seat, this.#clock.nowMs())
      if (this.#options.isPaused === true) this.pause()
      else await this.#poll()
      if (this.#isShared) this.#scheduleBeat()
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Accepts nothing more until `resume`; others do. */
  pause(): void {
    if (this.#still === 'closed') return
    this.#still = 'paused'
    this.#board.leave(this.#grant.seat)
    this.#stopPolling()
    // Who rests for this thread's sake is to go on.
    this.#channel?.postMessage(0)
  }

  /** Accepts again. @throws as `acceptOn` */
  async resume(): Promise<void> {
    if (this.#still !== 'paused') return
    this.#still = undefined
    if (this.#grant.mode === 'shared' && !this.#hasStock()) this.#put(await this.#copies())
    // Paused again, or closed, meanwhile.
    if (this.#still !== undefined || this.isListening) return
    this.#board.accept(this.#grant.seat, this.#clock.nowMs())
    await this.#poll()
  }

  /** Stops for good. Connections that were accepted stay. Twice is fine. */
  close(): void {
    if (this.#still === 'closed') return
    this.#still = 'closed'
    this.#board.leave(this.#grant.seat)
    this.#beat?.cancel()
    this.#stopPolling()
    for (const handle of this.#stock.flat()) handle.close()
    for (const handles of this.#stock) handles.length = 0
    this.#channel?.postMessage(0)
    this.#channel?.close()
  }

  async #poll(): Promise<void> {
    await Promise.all(this.#grant.sockets.map((socket, index) => this.#listen(socket, index)))
  }

  /** Polls one socket. Resolves when it does, which with a copy is before this returns. */
  #listen(socket: GrantedSocket, index: number): Promise<void> {
    const { allowHalfOpen = false } = this.#options
    const server = createServer({ allowHalfOpen, noDelay: true, pauseOnConnect: true })
    server.on('connection', (connection) => this.#accepted(connection, socket.address))
    this.#servers.push(server)
    return new Promise((resolve, reject) => {
      let isListening = false
      server.on('error', (error: NodeJS.ErrnoException) => {
        if (isListening) return this.#options.onError?.(error)
        this.#servers = this.#servers.filter((other) => other !== server)
        // Alone, another thread may be the one that accepts: that is no error.
        if (this.#grant.mode === 'single' && error.code === 'EADDRINUSE') return resolve()
        reject(listenFailed(socket.address, error.code ?? error.message, error))
      })
      server.on('listening', () => {
        isListening = true
        const { address, mode } = socket
        const isOwnFile = this.#grant.mode === 'single' && address.type === 'unix' && mode !== undefined
        if (isOwnFile) chmodSync(address.path, mode)
        resolve()
      })
      if (this.#grant.mode === 'shared') server.listen(this.#stock[index]?.pop(), socket.backlog)
      else server.listen({ ...whereOf(socket), backlog: socket.backlog, exclusive: true })
    })
  }

  #stopPolling(): void {
    for (const server of this.#servers) server.close()
    this.#servers = []
  }

  #accepted(connection: Socket, address: BoundAddress): void {
    const { seat } = this.#grant
    this.#board.opened(seat)
    onceClosed(connection, () => {
      this.#board.closed(seat)
      if (this.#still === 'rests') this.#look()
    })
    if (this.#isShared) this.#giveWay()
    this.#onSocket(connection, address)
  }

  /** Rests, when others should come first; calls who rests and should go on. */
  #giveWay(): void {
    if (this.#still !== undefined) return
    const { seat } = this.#grant
    if (this.#board.callRested(seat)) this.#channel?.postMessage(0)
    const nowMs = this.#clock.nowMs()
    if (nowMs >= this.#impatientMs && !this.#board.awaitCalled(seat, PATIENCE_MS)) {
      this.#impatientMs = nowMs + IMPATIENT_MS
    }
    if (!this.#board.shouldRest(seat, nowMs, this.#price())) return
    this.#refill()
    if (!this.#hasStock()) return
    this.#still = 'rests'
    this.#board.rest(seat)
    this.#stopPolling()
  }

  /** Goes on, when nobody else should come first any more. */
  #look(): void {
    if (this.#still !== 'rests') return
    const { seat } = this.#grant
    const nowMs = this.#clock.nowMs()
    if (this.#board.shouldStay(seat, nowMs)) {
      // It may have been called; from now on it may be called again.
      this.#board.rest(seat)
      return
    }
    this.#still = undefined
    this.#board.accept(seat, nowMs)
    this.#poll().catch((error: Error) => this.#options.onError?.(error))
  }

  #scheduleBeat(): void {
    this.#beat = this.#clock.after(
      BEAT_MS,
      () => {
        this.#board.beat(this.#grant.seat, this.#clock.nowMs())
        this.#look()
        this.#scheduleBeat()
      },
      { unref: true },
    )
  }

  #hasStock(): boolean {
    return this.#stock.every((handles) => handles.length > 0)
  }

  /** What a rest costs: it takes one of each socket from the stock. */
  #price(): number {
    const left = Math.min(...this.#stock.map((handles) => handles.length)) / this.#stockSize
    return left >= 0.5 ? 1 : left >= 0.25 ? PRICE_BELOW_HALF : PRICE_BELOW_QUARTER
  }

  #refill(): void {
    const nowMs = this.#clock.nowMs()
    if (this.#price() === 1 || this.#isRefilling || nowMs - this.#refilledMs < this.#refillMs) return
    if (process.memoryUsage.rss() > REFILL_RSS_BYTES) return
    this.#isRefilling = true
    this.#refillMs = Math.min(2 * this.#refillMs, REFILL_MS_MAX)
    this.#refilledMs = nowMs
    this.#copies()
      .then(
        (copies) => this.#put(copies),
        // Without a stock it accepts all the same; the next time will try again.
        (error: Error) => this.#still !== 'closed' && this.#options.onError?.(error),
      )
      .finally(() => {
        this.#isRefilling = false
      })
  }

  async #copies(): Promise<SocketHandle[][]> {
    const { sockets } = this.#grant
    const first = sockets[0] as GrantedSocket
    if (!this.#board.beginToInherit()) {
      throw listenRefused(first.address, 'the listener is closed', 'open another')
    }
    const descriptors = sockets.map(({ fd }) => fd)
    return copySockets(this.#clock, descriptors, this.#stockSize, () => this.#board.inherited())
  }

  #put(copies: readonly SocketHandle[][]): void {
    for (const [index, handles] of copies.entries()) {
      if (this.#still === 'closed') for (const handle of handles) handle.close()
      else this.#stock[index]?.push(...handles)
    }
  }
}

function whereOf({ address }: GrantedSocket): object {
  if (address.type === 'unix') return { path: address.path }
  return { host: address.host, port: address.port, ipv6Only: true }
}

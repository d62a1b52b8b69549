/**
 * Opens the listening sockets of a server on the main thread, and grants them to its threads.
 *
 * The main thread holds each socket without polling it: who connects before the first thread accepts, or
 * while the last one is replaced, waits in the backlog and is not refused. Nobody else can listen there
 * meanwhile, since the socket is bound for one owner alone. A thread takes copies of its own (`acceptOn`).
 *
 *     main                       thread 0                 thread 1
 *     openListener ── helper
 *     holds fd 20 ── grant ────► acceptOn ── helper
 *                  └──────────────────────────────────► acceptOn ── helper
 *                                polls fd 31 ▲            polls fd 34 ▲
 *                                            └── one socket in the kernel ──┘
 *
 * Where no process can be started, or the system is Windows, one thread listens by itself (`mode: 'single'`):
 * the first that comes; `note` says so.
 *
 * Invariants: (1) a descriptor is closed by one owner, once; (2) it stays open while a thread starts a
 * process that inherits it; (3) the file of a Unix socket is removed at the end, if it is still ours.
 *
 * Tests: test/server/listen/listener.test.ts, thread-listener.race.test.ts
 */
import { randomUUID } from 'node:crypto'
import { type Clock, ShardloomError, systemClock } from '../../base/index.ts'
import type { BoundAddress, ListenAddress } from './listen-address.ts'
import { ListenBoard } from './listen-board.ts'
import { type HeldSocket, letGo, openAll, removeFiles } from './open-sockets.ts'
import { HelperOpener, Prober } from './socket-openers.ts'

/** What a thread needs to accept: plain data. */
export interface ListenGrant {
  readonly id: string
  readonly mode: 'shared' | 'single'
  readonly seat: number
  readonly seats: number
  readonly board: SharedArrayBuffer
  readonly sockets: readonly GrantedSocket[]
}

/** One socket of a grant. `fd` is the main thread's own: it may be inherited, and never be opened. */
export interface GrantedSocket {
  readonly fd: number
  readonly address: BoundAddress
  readonly backlog: number
  readonly mode: number | undefined
}

export interface ListenerOptions {
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** Default: `process.platform`. */
  readonly platform?: string
}

/** How long `close` waits for threads that start a process right now: it takes them some milliseconds. */
const INHERIT_MS = 2000

/** Sockets that are listened at. */
export class Listener {
  readonly #clock: Clock
  readonly #held: readonly HeldSocket[]
  readonly #threads: number
  readonly #buffer: SharedArrayBuffer
  readonly #board: ListenBoard
  readonly #id: string = randomUUID()
  readonly mode: 'shared' | 'single'
  /** What a person should know: that one thread accepts, and why; addresses that were passed over. */
  readonly notes: readonly string[]
  #granted = 0
  #isClosed = false

  /** @internal Use `openListener`. */
  constructor(
    clock: Clock,
    held: readonly HeldSocket[],
    threads: number,
    mode: 'shared' | 'single',
    notes: readonly string[],
  ) {
    this.#clock = clock
    this.#held = held
    this.#threads = threads
    this.mode = mode
    this.notes = notes
    this.#buffer = ListenBoard.buffer(threads)
    this.#board = new ListenBoard(this.#buffer)
  }

  /** The first address, with the port that it has got. */
  get address(): BoundAddress {
    return (this.#held[0] as HeldSocket).address
  }

  /** All of them. */
  get addresses(): readonly BoundAddress[] {
    return this.#held.map(({ address }) => address)
  }

  /**
   * What a thread needs to accept. `seat` is its number among the threads of this listener, from 0: a thread
   * that takes the place of a lost one gets the same. Default: one after the other.
   */
  grant(seat: number = this.#granted++ % this.#threads): ListenGrant {
    const sockets = this.#held.map(({ fd, address, backlog, mode }) => ({ fd, address, backlog, mode }))
    return { id: this.#id, mode: this.mode, seat, seats: this.#threads, board: this.#buffer, sockets }
  }

  /** Open connections per seat. */
  get openConnections(): readonly number[] {
    return Array.from({ length: this.#threads }, (_, seat) => this.#board.openOf(seat))
  }

  /**
   * Removes the file of a Unix socket and lets go of the sockets. Threads that still accept go on to, and
   * close for themselves; no thread begins to. Twice is fine.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#board.close()
    removeFiles(this.#held)
    // A thread that was ended in between never says that it is done, hence the bound.
    const untilMs = this.#clock.nowMs() + INHERIT_MS
    while (this.#board.isInheriting && this.#clock.nowMs() < untilMs) {
      await new Promise<void>((resolve) => this.#clock.after(5, resolve))
    }
    letGo(this.#held)
  }
}

/**
 * Listens at one address or several, for so many threads. All of them, or none: what was opened is closed
 * again when one fails.
 *
 * @throws SHL_LISTEN_FAILED with the address, what is wrong, and what to do
 */
export async function openListener(
  address: ListenAddress | readonly ListenAddress[],
  threads: number,
  options: ListenerOptions = {},
): Promise<Listener> {
  const { clock = systemClock(), platform = process.platform } = options
  const wanted = isList(address) ? address : [address]
  const notes: string[] = []
  const single = async (why: string): Promise<Listener> => {
    if (threads > 1) notes.push(`one thread accepts all connections: ${why}`)
    return new Listener(clock, await openAll(new Prober(), wanted, notes), threads, 'single', notes)
  }
  if (platform === 'win32') return single('on Windows a socket cannot be given to a thread')
  try {
    return new Listener(
      clock,
      await openAll(new HelperOpener(clock), wanted, notes),
      threads,
      'shared',
      notes,
    )
  } catch (error) {
    if (!(error instanceof ShardloomError) || error.code !== 'SHL_LISTEN_HELPER') throw error
    notes.length = 0
    return single(error.message)
  }
}

function isList(address: ListenAddress | readonly ListenAddress[]): address is readonly ListenAddress[] {
  return Array.isArray(address)
}

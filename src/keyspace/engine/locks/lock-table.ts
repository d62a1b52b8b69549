/**
 * The locks of one shard: leases with fencing tokens, and those who wait for them.
 *
 * A lock has a name in a namespace of its own: lock `invoice:7` and key `invoice:7` do not know each other,
 * but lie in the same hash slot. It is the same in all numbered databases.
 *
 *     acquire ──▶ granted                     at once, if nobody waits and all holders may hold beside
 *        │
 *        └──▶ ticket ──▶ granted | timeout | cancelled | moved | answered
 *
 * **Several at once.** A ticket stands in the queue of each of its names from the same moment on, and holds
 * none before it holds all. So all queues agree on who came first: who came first of all who wait is first in
 * each of its queues, and no circle can close. The other way, to take them one after the other in a fixed
 * order, is free of deadlock too, but leases would run while their owner still waits.
 *
 * **Entering again.** An owner enters what it holds without waiting, also past others who wait: they wait for
 * this owner. It keeps its token, its lease is prolonged, and it must leave as often as it entered. Who holds
 * exclusively may enter shared; that counts as one more entry of the same kind. Who holds shared is refused
 * exclusively, even while nobody else reads: two readers who both insist would wait for each other, and an
 * upgrade that works as long as nobody else reads works in tests and fails under load.
 *
 * **Time.** Leases and waits run on the monotonic clock only. A lease is over from its last instant on, for
 * whoever asks: each call first clears away what is over on the lock that it asks about, and gives the lock
 * to the next; `expireDue` does the same for the locks that nobody asks about.
 *
 * **Two steps of a grant.** A grant is logged, through the host, and what waited is told through the host as
 * well, which does so after the commit that contains the log's record. The host can therefore hold back the
 * answer until the record is durable; a token that was never durable was never handed out, and may be drawn
 * again after a crash. After a restart each holder gets its full lease once more, since nobody knows how much
 * of it was left: too long is safe, too short is not.
 *
 * Invariants (`check`)
 *   1. Nobody holds beside somebody incompatible; nobody waits who could enter; queues are in order of
 *      arrival.
 *   2. Tokens of a name only grow, for ever: see `token-counter.ts`.
 *   3. Every lease, and every wait that has an end, is in the heap. A lock that is idle is forgotten.
 *   4. A ticket is told once.
 *
 * Cost: O(log n) for each step of a lease; one object per lease, and none for a lock that is idle.
 * Tests: test/keyspace/engine/locks/lock-table.test.ts, lock-table.prop.test.ts, lock-table.model.test.ts
 * Source: Gray and Cheriton, "Leases" (1989); Burrows, "The Chubby lock service" (2006); Kleppmann, "How to
 * do distributed locking" (2016).
 */
import { assert } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { ErrorReply, type Reply } from '../reply.ts'
import {
  Holder,
  type HolderState,
  type Lock,
  type LockOutcome,
  type LockRequest,
  type OnSettled,
  type Ticket,
} from './lock.ts'
import { LockBook } from './lock-book.ts'
import type { LockEvent, LockHost } from './lock-host.ts'
import { type LockInfo, lockInfo } from './lock-info.ts'
import { LOCK_RULES, type LockRules } from './lock-rules.ts'
import { TokenCounter, type TokenSource } from './token-counter.ts'

/** How a table is made. */
export interface LockTableOptions {
  /** Default: a counter of its own. */
  readonly tokens?: TokenSource
  /** Whether an owner enters again what it holds; else it waits for itself as for others. Default true. */
  readonly isReentrant?: boolean
  /** Waiters of one lock; more are refused. Default 10,000: who is behind them waits for minutes at best. */
  readonly waitersPerLock?: number
  /** @internal For tests, which put wrong ones in their place. */
  readonly rules?: LockRules
}

const WAITERS_PER_LOCK = 10_000
/** Rough sizes on the heap, for the ceiling of memory. */
const LOCK_BYTES = 400
const LEASE_BYTES = 160
const TICKET_BYTES = 320

const BUSY: LockOutcome = { kind: 'busy' }
const CANCELLED: LockOutcome = { kind: 'cancelled' }
const MOVED: LockOutcome = { kind: 'moved' }

/** All locks of a shard. */
export class LockTable {
  readonly tokens: TokenSource
  readonly #host: LockHost
  readonly #book: LockBook
  readonly #isReentrant: boolean
  readonly #waitersPerLock: number

  constructor(host: LockHost, options: LockTableOptions = {}) {
    this.#host = host
    this.tokens = options.tokens ?? new TokenCounter()
    this.#isReentrant = options.isReentrant ?? true
    this.#waitersPerLock = options.waitersPerLock ?? WAITERS_PER_LOCK
    this.#book = new LockBook(host, this.tokens, options.rules ?? LOCK_RULES, this.#isReentrant)
  }

  /** Locks that are held or waited for. */
  get size(): number {
    return this.#book.locks.size
  }

  get holderCount(): number {
    return this.#book.holderCount
  }

  get waiterCount(): number {
    return this.#book.waiterCount
  }

  /** An estimate of what is on the heap. */
  get bytes(): number {
    const { locks, holderCount, waiterCount } = this.#book
    return locks.size * LOCK_BYTES + holderCount * LEASE_BYTES + waiterCount * TICKET_BYTES
  }

  /** When the next lease or wait is over, in monotonic milliseconds; Infinity when none is. */
  get nextDueMs(): number {
    return this.#book.nextDueMs
  }

  /** Names of locks that are held or waited for. */
  names(): IterableIterator<ByteString> {
    return this.#book.locks.keys()
  }

  /**
   * Takes the locks, or waits for them. `onSettled` is called for a ticket only, once.
   *
   * @throws ErrorReply LOCKMODE when a name is in use in another way, or would be upgraded; LOCKBUSY when too
   * many wait
   */
  acquire(request: LockRequest, onSettled: OnSettled = ignore): LockOutcome | Ticket {
    const nowMs = this.#host.monotonicMs()
    const book = this.#book
    const names = sorted(request.names)
    assert(names.length > 0, 'a request names a lock')
    assert(request.ttlMs > 0 && request.ttlMs < Number.POSITIVE_INFINITY, 'a lease has an end')
    assert((request.mode === 'semaphore') === request.limit > 0, 'a semaphore has a limit')
    if (book.isDue(nowMs)) {
      for (const name of names) book.touch(book.locks.get(name))
      book.settle(nowMs)
    }
    for (const name of names) this.#checkUse(book.locks.get(name), request)
    if (names.every((name) => book.mayEnter(book.locks.get(name), request))) {
      return book.grant(request, names, nowMs)
    }
    if (!(request.waitMs > 0)) return BUSY
    for (const name of names) {
      const waiters = book.locks.get(name)?.queue.length ?? 0
      if (waiters < this.#waitersPerLock) continue
      throw new ErrorReply('LOCKBUSY', `${waiters} wait for '${name}', which is the most that may`)
    }
    return book.enqueue(request, names, nowMs, onSettled)
  }

  /** Prolongs a lease to at least `ttlMs` from now; false when it is lost. */
  renew(name: ByteString, owner: ByteString, token: number, ttlMs: number): boolean {
    const holder = this.#holder(name, owner, token)
    if (holder === undefined) return false
    // A restart gives the lease that the log knows: it must not be the shorter one.
    if (this.#book.prolong(holder, ttlMs, this.#host.monotonicMs())) this.#book.log(holder)
    return true
  }

  /** Leaves a lock; false when the lease is lost or was given back before. */
  release(name: ByteString, owner: ByteString, token: number): boolean {
    const holder = this.#holder(name, owner, token)
    if (holder === undefined) return false
    this.#book.leave(holder)
    this.#settle()
    return true
  }

  /** Whether a token belongs to a lease that is not over. */
  validate(name: ByteString, token: number): boolean {
    const lock = this.#book.fresh(name)
    if (lock === undefined) return false
    for (const holder of lock.holders.values()) if (holder.token === token) return true
    return false
  }

  /** Who holds a lock and who waits for it; undefined when nobody does either. */
  info(name: ByteString): LockInfo | undefined {
    const lock = this.#book.fresh(name)
    return lock === undefined ? undefined : lockInfo(lock, this.#host.monotonicMs())
  }

  /** Ends a wait. A grant that was not told yet is given back. False when it was told. */
  cancel(ticket: Ticket): boolean {
    if (ticket.isTold) return false
    if (ticket.outcome === undefined) {
      this.#book.finish(ticket, CANCELLED)
    } else if (ticket.outcome.kind === 'granted') {
      const { names, owner } = ticket.request
      const { tokens } = ticket.outcome
      ticket.outcome = CANCELLED
      for (const name of new Set(names)) {
        const holder = this.#holder(name, owner, tokens[names.indexOf(name)] as number)
        if (holder !== undefined) this.#book.leave(holder)
      }
    }
    this.#settle()
    return true
  }

  /** Ends the waits of an owner for a lock, or the one with this number; how many. */
  cancelWaits(name: ByteString, owner: ByteString, number?: number): number {
    const waits = [...(this.#book.fresh(name)?.queue ?? [])].filter(
      (ticket) => ticket.request.owner === owner && (number === undefined || ticket.number === number),
    )
    for (const ticket of waits) this.#book.finish(ticket, CANCELLED)
    this.#settle()
    return waits.length
  }

  /** Gives all who wait for a lock what they wait for, without the lock, and takes it from its holder. */
  answerAll(name: ByteString, answer: Reply): void {
    this.#clear(name, { kind: 'answered', answer }, 'unlock')
  }

  /** Forgets a lock that another shard has taken over; who waits is told to ask there. */
  drop(name: ByteString): void {
    this.#clear(name, MOVED)
  }

  /**
   * Clears away what is over, on up to `limit` locks; those who waited for them enter. Returns whether there
   * is more.
   */
  expireDue(limit: number): boolean {
    const nowMs = this.#host.monotonicMs()
    const book = this.#book
    for (let i = 0; i < limit && book.isDue(nowMs); i++) {
      const due = book.next as Holder | Ticket
      if (due instanceof Holder) book.touch(due.lock)
      else for (const lock of due.locks) book.touch(lock)
      book.settle(nowMs)
    }
    return book.isDue(nowMs)
  }

  /** Tokens from now on are above this one. */
  raiseTokens(token: number): void {
    this.tokens.raise(token)
  }

  /** Puts a lease back, from the log or from another shard: with this much of it left. */
  restore(name: ByteString, state: HolderState, leaseMs: number): void {
    const { mode, limit, owner, token, ttlMs, entries } = state
    const book = this.#book
    this.tokens.raise(token)
    if (book.locks.get(name)?.limit !== limit) this.drop(name)
    const lock = book.locks.get(name) ?? book.open(name, mode, limit)
    // What is told last is true, whatever was known before.
    const known = lock.mode === mode ? lock.holders.get(owner) : undefined
    const isSame = known?.token === token
    const isBeside = lock.mode === mode && (isSame || mode !== 'exclusive')
    for (const old of [...lock.holders.values()]) {
      if (!isBeside || (old.owner === owner && !isSame)) book.remove(old)
    }
    const holder = isSame ? known : book.hold(lock, mode, owner, token, ttlMs)
    holder.ttlMs = ttlMs
    holder.entries = entries
    book.schedule(holder, this.#host.monotonicMs() + leaseMs)
    book.log(holder)
    this.#settle()
  }

  /** Takes a lease away as the log says. */
  restoreFreed(name: ByteString, owner: ByteString, token: number): void {
    const holder = this.#book.locks.get(name)?.holders.get(owner)
    if (holder === undefined || holder.token !== token) return
    this.#book.free(holder)
    this.#settle()
  }

  /** Runs several calls as one unit. Those from outside of a command must be in one. */
  atomically<T>(run: () => T): T {
    return this.#host.atomically(run)
  }

  /** Checks the invariants: for tests. */
  check(): void {
    this.#book.check()
  }

  /** @throws ErrorReply */
  #checkUse(lock: Lock | undefined, { mode, limit, owner }: LockRequest): void {
    if (lock === undefined) return
    if (lock.limit !== limit) {
      throw lockMode(`'${lock.name}' is in use as ${useName(lock.limit)}, not as ${useName(limit)}`)
    }
    if (lock.mode === 'shared' && mode === 'exclusive' && this.#isReentrant && lock.holders.has(owner)) {
      throw lockMode(`'${owner}' holds '${lock.name}' shared: release it before you ask for it exclusively`)
    }
  }

  /** The lease of an owner that is not over. */
  #holder(name: ByteString, owner: ByteString, token: number): Holder | undefined {
    const holder = this.#book.fresh(name)?.holders.get(owner)
    return holder?.token === token ? holder : undefined
  }

  #clear(name: ByteString, outcome: LockOutcome, event?: LockEvent): void {
    const lock = this.#book.locks.get(name)
    if (lock === undefined) return
    for (const ticket of [...lock.queue]) this.#book.finish(ticket, outcome)
    for (const holder of [...lock.holders.values()]) this.#book.free(holder, event)
    this.#settle()
  }

  #settle(): void {
    this.#book.settle(this.#host.monotonicMs())
  }
}

/** Each name once, in an order that all share. */
function sorted(names: readonly ByteString[]): readonly ByteString[] {
  return names.length === 1 ? names : [...new Set(names)].sort()
}

function useName(limit: number): string {
  return limit === 0 ? 'a lock' : `a semaphore of ${limit}`
}

function lockMode(message: string): ErrorReply {
  return new ErrorReply('LOCKMODE', message)
}

function ignore(): void {}

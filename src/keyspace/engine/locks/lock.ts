/**
 * One lock: who holds it, who waits for it; and the ticket of whoever waits.
 *
 * Invariants
 *   1. All holders have the mode of the lock; one if exclusive, at most `limit` of a semaphore.
 *   2. A lock without holders and without waiters is not kept.
 *
 * Tests: test/keyspace/engine/locks/lock-table.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import type { Reply } from '../reply.ts'
import type { Timed } from './deadline-heap.ts'
import type { HeldBy, LockMode } from './lock-rules.ts'
import { Place, WaitQueue } from './wait-queue.ts'

/** What somebody wants: one lock, or several at once. */
export interface LockRequest {
  readonly names: readonly ByteString[]
  /** Who: the same owner enters again what it holds. */
  readonly owner: ByteString
  readonly mode: LockMode
  /** How many may hold the semaphore; 0 for a lock. */
  readonly limit: number
  /** How long the lease is. */
  readonly ttlMs: number
  /** How long to wait; 0: not at all; Infinity: for ever. */
  readonly waitMs: number
}

/** How a request ended. */
export type LockOutcome =
  /** Tokens in the order of the request's names. */
  | { readonly kind: 'granted'; readonly tokens: readonly number[]; readonly leaseMs: number }
  /** It is held, and the request did not want to wait. */
  | { readonly kind: 'busy' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'cancelled' }
  /** The lock is at another shard now: ask there. */
  | { readonly kind: 'moved' }
  /** What was waited for is there, without the lock. */
  | { readonly kind: 'answered'; readonly answer: Reply }

/** Told once how a wait ended. */
export type OnSettled = (outcome: LockOutcome) => void

/** What the log, or another shard, knows of a lease. */
export interface HolderState {
  readonly owner: ByteString
  readonly mode: LockMode
  /** Of the semaphore; 0 for a lock. */
  readonly limit: number
  readonly token: number
  /** The full lease. */
  readonly ttlMs: number
  readonly entries: number
}

/** A lease on a lock. */
export class Holder implements Timed, HolderState {
  readonly lock: Lock
  readonly owner: ByteString
  readonly token: number
  /** How often the owner has entered. */
  entries = 1
  /** The longest lease that the log knows of: after a restart the holder gets this once more. */
  ttlMs: number
  /** When the lease is over. */
  dueMs: number = Number.POSITIVE_INFINITY
  heapIndex = -1

  constructor(lock: Lock, owner: ByteString, token: number, ttlMs: number) {
    this.lock = lock
    this.owner = owner
    this.token = token
    this.ttlMs = ttlMs
  }

  get mode(): LockMode {
    return this.lock.mode
  }

  get limit(): number {
    return this.lock.limit
  }
}

/** A lock that is held or waited for. */
export class Lock implements HeldBy {
  readonly name: ByteString
  readonly limit: number
  mode: LockMode
  /** By owner. */
  readonly holders = new Map<ByteString, Holder>()
  readonly queue = new WaitQueue<Ticket>()
  /** The newest token that was drawn for it. */
  lastToken = 0
  /** Whether it is noted to be looked at: see `LockTable`. */
  isTouched = false

  constructor(name: ByteString, mode: LockMode, limit: number) {
    this.name = name
    this.mode = mode
    this.limit = limit
  }

  get holderCount(): number {
    return this.holders.size
  }

  get isIdle(): boolean {
    return this.holders.size === 0 && this.queue.length === 0
  }
}

/** Someone who waits: for all of its locks at once. */
export class Ticket implements Timed {
  /** Of two tickets, the one that came first has the lower number. */
  readonly number: number
  readonly request: LockRequest
  readonly locks: readonly Lock[]
  /** Its place in the queue of each of the locks. */
  readonly places: readonly Place<Ticket>[]
  readonly sinceMs: number
  readonly onSettled: OnSettled
  /** How it ended; a grant may be taken back until it is told. */
  outcome: LockOutcome | undefined
  isTold = false
  dueMs: number = Number.POSITIVE_INFINITY
  heapIndex = -1

  constructor(
    number: number,
    request: LockRequest,
    locks: readonly Lock[],
    sinceMs: number,
    onSettled: OnSettled,
  ) {
    this.number = number
    this.request = request
    this.locks = locks
    this.places = locks.map(() => new Place<Ticket>(this))
    this.sinceMs = sinceMs
    this.onSettled = onSettled
  }
}

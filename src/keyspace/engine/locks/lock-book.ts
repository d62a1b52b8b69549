/**
 * The book of locks: who holds which, who waits for which, and who enters next when something has changed.
 *
 * The mechanism below `LockTable`, which is what callers use. A change only *touches* the locks that it
 * concerns; `settle` then looks at what was touched until nobody else can enter. A ticket that enters or
 * leaves touches all of its locks, so that whoever stood behind it, in any of the queues, is looked at.
 *
 * A ticket is ready when it is the first in the queue of each of its locks and may hold beside those who
 * hold, or when its owner holds the lock already. The latter must not wait for its turn: who stands before it
 * there waits for this very owner. So when an owner gets a lock, its other tickets for it are looked at as
 * well, wherever they stand, as if it asked now.
 *
 * Invariants (`check`)
 *   1. Nobody holds beside somebody incompatible; nobody waits who could enter; queues are in order of
 *      arrival.
 *   2. Every lease, and every wait that has an end, is in the heap.
 *   3. A lock that nobody holds or waits for is forgotten.
 *   4. Between calls of the table nothing is touched.
 *
 * Tests: test/keyspace/engine/locks/lock-table.test.ts, lock-table.prop.test.ts
 */
import { assert } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import { Holder, Lock, type LockOutcome, type LockRequest, type OnSettled, Ticket } from './lock.ts'
import { freedEffect, grantedEffect, type LockEvent, type LockHost } from './lock-host.ts'
import type { LockMode, LockRules } from './lock-rules.ts'
import type { TokenSource } from './token-counter.ts'

const TIMEOUT: LockOutcome = { kind: 'timeout' }

/** Holders, waiters, and what is due. */
export class LockBook {
  readonly tokens: TokenSource
  readonly locks = new Map<ByteString, Lock>()
  holderCount = 0
  waiterCount = 0
  readonly #host: LockHost
  readonly #rules: LockRules
  readonly #isReentrant: boolean
  readonly #due = new DeadlineHeap<Holder | Ticket>()
  /** Locks where somebody may be able to enter. */
  readonly #touched: Lock[] = []
  /** Tickets whose owner has just got one of their locks. */
  readonly #again: Ticket[] = []
  /** Who waits, by owner: see `#again`. Only where owners enter again. */
  readonly #ticketsOf = new Map<ByteString, Set<Ticket>>()
  #ticketCount = 0

  constructor(host: LockHost, tokens: TokenSource, rules: LockRules, isReentrant: boolean) {
    this.#host = host
    this.tokens = tokens
    this.#rules = rules
    this.#isReentrant = isReentrant
  }

  /** When the next lease or wait is over; Infinity when none is. */
  get nextDueMs(): number {
    return this.#due.nextMs
  }

  get next(): Holder | Ticket | undefined {
    return this.#due.next
  }

  isDue(nowMs: number): boolean {
    return this.#isOver(this.#due.nextMs, nowMs)
  }

  /** A lock without what is over on it; undefined when nobody holds it or waits for it. */
  fresh(name: ByteString): Lock | undefined {
    const lock = this.locks.get(name)
    const nowMs = this.#host.monotonicMs()
    if (lock === undefined || !this.isDue(nowMs)) return lock
    this.touch(lock)
    this.settle(nowMs)
    return this.locks.get(name)
  }

  // Entering.

  /** Whether who comes now may hold a lock. */
  mayEnter(lock: Lock | undefined, request: LockRequest): boolean {
    if (lock === undefined || this.#isHeldFor(lock, request)) return true
    return this.#rules.mayPass(lock.queue.length) && this.#rules.isCompatible(lock, request.mode)
  }

  /** Enters each lock, in the order of the names. */
  grant(request: LockRequest, names: readonly ByteString[], nowMs: number): LockOutcome {
    const { owner, mode, limit, ttlMs } = request
    const tokens = new Map<ByteString, number>()
    for (const name of names) {
      const lock = this.locks.get(name) ?? this.open(name, mode, limit)
      let holder = this.#isReentrant ? lock.holders.get(owner) : undefined
      if (holder === undefined) {
        holder = this.hold(lock, mode, owner, this.tokens.next(), ttlMs)
        this.#due.schedule(holder, nowMs + ttlMs)
        this.log(holder, 'lock')
        for (const ticket of this.#ticketsOf.get(owner) ?? []) {
          if (ticket.locks.includes(lock)) this.#again.push(ticket)
        }
      } else {
        holder.entries++
        this.prolong(holder, ttlMs, nowMs)
        this.log(holder)
      }
      tokens.set(name, holder.token)
    }
    const inOrder = request.names.map((name) => tokens.get(name) as number)
    return { kind: 'granted', tokens: inOrder, leaseMs: ttlMs }
  }

  /** Waits for all of the locks. */
  enqueue(request: LockRequest, names: readonly ByteString[], nowMs: number, onSettled: OnSettled): Ticket {
    const locks = names.map((name) => this.locks.get(name) ?? this.open(name, request.mode, request.limit))
    const ticket = new Ticket(++this.#ticketCount, request, locks, nowMs, onSettled)
    for (const [i, lock] of locks.entries()) lock.queue.add(ticket.places[i]!)
    this.#due.schedule(ticket, nowMs + request.waitMs)
    this.waiterCount++
    if (this.#isReentrant) {
      const tickets = this.#ticketsOf.get(request.owner)
      if (tickets === undefined) this.#ticketsOf.set(request.owner, new Set([ticket]))
      else tickets.add(ticket)
    }
    return ticket
  }

  open(name: ByteString, mode: LockMode, limit: number): Lock {
    const lock = new Lock(name, mode, limit)
    this.locks.set(name, lock)
    return lock
  }

  /** A lease that does not run yet: `schedule` it. */
  hold(lock: Lock, mode: LockMode, owner: ByteString, token: number, ttlMs: number): Holder {
    assert(!lock.holders.has(owner), 'an owner has one lease on a lock')
    const holder = new Holder(lock, owner, token, ttlMs)
    lock.mode = mode
    lock.lastToken = Math.max(lock.lastToken, token)
    lock.holders.set(owner, holder)
    this.holderCount++
    return holder
  }

  schedule(holder: Holder, dueMs: number): void {
    this.#due.schedule(holder, dueMs)
  }

  /** Makes a lease at least so long from now on. Returns whether the log must be told. */
  prolong(holder: Holder, ttlMs: number, nowMs: number): boolean {
    this.#due.schedule(holder, Math.max(holder.dueMs, nowMs + ttlMs))
    if (ttlMs <= holder.ttlMs) return false
    holder.ttlMs = ttlMs
    return true
  }

  log(holder: Holder, event?: LockEvent): void {
    const { name } = holder.lock
    this.#host.logLock(name, grantedEffect(name, holder), event)
  }

  // Leaving. Who may enter now does so in `settle`.

  /** One entry less; the lease ends with the last. */
  leave(holder: Holder): void {
    if (holder.entries > 1) {
      holder.entries--
      this.log(holder)
    } else this.free(holder, 'unlock')
  }

  free(holder: Holder, event?: LockEvent): void {
    this.remove(holder)
    const { name } = holder.lock
    this.#host.logLock(name, freedEffect(name, holder.owner, holder.token), event)
  }

  remove(holder: Holder): void {
    this.#due.remove(holder)
    holder.lock.holders.delete(holder.owner)
    this.holderCount--
    this.touch(holder.lock)
  }

  /** A wait ends; it is told when the host says. */
  finish(ticket: Ticket, outcome: LockOutcome): void {
    ticket.outcome = outcome
    this.#due.remove(ticket)
    this.waiterCount--
    const { owner } = ticket.request
    const tickets = this.#ticketsOf.get(owner)
    tickets?.delete(ticket)
    if (tickets?.size === 0) this.#ticketsOf.delete(owner)
    for (const [i, lock] of ticket.locks.entries()) {
      lock.queue.remove(ticket.places[i]!)
      this.touch(lock)
    }
    this.#host.deliver(() => {
      ticket.isTold = true
      ticket.onSettled(ticket.outcome as LockOutcome)
    })
  }

  // Who enters next.

  touch(lock: Lock | undefined): void {
    if (lock === undefined || lock.isTouched) return
    lock.isTouched = true
    this.#touched.push(lock)
  }

  /** Looks at the locks that were touched until nobody else can enter. */
  settle(nowMs: number): void {
    for (let lock = this.#touched.pop(); lock !== undefined; lock = this.#touched.pop()) {
      this.#dropDue(lock, nowMs)
      for (let head = lock.queue.head; head !== undefined; head = lock.queue.head) {
        if (!this.#tryEnter(head, nowMs)) break
      }
      for (let ticket = this.#again.shift(); ticket !== undefined; ticket = this.#again.shift()) {
        if (ticket.outcome === undefined) this.#tryEnter(ticket, nowMs)
      }
      lock.isTouched = false
      if (lock.isIdle) this.locks.delete(lock.name)
    }
  }

  /** Checks the invariants: for tests. */
  check(): void {
    const isDue = this.isDue(this.#host.monotonicMs())
    let holders = 0
    const tickets = new Set<Ticket>()
    for (const [name, lock] of this.locks) {
      assert(lock.name === name && !lock.isIdle && !lock.isTouched, 'a lock that is idle is forgotten')
      holders += lock.holders.size
      this.#checkLock(lock)
      for (const ticket of lock.queue) tickets.add(ticket)
    }
    for (const ticket of isDue ? [] : tickets) {
      assert(!this.#isReady(ticket, this.#host.monotonicMs()), 'nobody waits who could enter')
    }
    const byOwner = [...this.#ticketsOf.values()].reduce((sum, { size }) => sum + size, 0)
    assert(byOwner === (this.#isReentrant ? tickets.size : 0), 'who waits is found by owner')
    assert(holders === this.holderCount && tickets.size === this.waiterCount, 'all are counted')
    assert(this.#touched.length + this.#again.length === 0, 'nothing is left to be looked at')
    this.#due.check()
  }

  #checkLock(lock: Lock): void {
    const { mode, limit, holders, lastToken } = lock
    assert(mode !== 'exclusive' || holders.size <= 1, 'one holds exclusively')
    assert(limit === 0 || holders.size <= limit, 'no more hold than may')
    assert((mode === 'semaphore') === limit > 0, 'a semaphore has a limit')
    assert(lastToken <= this.tokens.last, 'no token is above the last')
    for (const holder of holders.values()) {
      assert(this.#due.has(holder), 'every lease is in the heap')
      assert(holder.token <= lastToken && holder.entries > 0, 'a holder has a token of its lock')
    }
    let last = 0
    for (const ticket of lock.queue) {
      assert(ticket.number > last && ticket.outcome === undefined, 'a queue is in order of arrival')
      assert(ticket.dueMs === Number.POSITIVE_INFINITY || this.#due.has(ticket), 'a wait is in the heap')
      last = ticket.number
    }
  }

  #isOver(dueMs: number, nowMs: number): boolean {
    return this.#rules.isOver(dueMs, nowMs)
  }

  /** Whether the owner only enters again. */
  #isHeldFor(lock: Lock, { owner, mode }: LockRequest): boolean {
    return this.#isReentrant && lock.holders.has(owner) && (lock.mode === mode || lock.mode === 'exclusive')
  }

  /** Whether all that a ticket waits for can be had. */
  #isReady(ticket: Ticket, nowMs: number): boolean {
    return ticket.locks.every((lock) => {
      this.#dropDue(lock, nowMs)
      if (this.#isHeldFor(lock, ticket.request)) return true
      return lock.queue.head === ticket && this.#rules.isCompatible(lock, ticket.request.mode)
    })
  }

  #tryEnter(ticket: Ticket, nowMs: number): boolean {
    if (!this.#isReady(ticket, nowMs)) return false
    const names = ticket.locks.map(({ name }) => name)
    this.finish(ticket, this.grant(ticket.request, names, nowMs))
    return true
  }

  /** Ends the waits and the leases of a lock that are over. Nobody enters yet. */
  #dropDue(lock: Lock, nowMs: number): void {
    if (!this.isDue(nowMs)) return
    for (const ticket of [...lock.queue]) {
      if (this.#isOver(ticket.dueMs, nowMs)) this.finish(ticket, TIMEOUT)
    }
    for (const holder of [...lock.holders.values()]) {
      if (this.#isOver(holder.dueMs, nowMs)) this.free(holder, 'lockexpired')
    }
  }
}

/**
 * Callers that wait for keys: blocking pops and the like.
 *
 * Who waited longest for a key is served first (as in Redis), whatever else it waits for. A key that changes
 * is only marked; who waits for it is served after the command that changed it, in the order of the marks,
 * since nothing may come between the parts of one command.
 *
 * Invariants
 *   1. A waiter is in the queue of each of its keys, or in none.
 *   2. Each waiter is answered once: served, timed out, or cancelled.
 *
 * Tests: test/keyspace/engine/blocked-callers.test.ts
 */
import type { ByteString } from './byte-string.ts'
import type { BlockRequest, Caller } from './command.ts'
import type { Reply } from './reply.ts'

/** One caller that waits. */
export interface Waiter {
  readonly caller: Caller
  readonly db: number
  readonly request: BlockRequest
  /** Monotonic milliseconds; Infinity: for ever. */
  readonly deadlineMs: number
  readonly resolve: (reply: Reply) => void
  isDone: boolean
}

interface ReadyKey {
  readonly db: number
  readonly key: ByteString
}

/** All who wait on one shard. */
export class BlockedCallers {
  readonly #queues = new Map<ByteString, Set<Waiter>>()
  readonly #waiters = new Set<Waiter>()
  #ready = new Map<ByteString, ReadyKey>()
  #nextDeadlineMs = Number.POSITIVE_INFINITY

  get count(): number {
    return this.#waiters.size
  }

  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  /** No deadline is before this; Infinity when there is none. */
  get nextDeadlineMs(): number {
    return this.#nextDeadlineMs
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, waiter.deadlineMs)
    for (const key of waiter.request.keys) {
      const name = queueName(waiter.db, key)
      const queue = this.#queues.get(name)
      if (queue === undefined) this.#queues.set(name, new Set([waiter]))
      else queue.add(waiter)
    }
  }

  /** A key was changed: whoever waits for it shall be tried. */
  mark(db: number, key: ByteString): void {
    if (this.#queues.size === 0) return
    const name = queueName(db, key)
    if (this.#queues.has(name)) this.#ready.set(name, { db, key })
  }

  /** Takes the marks; each with those who wait, the longest first. */
  takeReady(): readonly (ReadyKey & { readonly waiters: readonly Waiter[] })[] {
    const ready = [...this.#ready]
    this.#ready = new Map()
    return ready.map(([name, { db, key }]) => ({ db, key, waiters: [...(this.#queues.get(name) ?? [])] }))
  }

  /** Puts a mark back: its key cannot be served yet. */
  markAgain(db: number, key: ByteString): void {
    this.mark(db, key)
  }

  /** Answers a waiter, and forgets it; false when it was answered before. */
  settle(waiter: Waiter, reply: Reply): boolean {
    if (waiter.isDone) return false
    waiter.isDone = true
    this.#waiters.delete(waiter)
    for (const key of waiter.request.keys) {
      const name = queueName(waiter.db, key)
      const queue = this.#queues.get(name)
      queue?.delete(waiter)
      if (queue?.size === 0) this.#queues.delete(name)
    }
    waiter.request.onSettled?.()
    waiter.resolve(reply)
    return true
  }

  /** Answers those whose time is over. */
  expire(nowMs: number): number {
    if (nowMs < this.#nextDeadlineMs) return 0
    const due = [...this.#waiters].filter((waiter) => waiter.deadlineMs <= nowMs)
    for (const waiter of due) this.settle(waiter, waiter.request.onTimeout)
    this.#nextDeadlineMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#waiters) {
      this.#nextDeadlineMs = Math.min(this.#nextDeadlineMs, deadlineMs)
    }
    return due.length
  }

  /** All who wait, also for what is no key, such as a lock. */
  everyone(): readonly Waiter[] {
    return [...this.#waiters]
  }

  /** Those who wait for keys that `isTheirs` names: their keys move elsewhere. */
  waitersFor(isTheirs: (key: ByteString) => boolean): readonly Waiter[] {
    return [...this.#waiters].filter(
      ({ request }) => request.keys.some(isTheirs) || request.touches?.some(isTheirs) === true,
    )
  }
}

function queueName(db: number, key: ByteString): string {
  return `${db}:${key}`
}

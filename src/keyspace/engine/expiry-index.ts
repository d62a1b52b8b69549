/**
 * Which keys expire when, without a word on the JavaScript heap.
 *
 * A heap of (time, hash of the key, database). Sampling keys at random until few of them are dead, as Redis
 * does, needs no memory, but lets dead keys lie for seconds and does work even where nothing is due; a wheel
 * of timers is quick, but its entries are objects or its span is fixed.
 *
 * Entries are lazy. A key whose expiry is put off keeps its entry: whoever visits it, at the old time,
 * schedules it again. A key that is deleted or loses its expiry leaves a *stale* entry behind, which a
 * visitor finds to mean nothing; whoever leaves one says `noteStale`. Two keys with one hash have an entry
 * each, and a visitor looks at all keys with that hash.
 *
 * **Sweeping.** When stale entries outnumber the others, `sweep` drops them, a slice at a time. The last
 * entry of a heap can be taken away without moving any other, so a sweep takes the old heap apart from its
 * end and puts what is still meant into a new one. Meanwhile both are heaps: the next time is the earlier of
 * the two, due entries are taken from either, and new ones go to the new one. Nothing is copied at once,
 * nothing is missed, and a sweep may take as long as it likes.
 *
 * Invariants
 *   1. Every entry that was scheduled is visited by `takeDue` once its time has come, or was found stale by a
 *      sweep: once, and never both.
 *   2. `nextMs` is never later than any entry.
 *   3. Stale entries are at most `staleMin` + half of all, and those that were noted during a sweep.
 *
 * Cost: as of the heap; a sweep costs about one push per entry that stays, and comes once in as many
 * `noteStale`s as it looks at entries, at most twice that.
 * Tests: test/keyspace/engine/expiry-index.prop.test.ts
 */
import { assert, type Random } from '../../base/index.ts'
import { DATABASE_MAX, ExpiryHeap } from './expiry-heap.ts'

/** So many stale entries are not worth a sweep: 13 KB. */
const STALE_MIN = 1024

/** The entries of all databases of one shard. */
export class ExpiryIndex {
  #heap = new ExpiryHeap()
  /** What is left of the heap that is being swept. */
  #swept: ExpiryHeap | undefined
  readonly #staleMin: number
  /** Stale entries, roughly: those whose time came meanwhile are still counted. */
  #staleCount = 0

  constructor(options: { readonly staleMin?: number } = {}) {
    this.#staleMin = options.staleMin ?? STALE_MIN
  }

  /** Entries, stale ones included. */
  get size(): number {
    return this.#heap.size + (this.#swept?.size ?? 0)
  }

  /** Bytes that the entries take. */
  get bytes(): number {
    return this.#heap.bytes + (this.#swept?.bytes ?? 0)
  }

  /**
   * Whether `sweep` has something to do: it goes on with what it began, or stale entries outnumber others.
   */
  get needsSweep(): boolean {
    if (this.#swept !== undefined) return true
    return this.#staleCount > this.#staleMin && this.#staleCount * 2 > this.#heap.size
  }

  /** Adds an entry: a visitor shall look at the keys with this hash at this time. */
  schedule(expireAtMs: number, hash: number, db: number): void {
    assert(expireAtMs < Number.POSITIVE_INFINITY, 'what never expires has no entry')
    assert(hash >>> 0 === hash && db >= 0 && db <= DATABASE_MAX, 'an entry has a hash and a database')
    this.#heap.push(expireAtMs, hash, db)
  }

  /** When the next entry is due; Infinity when there is none. */
  nextMs(): number {
    const { firstMs } = this.#heap
    return this.#swept === undefined ? firstMs : Math.min(firstMs, this.#swept.firstMs)
  }

  /**
   * Takes entries that are due, the earliest first, at most `limit`; returns how many. The visitor may
   * schedule. An entry that it schedules for a time that has come counts as one more.
   */
  takeDue(
    nowMs: number,
    limit: number,
    visit: (hash: number, db: number, scheduledMs: number) => void,
  ): number {
    let count = 0
    for (; count < limit; count++) {
      const swept = this.#swept
      const heap = swept !== undefined && swept.firstMs < this.#heap.firstMs ? swept : this.#heap
      if (heap.size === 0 || heap.firstMs > nowMs) break
      heap.takeFirst()
      if (swept?.size === 0) this.#swept = undefined
      visit(heap.hash, heap.db, heap.atMs)
    }
    // Nothing left is nothing stale: without this, keys that live shortly would count for ever.
    if (this.size === 0) this.#staleCount = 0
    return count
  }

  /** An entry means nothing any more: its key is gone, has lost its expiry, or has got an earlier entry. */
  noteStale(): void {
    this.#staleCount++
  }

  /**
   * Looks at up to `budget` entries and drops those of which `isLive` says no; begins when `needsSweep` says
   * so. Returns whether there is more to do. `isLive` may schedule another entry in the place of the one it
   * denies.
   */
  sweep(budget: number, isLive: (hash: number, db: number, scheduledMs: number) => boolean): boolean {
    if (!this.needsSweep) return false
    if (this.#swept === undefined) {
      this.#swept = this.#heap
      this.#heap = new ExpiryHeap()
      // Counted anew: what is stale now, this sweep drops.
      this.#staleCount = 0
    }
    const swept = this.#swept
    for (let count = 0; count < budget && swept.size > 0; count++) {
      swept.takeLast()
      const { hash, db, atMs } = swept
      if (isLive(hash, db, atMs)) this.#heap.push(atMs, hash, db)
    }
    if (swept.size === 0) this.#swept = undefined
    return this.needsSweep
  }

  /** An entry picked at random, stale ones included; undefined when there is none. */
  sample(random: Random): { readonly hash: number; readonly db: number } | undefined {
    if (this.size === 0) return undefined
    const at = random.below(this.size)
    const heap = at < this.#heap.size ? this.#heap : (this.#swept ?? this.#heap)
    heap.look(at < this.#heap.size ? at : at - this.#heap.size)
    return { hash: heap.hash, db: heap.db }
  }

  /** Forgets all. */
  clear(): void {
    this.#heap.clear()
    this.#swept = undefined
    this.#staleCount = 0
  }

  /** Throws unless the invariants hold. For tests: walks everything. */
  check(): void {
    this.#heap.check()
    this.#swept?.check()
    assert(this.#swept?.size !== 0, 'a sweep ends with its last entry')
  }
}

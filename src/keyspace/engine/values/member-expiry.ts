/**
 * When the members of one collection expire: fields of a hash, members of a set or a sorted set.
 *
 * A binary heap that knows where each member stands in it, so that a time that is changed or cleared is taken
 * out at once. The usual heap with lazy deletion keeps every time that was ever set until it comes up: a field
 * whose time is renewed on each write would fill it, and cleaning it up takes as long as it is large. Made only
 * for collections that have an expiring member at all.
 *
 *   deadlines   place → member, time       in the order of a dictionary, the last moves into a hole
 *   heap        rank → place               the earliest at rank 0; a parent is not later than its children
 *   ranks       place → rank               the way back
 *
 * Invariants: (1) `heap` and `ranks` are each other's inverse; (2) no child in the heap is earlier than its
 * parent; (3) as many in the heap as deadlines.
 * Cost: set and clear O(log n), next O(1); 40 bytes a member besides its text, which the collection holds.
 * Tests: test/keyspace/engine/values/member-expiry.prop.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import { ByteDictionary, type ByteDictionaryOptions } from './byte-dictionary.ts'
import { ChunkedInts } from './chunked-ints.ts'

const INTS_MIN = 8
const HEAP_ENTRY_BYTES = 8

const OPTIONS: ByteDictionaryOptions<number> = { keepsOrder: false }

/** Wall-clock times in milliseconds, by member. A time is over from its own millisecond on. */
export class MemberExpiry {
  readonly #deadlines: ByteDictionary<number>
  readonly #heap = new ChunkedInts(INTS_MIN)
  readonly #ranks = new ChunkedInts(INTS_MIN)

  /** `seed` is the hash's, as in `ByteDictionary`. */
  constructor(seed = 0) {
    this.#deadlines = new ByteDictionary(seed === 0 ? OPTIONS : { ...OPTIONS, seed })
  }

  /** How many members have a time. */
  get size(): number {
    return this.#deadlines.size
  }

  /** The earliest time; Infinity when there is none. */
  get next(): number {
    return this.size === 0 ? Infinity : this.#timeAt(0)
  }

  /** An estimate. */
  get bytes(): number {
    return this.#deadlines.bytes + this.size * HEAP_ENTRY_BYTES
  }

  /** When the member expires; 0 when it does not. */
  expireAt(member: ByteString): number {
    return this.#deadlines.get(member) ?? 0
  }

  /** Whether its time is over. */
  isDue(member: ByteString, nowMs: number): boolean {
    if (this.next > nowMs) return false
    const time = this.#deadlines.get(member)
    return time !== undefined && time <= nowMs
  }

  /** Gives the member a time, in the place of the one it had. */
  set(member: ByteString, expireAtMs: number): void {
    const place = this.#deadlines.indexOf(member)
    if (place !== -1) {
      this.#deadlines.setAt(place, expireAtMs)
      this.#settle(this.#ranks.get(place))
      return
    }
    this.#deadlines.set(member, expireAtMs)
    const last = this.size - 1
    this.#heap.grow(this.size)
    this.#ranks.grow(this.size)
    this.#put(last, last)
    this.#settle(last)
  }

  /** Whether it had a time. */
  clear(member: ByteString): boolean {
    const place = this.#deadlines.indexOf(member)
    if (place === -1) return false
    this.#remove(place)
    return true
  }

  /** Takes out at most `limit` members whose time is over, the earliest first, and returns them. */
  takeDue(nowMs: number, limit: number): ByteString[] {
    const members: ByteString[] = []
    while (members.length < limit && this.size > 0 && this.next <= nowMs) {
      const place = this.#heap.get(0)
      members.push(this.#deadlines.keyAt(place))
      this.#remove(place)
    }
    return members
  }

  /** Whether the invariants hold; for tests. */
  isSound(): boolean {
    for (let rank = 0; rank < this.size; rank++) {
      if (this.#ranks.get(this.#heap.get(rank)) !== rank) return false
      if (rank > 0 && this.#timeAt((rank - 1) >> 1) > this.#timeAt(rank)) return false
    }
    return true
  }

  #remove(place: number): void {
    const last = this.size - 1
    const rank = this.#ranks.get(place)
    // The last of the heap fills the rank; then the last of the dictionary gets the place.
    const moved = this.#heap.get(last)
    this.#put(rank, moved)
    this.#deadlines.deleteAt(place)
    if (place !== last) this.#put(this.#ranks.get(last), place)
    if (rank !== last) this.#settle(rank)
    this.#heap.shrink(last)
    this.#ranks.shrink(last)
  }

  #timeAt(rank: number): number {
    return this.#deadlines.valueAt(this.#heap.get(rank))
  }

  #put(rank: number, place: number): void {
    this.#heap.set(rank, place)
    this.#ranks.set(place, rank)
  }

  /** Moves what stands at a rank up or down to where its time belongs. */
  #settle(rank: number): void {
    const place = this.#heap.get(rank)
    const time = this.#deadlines.valueAt(place)
    let at = rank
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#timeAt(parent) <= time) break
      this.#put(at, this.#heap.get(parent))
      at = parent
    }
    for (;;) {
      let child = at * 2 + 1
      if (child >= this.size) break
      if (child + 1 < this.size && this.#timeAt(child + 1) < this.#timeAt(child)) child++
      if (this.#timeAt(child) >= time) break
      this.#put(at, this.#heap.get(child))
      at = child
    }
    this.#put(at, place)
  }
}

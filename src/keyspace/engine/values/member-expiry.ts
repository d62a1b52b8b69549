/**
 * When the members of one collection expire: fields of a hash, members of a set or a sorted set.
 *
 * A binary heap that knows where each member stands in it, so that a time that is changed or cleared is taken
 * out at once. The usual heap with lazy deletion keeps every time that was ever set until it comes up: a
 * field whose time is renewed on each write would fill it, and cleaning it up takes as long as it is large.
 * Made only for collections that have an expiring member at all.
 *
 *   members   place → member                 in the order of a dictionary: the last moves into a hole
 *   words     ┌───────┬──────┬──────┬─────┐
 *             │ place │ rank │ high │ low │  four integers for each i: the place whose time has rank i in the
 *             └───────┴──────┴──────┴─────┘  heap; the rank of place i; the time of place i, as two words
 *
 * Invariants: (1) places and ranks are each other's inverse; (2) no child in the heap is earlier than its
 * parent.
 * Cost: set and clear O(log n), next O(1); 40 bytes a member, its text being the collection's. Times as
 * numbers in an array would be boxed, 16 bytes more each and work for the collector.
 * Tests: test/keyspace/engine/values/member-expiry.prop.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import { ByteDictionary, type ByteDictionaryOptions } from './byte-dictionary.ts'
import { ChunkedInts } from './chunked-ints.ts'

const WORDS = 4
const PLACE = 0
const RANK = 1
const HIGH = 2
const LOW = 3
const ENTRIES_MIN = 4
const WORD_RANGE = 2 ** 32

/** Without members; of each, without its text. Measured. */
const EXPIRY_BYTES = 600
const MEMBER_BYTES = 40

const OPTIONS: ByteDictionaryOptions<undefined> = { isSet: true, keepsOrder: false }

/** Wall-clock times in whole milliseconds, by member. A time is over from its own millisecond on. */
export class MemberExpiry {
  readonly #members: ByteDictionary<undefined>
  readonly #words = new ChunkedInts(ENTRIES_MIN * WORDS)

  /** `seed` is the hash's, as in `ByteDictionary`. */
  constructor(seed = 0) {
    this.#members = new ByteDictionary(seed === 0 ? OPTIONS : { ...OPTIONS, seed })
  }

  /** How many members have a time. */
  get size(): number {
    return this.#members.size
  }

  /** The earliest time; Infinity when there is none. */
  get next(): number {
    return this.size === 0 ? Infinity : this.#timeOf(this.#placeAt(0))
  }

  /** An estimate, without the texts of the members: they are the collection's. */
  get bytes(): number {
    return EXPIRY_BYTES + this.size * MEMBER_BYTES
  }

  /** When the member expires; 0 when it does not. */
  expireAt(member: ByteString): number {
    const place = this.#members.indexOf(member)
    return place === -1 ? 0 : this.#timeOf(place)
  }

  /** Whether its time is over. */
  isDue(member: ByteString, nowMs: number): boolean {
    if (this.next > nowMs) return false
    const place = this.#members.indexOf(member)
    return place !== -1 && this.#timeOf(place) <= nowMs
  }

  /** Gives the member a time, in the place of the one it had. A new member's string is kept. */
  set(member: ByteString, expireAtMs: number): void {
    let place = this.#members.indexOf(member)
    if (place === -1) {
      place = this.size
      this.#members.set(member, undefined)
      this.#words.grow(this.size * WORDS)
      this.#put(place, place)
    }
    this.#setTime(place, expireAtMs)
    this.#settle(this.#rankOf(place))
  }

  /** Whether it had a time. */
  clear(member: ByteString): boolean {
    const place = this.#members.indexOf(member)
    if (place === -1) return false
    this.#remove(place)
    return true
  }

  /** Takes out at most `limit` members whose time is over, the earliest first, and returns them. */
  takeDue(nowMs: number, limit: number): ByteString[] {
    const members: ByteString[] = []
    while (members.length < limit && this.size > 0 && this.next <= nowMs) {
      const place = this.#placeAt(0)
      members.push(this.#members.keyAt(place))
      this.#remove(place)
    }
    return members
  }

  /** Whether the invariants hold; for tests. */
  isSound(): boolean {
    for (let rank = 0; rank < this.size; rank++) {
      const place = this.#placeAt(rank)
      if (this.#rankOf(place) !== rank) return false
      if (rank > 0 && this.#timeOf(this.#placeAt((rank - 1) >> 1)) > this.#timeOf(place)) return false
    }
    return true
  }

  #remove(place: number): void {
    const last = this.size - 1
    const rank = this.#rankOf(place)
    // The last of the heap fills the rank; then the last of the dictionary gets the place, with its time.
    this.#put(rank, this.#placeAt(last))
    this.#members.deleteAt(place)
    if (place !== last) {
      this.#setTime(place, this.#timeOf(last))
      this.#put(this.#rankOf(last), place)
    }
    if (rank !== last) this.#settle(rank)
    this.#words.shrink(last * WORDS)
  }

  #placeAt(rank: number): number {
    return this.#words.get(rank * WORDS + PLACE)
  }

  #rankOf(place: number): number {
    return this.#words.get(place * WORDS + RANK)
  }

  #put(rank: number, place: number): void {
    this.#words.set(rank * WORDS + PLACE, place)
    this.#words.set(place * WORDS + RANK, rank)
  }

  #timeOf(place: number): number {
    const at = place * WORDS
    return this.#words.get(at + HIGH) * WORD_RANGE + (this.#words.get(at + LOW) >>> 0)
  }

  #setTime(place: number, ms: number): void {
    const high = Math.floor(ms / WORD_RANGE)
    this.#words.set(place * WORDS + HIGH, high)
    this.#words.set(place * WORDS + LOW, ms - high * WORD_RANGE)
  }

  /** Moves what stands at a rank up or down to where its time belongs. */
  #settle(rank: number): void {
    const place = this.#placeAt(rank)
    const time = this.#timeOf(place)
    let at = rank
    while (at > 0) {
      const parent = this.#placeAt((at - 1) >> 1)
      if (this.#timeOf(parent) <= time) break
      this.#put(at, parent)
      at = (at - 1) >> 1
    }
    for (;;) {
      let child = at * 2 + 1
      if (child >= this.size) break
      let childTime = this.#timeOf(this.#placeAt(child))
      if (child + 1 < this.size) {
        const otherTime = this.#timeOf(this.#placeAt(child + 1))
        if (otherTime < childTime) {
          childTime = otherTime
          child++
        }
      }
      if (childTime >= time) break
      this.#put(at, this.#placeAt(child))
      at = child
    }
    this.#put(at, place)
  }
}

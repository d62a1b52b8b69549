/**
 * What a hash and a set have in common: members by name and by place, of which some expire.
 *
 * A member whose time is over reads as missing at once, whoever asks; it is removed, and counted out of
 * `size`, when `takeExpired` comes to it, so that its removal can be logged and told like any other (Redis'
 * HLEN counts expired fields as well until they are deleted). This is why everything here that answers takes
 * `nowMs`.
 *
 * Invariants: (1) only members that are in the dictionary have an expiry; (2) no expiry object without an
 * expiry in it.
 * Cost: a collection without expiring members pays one comparison.
 * Tests: test/keyspace/engine/values/hash-value.prop.test.ts, set-value.prop.test.ts
 */
import type { Random } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { ByteDictionary, type ByteDictionaryOptions } from './byte-dictionary.ts'
import { MemberExpiry } from './member-expiry.ts'
import { distinctPlaces } from './sampling.ts'

/** Of the object around the dictionary. */
const COLLECTION_BYTES = 64

/** How often a random draw is repeated because it hit an expired member, before they are sorted out. */
const DRAWS_MAX = 8

/** Members with a value each; the base of `HashValue` and `SetValue`. */
export class MemberCollection<V> {
  protected readonly dictionary: ByteDictionary<V>
  readonly #seed: number
  #expiry: MemberExpiry | undefined

  constructor(options: ByteDictionaryOptions<V>) {
    this.dictionary = new ByteDictionary(options)
    this.#seed = options.seed ?? 0
  }

  /** Members with those that have expired and have not been taken yet. */
  get size(): number {
    return this.dictionary.size
  }

  /** An estimate of the memory of all of it. */
  get bytes(): number {
    return COLLECTION_BYTES + this.dictionary.bytes + (this.#expiry?.bytes ?? 0)
  }

  /** When the first member expires, in wall-clock milliseconds; Infinity when none does. */
  get nextExpiry(): number {
    return this.#expiry ? this.#expiry.next : Infinity
  }

  /** How many members will expire. */
  get expiringCount(): number {
    return this.#expiry?.size ?? 0
  }

  has(member: ByteString, nowMs: number): boolean {
    return this.placeOf(member, nowMs) !== -1
  }

  /** Removes it, expired or not. True when it was there and had not expired. */
  delete(member: ByteString, nowMs: number): boolean {
    const place = this.dictionary.indexOf(member)
    if (place === -1) return false
    const isLive = !this.isExpired(member, nowMs)
    this.dictionary.deleteAt(place)
    this.#clearExpiry(member)
    return isLive
  }

  /** When it expires; 0 when it does not; undefined when it is not there. */
  expireAt(member: ByteString, nowMs: number): number | undefined {
    if (!this.has(member, nowMs)) return undefined
    return this.#expiry?.expireAt(member) ?? 0
  }

  /** False when it is not there. A time that is over already makes it expired: the caller decides on that. */
  setExpireAt(member: ByteString, expireAtMs: number, nowMs: number): boolean {
    const place = this.placeOf(member, nowMs)
    if (place === -1) return false
    this.#expiry ??= new MemberExpiry(this.#seed)
    // The dictionary's own string, not an equal one: it is then in memory once.
    this.#expiry.set(this.dictionary.keyAt(place), expireAtMs)
    return true
  }

  /** Takes its expiry away. False when it is not there or has none. */
  persist(member: ByteString, nowMs: number): boolean {
    return this.has(member, nowMs) && this.#clearExpiry(member)
  }

  /** Removes at most `limit` members whose time is over, the earliest first, and returns them. */
  takeExpired(nowMs: number, limit: number): ByteString[] {
    if (this.nextExpiry > nowMs || !this.#expiry) return []
    const members = this.#expiry.takeDue(nowMs, limit)
    for (const member of members) this.dictionary.delete(member)
    if (this.#expiry.size === 0) this.#expiry = undefined
    return members
  }

  /** Sets a member. True when it is new, or had expired. */
  protected put(member: ByteString, value: V, nowMs: number, keepsExpiry: boolean): boolean {
    if (this.dictionary.set(member, value)) return true
    const wasExpired = this.isExpired(member, nowMs)
    if (wasExpired || !keepsExpiry) this.#clearExpiry(member)
    return wasExpired
  }

  /** Its place in the dictionary; -1 when it is not there or has expired. */
  protected placeOf(member: ByteString, nowMs: number): number {
    const place = this.dictionary.indexOf(member)
    return place !== -1 && this.isExpired(member, nowMs) ? -1 : place
  }

  protected isExpired(member: ByteString, nowMs: number): boolean {
    return this.#expiry?.isDue(member, nowMs) ?? false
  }

  /** The expiry of what is in, expired or not; 0 when it has none. */
  protected storedExpireAt(member: ByteString): number {
    return this.#expiry?.expireAt(member) ?? 0
  }

  /** As `ByteDictionary.scan`, without the expired. */
  protected scanMembers(
    cursor: number,
    count: number,
    nowMs: number,
    visit: (member: ByteString, value: V) => void,
  ): number {
    if (this.nextExpiry > nowMs) return this.dictionary.scan(cursor, count, visit)
    return this.dictionary.scan(cursor, count, (member, value) => {
      if (!this.isExpired(member, nowMs)) visit(member, value)
    })
  }

  /** The place of a member that has not expired; -1 when there is none. */
  protected randomPlace(random: Random, nowMs: number): number {
    if (this.nextExpiry > nowMs) return this.dictionary.random(random)
    for (let draw = 0; draw < DRAWS_MAX && this.size > 0; draw++) {
      const place = this.dictionary.random(random)
      if (!this.isExpired(this.dictionary.keyAt(place), nowMs)) return place
    }
    return this.distinctPlaces(1, random, nowMs)[0] ?? -1
  }

  /**
   * Places of `count` members, or of all. While expired members have not been taken it looks at all members:
   * take them first.
   */
  protected distinctPlaces(count: number, random: Random, nowMs: number): number[] {
    if (this.nextExpiry > nowMs) return distinctPlaces(this.size, count, random)
    const live: number[] = []
    for (let place = 0; place < this.size; place++) {
      if (!this.isExpired(this.dictionary.keyAt(place), nowMs)) live.push(place)
    }
    return distinctPlaces(live.length, count, random).map((place) => live[place]!)
  }

  #clearExpiry(member: ByteString): boolean {
    if (!this.#expiry?.clear(member)) return false
    if (this.#expiry.size === 0) this.#expiry = undefined
    return true
  }
}

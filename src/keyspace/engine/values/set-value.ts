/**
 * A set: members, of which some may expire.
 *
 * Invariants: those of `MemberCollection`; `encoding` goes from `intset` over `listpack` to `hashtable`, or
 * straight there, and never back; while it is `intset` every member is a canonical 64-bit integer.
 * Cost: that of `ByteDictionary` without values. A set of integers is put in order when it is listed (at most
 * 512 by default), not when it is changed.
 * Tests: test/keyspace/engine/values/set-value.prop.test.ts
 */
import type { Random } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { compareIntegers, isInteger64, type SetEncoding } from './encodings.ts'
import { MemberCollection } from './member-collection.ts'

const OPTIONS = { isSet: true }

/** A member as it is stored, for a copy of the set. */
export interface SetEntry {
  readonly member: ByteString
  /** 0 when it does not expire. */
  readonly expireAtMs: number
}

/** Members. Everything that answers takes the time, since an expired member reads as missing. */
export class SetValue extends MemberCollection<undefined> {
  readonly #intsetEntriesMax: number
  readonly #listpackEntriesMax: number
  readonly #listpackValueBytesMax: number
  #encoding: SetEncoding = 'intset'

  /**
   * The limits of the encodings: set-max-intset-entries, set-max-listpack-entries, set-max-listpack-value.
   */
  constructor(intsetEntriesMax = 512, listpackEntriesMax = 128, listpackValueBytesMax = 64, seed = 0) {
    super(seed === 0 ? OPTIONS : { ...OPTIONS, seed })
    this.#intsetEntriesMax = intsetEntriesMax
    this.#listpackEntriesMax = listpackEntriesMax
    this.#listpackValueBytesMax = listpackValueBytesMax
  }

  /** What OBJECT ENCODING answers. */
  get encoding(): SetEncoding {
    return this.#encoding
  }

  /** True when it is new, or had expired; a member that is there keeps its expiry. */
  add(member: ByteString, nowMs: number): boolean {
    if (this.#encoding === 'intset' && !isInteger64(member)) this.#leaveIntset()
    const isNew = this.put(member, undefined, nowMs, true)
    if (this.#encoding !== 'hashtable' && isNew) this.#checkLimits(member)
    return isNew
  }

  /** The members; in ascending order while they are an `intset`. They must not change meanwhile. */
  *members(nowMs: number): IterableIterator<ByteString> {
    if (this.#encoding === 'intset') {
      for (const member of this.#inOrder()) if (!this.isExpired(member, nowMs)) yield member
      return
    }
    const mayExpire = this.nextExpiry <= nowMs
    for (let place = 0; place < this.size; place++) {
      const member = this.dictionary.keyAt(place)
      if (!mayExpire || !this.isExpired(member, nowMs)) yield member
    }
  }

  /** As `ByteDictionary.scan`; a set that is an intset or a listpack takes one call. */
  scan(cursor: number, count: number, nowMs: number, visit: (member: ByteString) => void): number {
    if (this.#encoding !== 'intset') {
      return this.scanMembers(cursor, this.#encoding === 'listpack' ? Infinity : count, nowMs, visit)
    }
    for (const member of this.members(nowMs)) visit(member)
    return 0
  }

  /** One member; undefined when there is none. */
  random(random: Random, nowMs: number): ByteString | undefined {
    const place = this.randomPlace(random, nowMs)
    return place === -1 ? undefined : this.dictionary.keyAt(place)
  }

  /** At most `count` different members. */
  randomDistinct(count: number, random: Random, nowMs: number): ByteString[] {
    return this.distinctPlaces(count, random, nowMs).map((place) => this.dictionary.keyAt(place))
  }

  /** Removes a random member and returns it; undefined when there is none. */
  pop(random: Random, nowMs: number): ByteString | undefined {
    const member = this.random(random, nowMs)
    if (member !== undefined) this.delete(member, nowMs)
    return member
  }

  /** As `HashValue.slice`. */
  slice(from: number, limit: number): SetEntry[] {
    const entries: SetEntry[] = []
    const end = Math.min(this.size, from + limit)
    for (let place = from; place < end; place++) {
      const member = this.dictionary.keyAt(place)
      entries.push({ member, expireAtMs: this.storedExpireAt(member) })
    }
    return entries
  }

  #inOrder(): ByteString[] {
    const members = Array.from({ length: this.size }, (_, place) => this.dictionary.keyAt(place))
    return members.sort(compareIntegers)
  }

  /**
   * Redis copies the ordered integers into the listpack, and that is the order of what is listed from now on.
   */
  #leaveIntset(): void {
    this.#encoding = 'listpack'
    if (this.size >= this.#listpackEntriesMax) {
      this.#encoding = 'hashtable'
      return
    }
    const members = this.#inOrder()
    while (this.size > 0) this.dictionary.deleteAt(this.size - 1)
    for (const member of members) {
      this.dictionary.set(member, undefined)
      this.#checkLimits(member)
    }
  }

  #checkLimits(member: ByteString): void {
    const isWithin =
      this.#encoding === 'intset'
        ? this.size <= this.#intsetEntriesMax
        : this.size <= this.#listpackEntriesMax && member.length <= this.#listpackValueBytesMax
    if (!isWithin) this.#encoding = 'hashtable'
  }
}

/**
 * A hash: fields with values, of which some may expire.
 *
 * Fields come in the order in which they were set as long as none was removed from a hash of more than 128:
 * what clients of Redis are used to from its listpacks.
 *
 * Invariants: those of `MemberCollection`; `encoding` never goes back to `listpack`.
 * Cost: that of `ByteDictionary`; the longest insertion among ten million fields moves some dozen entries.
 * Tests: test/keyspace/engine/values/hash-value.prop.test.ts
 */
import type { Random } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { byteStringBytes } from './byte-dictionary.ts'
import type { HashEncoding } from './encodings.ts'
import { MemberCollection } from './member-collection.ts'

const OPTIONS = { valueBytes: byteStringBytes }

/** A field as it is stored, for a copy of the hash. */
export interface HashEntry {
  readonly field: ByteString
  readonly value: ByteString
  /** 0 when it does not expire. */
  readonly expireAtMs: number
}

/** Field → value. Everything that answers takes the time, since an expired field reads as missing. */
export class HashValue extends MemberCollection<ByteString> {
  readonly #listpackEntriesMax: number
  readonly #listpackValueBytesMax: number
  #encoding: HashEncoding = 'listpack'

  /** The limits of the encoding `listpack`: hash-max-listpack-entries and hash-max-listpack-value. */
  constructor(listpackEntriesMax = 512, listpackValueBytesMax = 64, seed = 0) {
    super(seed === 0 ? OPTIONS : { ...OPTIONS, seed })
    this.#listpackEntriesMax = listpackEntriesMax
    this.#listpackValueBytesMax = listpackValueBytesMax
  }

  /** What OBJECT ENCODING answers. */
  get encoding(): HashEncoding {
    return this.#encoding
  }

  get(field: ByteString, nowMs: number): ByteString | undefined {
    const place = this.placeOf(field, nowMs)
    return place === -1 ? undefined : this.dictionary.valueAt(place)
  }

  /** Sets a field and takes its expiry away, as HSET does. True when it is new, or had expired. */
  set(field: ByteString, value: ByteString, nowMs: number): boolean {
    return this.#set(field, value, nowMs, false)
  }

  /** Sets a field that keeps its expiry, as HINCRBY does. True when it is new, or had expired. */
  setKeepingExpiry(field: ByteString, value: ByteString, nowMs: number): boolean {
    return this.#set(field, value, nowMs, true)
  }

  /** The fields with their values; they must not change meanwhile. */
  *entries(nowMs: number): IterableIterator<[field: ByteString, value: ByteString]> {
    const mayExpire = this.nextExpiry <= nowMs
    for (let place = 0; place < this.size; place++) {
      const field = this.dictionary.keyAt(place)
      if (!mayExpire || !this.isExpired(field, nowMs)) yield [field, this.dictionary.valueAt(place)]
    }
  }

  /** As `ByteDictionary.scan`; a hash that is a listpack takes one call. */
  scan(
    cursor: number,
    count: number,
    nowMs: number,
    visit: (field: ByteString, value: ByteString) => void,
  ): number {
    return this.scanMembers(cursor, this.#encoding === 'listpack' ? Infinity : count, nowMs, visit)
  }

  /** One field with its value; undefined when there is none. */
  random(random: Random, nowMs: number): [field: ByteString, value: ByteString] | undefined {
    const place = this.randomPlace(random, nowMs)
    return place === -1 ? undefined : this.#entryAt(place)
  }

  /** At most `count` different fields with their values. */
  randomDistinct(count: number, random: Random, nowMs: number): [field: ByteString, value: ByteString][] {
    return this.distinctPlaces(count, random, nowMs).map((place) => this.#entryAt(place))
  }

  /**
   * The entries from place `from` on, expired ones included, at most `limit`; none: the end. For a copy while
   * the hash does not change: under changes use `scan`, which misses nothing.
   */
  slice(from: number, limit: number): HashEntry[] {
    const entries: HashEntry[] = []
    const end = Math.min(this.size, from + limit)
    for (let place = from; place < end; place++) {
      const [field, value] = this.#entryAt(place)
      entries.push({ field, value, expireAtMs: this.storedExpireAt(field) })
    }
    return entries
  }

  #set(field: ByteString, value: ByteString, nowMs: number, keepsExpiry: boolean): boolean {
    const isNew = this.put(field, value, nowMs, keepsExpiry)
    if (this.#encoding === 'listpack') {
      const lengthMax = Math.max(field.length, value.length)
      if (this.size > this.#listpackEntriesMax || lengthMax > this.#listpackValueBytesMax) {
        this.#encoding = 'hashtable'
      }
    }
    return isNew
  }

  #entryAt(place: number): [field: ByteString, value: ByteString] {
    return [this.dictionary.keyAt(place), this.dictionary.valueAt(place)]
  }
}

/**
 * A dictionary of byte strings for values of any size: nothing it does takes longer because it is large.
 *
 * A `Map` of ten million entries stands still for a second when it grows, ends at 2^24 entries, and can be
 * walked only by an iterator, which a client's SCAN cannot hold. Here keys and values lie in dense lists in
 * the order in which they came, and an index over them grows by one bucket an insertion.
 *
 *   index (linear hashing)      keys                     values
 *   hash of "b" ──────────┐     0 "a"                    0  …
 *                         └───▶ 1 "b"                    1  …
 *                               2 "c"  ◀── the last      2  …     a removal moves the last into the hole
 *
 * Being dense gives the rest: the n-th entry, a random one, and a cursor that is only a number. `scan` walks
 * the entries downwards: an entry only ever moves to a lower place, so one that was there all the time cannot
 * slip past the cursor. Up to 16 entries there is no index, keys are compared one by one; up to 128, where
 * Redis keeps the order in which fields came, a removal moves all entries behind it instead of the last.
 *
 * Invariants: (1) every key once; (2) `keyAt(i)` and `valueAt(i)` belong together for all i < size; (3) an
 * entry never gets a higher place than it had; (4) `bytes` is the sum over what is there now.
 * Cost: about 50 bytes an entry besides key and value; get about as long as a `Map`'s; the longest insertion
 * among ten million moves some dozen entries.
 * Tests: test/keyspace/engine/values/byte-dictionary.test.ts, byte-dictionary.prop.test.ts
 */
import type { Random } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { hashBytes } from './byte-hash.ts'
import { ChainIndex, INDEX_ENTRY_BYTES } from './chain-index.ts'
import { DenseList } from './dense-list.ts'

/** From here on there is an index. */
const SEARCHED_MAX = 16

/** Up to here a removal keeps the order, and a scan takes one call: Redis' listpacks. */
export const SMALL_MAX = 128

/** Of a dictionary without entries; of each of its lists. Measured with ten entries, with V8's slack. */
const DICTIONARY_BYTES = 300
const LIST_BYTES = 190

const STRING_HEADER_BYTES = 16
const POINTER_BYTES = 8

/** What a string of bytes takes of the heap. */
export function byteStringBytes(text: ByteString): number {
  return STRING_HEADER_BYTES + ((text.length + 7) & ~7)
}

/** How a dictionary is to be; one object is best shared by all of a kind. */
export interface ByteDictionaryOptions<V> {
  /** Heap bytes of a value besides the word that refers to it. Must not change while it is in. Default 0. */
  readonly valueBytes?: (value: V) => number
  /** No values are kept: for sets. Default false. */
  readonly isSet?: boolean
  /** Whether a removal keeps the order while there are at most 128. Default true. */
  readonly keepsOrder?: boolean
  /** Of the hash; whoever knows it can make the dictionary slow. Default 0. */
  readonly seed?: number
}

/** Keys with values, by key and by place. */
export class ByteDictionary<V> {
  readonly #options: ByteDictionaryOptions<V>
  readonly #keys = new DenseList<ByteString>()
  readonly #values: DenseList<V> | undefined
  #index: ChainIndex | undefined
  #contentBytes = 0

  constructor(options: ByteDictionaryOptions<V> = {}) {
    this.#options = options
    this.#values = options.isSet ? undefined : new DenseList<V>()
  }

  get size(): number {
    return this.#keys.length
  }

  /** An estimate of the heap and index bytes of all of it. */
  get bytes(): number {
    const lists = this.#values ? 2 : 1
    const entryBytes = POINTER_BYTES * lists + (this.#index ? INDEX_ENTRY_BYTES : 0)
    return DICTIONARY_BYTES + LIST_BYTES * lists + this.#contentBytes + entryBytes * this.size
  }

  /** Entries that growing and shrinking have moved so far: work as a count, for tests. */
  get movedCount(): number {
    return this.#index?.movedCount ?? 0
  }

  get(key: ByteString): V | undefined {
    const index = this.indexOf(key)
    return index === -1 ? undefined : this.#values?.at(index)
  }

  has(key: ByteString): boolean {
    return this.indexOf(key) !== -1
  }

  /** The place of a key, or -1. It holds until the next removal. */
  indexOf(key: ByteString): number {
    if (!this.#index) return this.#keys.search(key)
    return this.#index.find(key, this.#hash(key))
  }

  /** The key at a place below `size`. */
  keyAt(index: number): ByteString {
    return this.#keys.at(index)
  }

  /** The value at a place below `size`. */
  valueAt(index: number): V {
    return this.#values?.at(index) as V
  }

  /** Puts another value at a place below `size`. */
  setAt(index: number, value: V): void {
    if (!this.#values) return
    this.#contentBytes += this.#valueBytes(value) - this.#valueBytes(this.#values.at(index))
    this.#values.put(index, value)
  }

  /** True when the key is new; it then has the last place. */
  set(key: ByteString, value: V): boolean {
    const hash = this.#index ? this.#hash(key) : 0
    const found = this.#index ? this.#index.find(key, hash) : this.#keys.search(key)
    if (found !== -1) {
      this.setAt(found, value)
      return false
    }
    this.#contentBytes += byteStringBytes(key) + this.#valueBytes(value)
    this.#keys.push(key)
    this.#values?.push(value)
    if (this.#index) this.#index.add(this.size - 1, hash)
    else if (this.size > SEARCHED_MAX) this.#index = this.#newIndex()
    return true
  }

  /** Whether it was there. */
  delete(key: ByteString): boolean {
    const index = this.indexOf(key)
    if (index === -1) return false
    this.deleteAt(index)
    return true
  }

  /**
   * Removes what is at a place below `size`. The last entry moves there; or, in a small dictionary that keeps
   * its order, all behind it move down by one.
   */
  deleteAt(index: number): void {
    const key = this.keyAt(index)
    this.#contentBytes -= byteStringBytes(key) + this.#valueBytes(this.valueAt(index))
    const last = this.size - 1
    if (last < SMALL_MAX && this.#options.keepsOrder !== false) {
      this.#keys.removeInOrder(index)
      this.#values?.removeInOrder(index)
      this.#index?.removeInOrder(index, last)
    } else {
      this.#index?.remove(index)
      if (index !== last) this.#index?.move(last, index)
      this.#keys.removeBySwap(index)
      this.#values?.removeBySwap(index)
    }
    this.#index?.shrink(last)
  }

  /** The place of one of them, each equally likely; -1 when there is none. */
  random(random: Random): number {
    return this.size === 0 ? -1 : random.below(this.size)
  }

  /** All of them, by place; they must not change meanwhile. */
  *entries(): IterableIterator<[ByteString, V]> {
    for (let i = 0; i < this.size; i++) yield [this.keyAt(i), this.valueAt(i)]
  }

  /**
   * Visits some `count` entries and returns where to go on; 0 begins, and 0 is the end. What is there from
   * the first call to the last is visited at least once, whatever else comes and goes between the calls;
   * what is not there all the time may be visited or not. `visit` must not change the dictionary. Up to 128
   * entries take one call.
   */
  scan(cursor: number, count: number, visit: (key: ByteString, value: V) => void): number {
    const end = cursor === 0 ? this.size : Math.min(cursor, this.size)
    const start = this.size <= SMALL_MAX ? 0 : Math.max(0, end - Math.max(1, count))
    for (let i = start; i < end; i++) visit(this.keyAt(i), this.valueAt(i))
    return start
  }

  #valueBytes(value: V): number {
    const valueBytes = this.#options.valueBytes
    return valueBytes && this.#values ? valueBytes(value) : 0
  }

  #hash(key: ByteString): number {
    return hashBytes(key, this.#options.seed ?? 0)
  }

  #newIndex(): ChainIndex {
    const index = new ChainIndex(this.#keys)
    for (let i = 0; i < this.size; i++) index.add(i, this.#hash(this.keyAt(i)))
    return index
  }
}

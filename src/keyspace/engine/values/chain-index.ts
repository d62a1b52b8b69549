/**
 * From the hash of a key to its place in a dense list, by linear hashing: it grows and shrinks one bucket at
 * a time.
 *
 * A table that doubles must move all its entries at once (a `Map` of ten million stands still for a second),
 * or keep two tables for a while (Redis' `dict`), with work in every lookup. Linear hashing splits one bucket
 * for every new entry, in turn: an insertion moves the few entries of one chain, always. Small `Map`s as
 * buckets were the other way: four times the memory, all of it on the heap that the collector walks.
 *
 *   heads    bucket → entry + 1, or 0          links   entry → its hash, the next entry of the chain + 1
 *   ┌────┬────┬────┬────┬────┬────┐            ┌──────┬──────┬──────┬──────┬──────┬──────┐
 *   │ h0 │ h1 │ h2 │ h3 │ h4 │ h5 │  …         │ hash │ next │ hash │ next │ hash │ next │  …
 *   └────┴────┴────┴────┴────┴────┘            └──────┴──────┴──────┴──────┴──────┴──────┘
 *   With six buckets the mask is 3: a hash's low three bits name its bucket, if there is one, else its low
 *   two. Buckets 0 and 1 have been split into 0, 4 and 1, 5; the next split is of 2, into 2 and 6.
 *
 * Invariants: (1) `mask + 1` is a power of two, `mask < buckets <= 2 * (mask + 1)`; (2) every entry below the
 * length of the dense list is in exactly the chain of its hash; (3) after an insertion buckets >= entries.
 * Cost: 12 to 16 bytes an entry, off the heap. A split walks one chain: one or two entries, twelve at the
 * worst of ten million.
 * Tests: test/keyspace/engine/values/byte-dictionary.prop.test.ts, byte-dictionary.test.ts
 * Source: W. Litwin, "Linear Hashing: A New Tool for File and Table Addressing" (1980).
 */
import type { ByteString } from '../byte-string.ts'
import { ChunkedInts } from './chunked-ints.ts'
import type { DenseList } from './dense-list.ts'

const BUCKETS_MIN = 32

/** Bytes of an entry in `links` and `heads`. */
export const INDEX_ENTRY_BYTES = 12

/** Finds entries of a list of keys by hash. The list is the caller's, and is changed by it in step. */
export class ChainIndex {
  readonly #keys: DenseList<ByteString>
  readonly #heads = new ChunkedInts(BUCKETS_MIN)
  readonly #links = new ChunkedInts(BUCKETS_MIN * 2)
  #buckets = BUCKETS_MIN
  #mask = BUCKETS_MIN - 1
  #movedCount = 0

  constructor(keys: DenseList<ByteString>) {
    this.#keys = keys
  }

  /** Entries that splits and merges have looked at since the beginning: what growth costs, as a count. */
  get movedCount(): number {
    return this.#movedCount
  }

  /** The entry of a key, or -1. */
  find(key: ByteString, hash: number): number {
    const links = this.#links
    let link = this.#heads.get(this.#bucketOf(hash))
    while (link !== 0) {
      const at = (link - 1) * 2
      if (links.get(at) === hash && this.#keys.at(link - 1) === key) return link - 1
      link = links.get(at + 1)
    }
    return -1
  }

  /** Adds an entry whose key is not there yet: the last of the list. */
  add(entry: number, hash: number): void {
    this.#links.grow((entry + 1) * 2)
    this.#push(this.#bucketOf(hash), entry, hash)
    if (entry >= this.#buckets) this.#split()
  }

  /** Takes an entry out of its chain. */
  remove(entry: number): void {
    const links = this.#links
    this.#redirect(entry, links.get(entry * 2 + 1))
  }

  /** The entry that was last has got the place of one that was removed. */
  move(from: number, to: number): void {
    const links = this.#links
    this.#redirect(from, to + 1)
    links.set(to * 2, links.get(from * 2))
    links.set(to * 2 + 1, links.get(from * 2 + 1))
  }

  /** Gives back what `entries` do not need: two buckets at most, so that it costs as little as a split. */
  shrink(entries: number): void {
    for (let i = 0; i < 2 && this.#buckets > BUCKETS_MIN && entries < this.#buckets >> 1; i++) this.#merge()
    this.#links.shrink(entries * 2)
    this.#heads.shrink(this.#buckets)
  }

  /** Builds the chains again after entries behind `entry` moved down by one. For short lists. */
  removeInOrder(entry: number, entries: number): void {
    for (let bucket = 0; bucket < this.#buckets; bucket++) this.#heads.set(bucket, 0)
    const links = this.#links
    for (let i = 0; i < entries; i++) {
      const hash = links.get((i < entry ? i : i + 1) * 2)
      this.#push(this.#bucketOf(hash), i, hash)
    }
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#mask * 2 + 1)
    return bucket < this.#buckets ? bucket : bucket & this.#mask
  }

  #push(bucket: number, entry: number, hash: number): void {
    this.#links.set(entry * 2, hash)
    this.#links.set(entry * 2 + 1, this.#heads.get(bucket))
    this.#heads.set(bucket, entry + 1)
  }

  /** Lets whatever points at `entry` point to `target` (entry + 1, or 0). */
  #redirect(entry: number, target: number): void {
    const links = this.#links
    const bucket = this.#bucketOf(links.get(entry * 2))
    let link = this.#heads.get(bucket)
    if (link === entry + 1) {
      this.#heads.set(bucket, target)
      return
    }
    for (;;) {
      const at = (link - 1) * 2 + 1
      link = links.get(at)
      if (link === entry + 1) {
        links.set(at, target)
        return
      }
    }
  }

  /** One bucket more: the entries of its source whose next bit is set go there. */
  #split(): void {
    const bucket = this.#buckets++
    const source = bucket - this.#mask - 1
    this.#heads.grow(this.#buckets)
    const links = this.#links
    let link = this.#heads.get(source)
    let stays = 0
    let goes = 0
    while (link !== 0) {
      const at = (link - 1) * 2
      const next = links.get(at + 1)
      if ((links.get(at) & (this.#mask + 1)) === 0) {
        links.set(at + 1, stays)
        stays = link
      } else {
        links.set(at + 1, goes)
        goes = link
      }
      link = next
      this.#movedCount++
    }
    this.#heads.set(source, stays)
    this.#heads.set(bucket, goes)
    if (this.#buckets === (this.#mask + 1) * 2) this.#mask = this.#mask * 2 + 1
  }

  /** One bucket less: its chain goes back to where it was split from. */
  #merge(): void {
    const bucket = --this.#buckets
    if (bucket <= this.#mask) this.#mask >>>= 1
    const source = bucket - this.#mask - 1
    const links = this.#links
    let link = this.#heads.get(bucket)
    this.#heads.set(bucket, 0)
    while (link !== 0) {
      const at = (link - 1) * 2 + 1
      const next = links.get(at)
      links.set(at, this.#heads.get(source))
      this.#heads.set(source, link)
      link = next
      this.#movedCount++
    }
  }
}

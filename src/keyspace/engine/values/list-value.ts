/**
 * A list: a deque of chunks, with a directory of their counts.
 *
 * One array would move ten million elements for one insertion in the middle, and copy them when it grows; a
 * linked list would walk five million nodes to its middle. What has to look at every element of a long list
 * (LREM, LPOS, LINSERT) can be done in steps of one chunk each.
 *
 *   directory   ┌──────┬──────┬──────┐
 *               │  512 │  300 │  512 │ …   counts, walked from the nearer end
 *               └──┬───┴──┬───┴──┬───┘
 *                  ▼      ▼      ▼
 *   chunks       a b c…   …      …    … y z     512 elements at most
 *
 * Invariants: those of `ListDirectory`; `encoding` becomes `quicklist` when the limit is passed, and
 * `listpack` again when a removal leaves half of it or less (Redis 7.2's hysteresis; its further condition,
 * that a single node is left, is not copied).
 * Cost: ends O(1); index, range and trim some µs in ten million, besides what they return.
 * Tests: test/keyspace/engine/values/list-value.prop.test.ts, list-value.test.ts
 * Source: Redis 7.2, src/t_list.c, for the meaning of indexes and for the encoding.
 */
import type { ByteString } from '../byte-string.ts'
import { LISTPACK_EMPTY_BYTES, type ListEncoding } from './encodings.ts'
import { ListChunk } from './list-chunk.ts'
import { ListDirectory } from './list-directory.ts'
import { findSteps, type PositionOptions, positionsSteps, removeSteps } from './list-search.ts'
import { runSteps, type Steps } from './steps.ts'

/** Of a list without chunks; of each chunk; of the word that refers to an element. Measured. */
const LIST_BYTES = 500
const CHUNK_BYTES = 200
const ELEMENT_BYTES = 8

/** Elements by index; a negative index counts from the right, -1 is the last. */
export class ListValue {
  /** The elements of a list do not expire; this lets a database treat all collections alike. */
  readonly nextExpiry: number = Infinity
  readonly #listpackBytesMax: number
  readonly #listpackEntriesMax: number
  readonly #directory = new ListDirectory()
  #encoding: ListEncoding = 'listpack'

  /** The limits of the encoding `listpack`: list-max-listpack-size, in bytes or in items. */
  constructor(listpackBytesMax = 8192, listpackEntriesMax = Number.MAX_SAFE_INTEGER) {
    this.#listpackBytesMax = listpackBytesMax
    this.#listpackEntriesMax = listpackEntriesMax
  }

  get size(): number {
    return this.#directory.size
  }

  /** An estimate of the memory of all of it. */
  get bytes(): number {
    const { length, size, heapBytes } = this.#directory
    return LIST_BYTES + length * CHUNK_BYTES + size * ELEMENT_BYTES + heapBytes
  }

  /** What OBJECT ENCODING answers. */
  get encoding(): ListEncoding {
    return this.#encoding
  }

  /** Nothing: elements do not expire. */
  takeExpired(_nowMs: number, _limit: number): ByteString[] {
    return []
  }

  pushLeft(value: ByteString): void {
    const directory = this.#directory
    this.#beforeAdding(value)
    if (directory.chunk(0).isFull) directory.insert(0, new ListChunk())
    directory.chunk(0).pushLeft(value)
    directory.recount(0)
  }

  pushRight(value: ByteString): void {
    const directory = this.#directory
    this.#beforeAdding(value)
    if (directory.chunk(directory.length - 1).isFull) directory.insert(directory.length, new ListChunk())
    directory.chunk(directory.length - 1).pushRight(value)
    directory.recount(directory.length - 1)
  }

  /** Takes the first; undefined when there is none. */
  popLeft(): ByteString | undefined {
    if (this.size === 0) return undefined
    const value = this.#directory.chunk(0).popLeft()
    this.#afterRemoving(0)
    return value
  }

  /** Takes the last; undefined when there is none. */
  popRight(): ByteString | undefined {
    if (this.size === 0) return undefined
    const number = this.#directory.length - 1
    const value = this.#directory.chunk(number).popRight()
    this.#afterRemoving(number)
    return value
  }

  /** The element at an index; undefined outside. */
  get(index: number): ByteString | undefined {
    const at = index < 0 ? index + this.size : index
    if (at < 0 || at >= this.size) return undefined
    const number = this.#directory.locate(at)
    return this.#directory.chunk(number).at(this.#directory.offset)
  }

  /** Puts another element at an index; false outside. */
  set(index: number, value: ByteString): boolean {
    const at = index < 0 ? index + this.size : index
    if (at < 0 || at >= this.size) return false
    this.#beforeAdding(value)
    const number = this.#directory.locate(at)
    this.#directory.chunk(number).put(this.#directory.offset, value)
    this.#directory.recount(number)
    this.#settleEncoding()
    return true
  }

  /** The elements from `start` to `stop`, both included, as in LRANGE; what lies outside is left out. */
  range(start: number, stop: number): ByteString[] {
    const [from, end] = this.#bounds(start, stop)
    return this.slice(from, end - from)
  }

  /**
   * At most `limit` elements from index `from` on; none: the end. For a copy while the list does not change.
   */
  slice(from: number, limit: number): ByteString[] {
    const values: ByteString[] = []
    let rest = Math.min(limit, this.size - from)
    if (rest <= 0) return values
    let number = this.#directory.locate(from)
    let offset = this.#directory.offset
    for (; rest > 0; number++) {
      const chunk = this.#directory.chunk(number)
      const to = Math.min(chunk.count, offset + rest)
      chunk.copyTo(values, offset, to)
      rest -= to - offset
      offset = 0
    }
    return values
  }

  /** The elements from left to right; they must not change meanwhile. */
  *values(): IterableIterator<ByteString> {
    for (let number = 0; number < this.#directory.length; number++) {
      const chunk = this.#directory.chunk(number)
      for (let offset = 0; offset < chunk.count; offset++) yield chunk.at(offset)
    }
  }

  /** Keeps the elements from `start` to `stop`, both included, as LTRIM does. */
  trim(start: number, stop: number): void {
    const [from, end] = this.#bounds(start, stop)
    // The right side first, so that indexes from the left stay.
    if (end < this.size) this.#directory.remove(this.#borderAt(end), this.#directory.length)
    if (from > 0 && this.size > 0) this.#directory.remove(0, this.#borderAt(from))
    this.#settleEncoding()
  }

  /** Puts a value before the first `pivot`; false when there is none. */
  insertBefore(pivot: ByteString, value: ByteString): boolean {
    return runSteps(this.insertSteps(pivot, value, 'before'))
  }

  /** Puts a value behind the first `pivot`; false when there is none. */
  insertAfter(pivot: ByteString, value: ByteString): boolean {
    return runSteps(this.insertSteps(pivot, value, 'after'))
  }

  /** As `insertBefore` or `insertAfter`, one chunk a step. */
  *insertSteps(pivot: ByteString, value: ByteString, side: 'before' | 'after'): Steps<boolean> {
    const found = yield* findSteps(this.#directory, pivot)
    if (found === -1) return false
    const directory = this.#directory
    let number = found
    let offset = directory.offset + (side === 'after' ? 1 : 0)
    this.#beforeAdding(value)
    if (directory.chunk(number).isFull) {
      const middle = directory.chunk(number).count >> 1
      this.#split(number, middle)
      if (offset > middle) {
        number++
        offset -= middle
      }
    }
    directory.chunk(number).insert(offset, value)
    directory.recount(number)
    return true
  }

  /**
   * Removes elements that are `value`: the first `count`, the last `-count`, or all for 0. Returns how many.
   */
  removeMatching(value: ByteString, count: number): number {
    return runSteps(this.removeMatchingSteps(value, count))
  }

  /** As `removeMatching`, one chunk a step. Given up with `return`, it has removed what it had come to. */
  *removeMatchingSteps(value: ByteString, count: number): Steps<number> {
    try {
      return yield* removeSteps(this.#directory, value, count)
    } finally {
      this.#settleEncoding()
    }
  }

  /** Indexes of elements that are `value`, in the order in which they are found. */
  positions(value: ByteString, options: PositionOptions = {}): number[] {
    return runSteps(this.positionsSteps(value, options))
  }

  /** As `positions`, one chunk a step. */
  positionsSteps(value: ByteString, options: PositionOptions = {}): Steps<number[]> {
    return positionsSteps(this.#directory, value, options)
  }

  /** Whether the invariants hold; for tests. */
  isSound(): boolean {
    return this.#directory.isSound()
  }

  /** From Redis' inclusive range to indexes within the list; the same one twice when nothing is in it. */
  #bounds(start: number, stop: number): [from: number, end: number] {
    const from = Math.max(0, start < 0 ? start + this.size : start)
    const end = Math.min(this.size, (stop < 0 ? stop + this.size : stop) + 1)
    return from < end ? [from, end] : [0, 0]
  }

  /** Makes a border between chunks before an index, and returns the number of the chunk behind it. */
  #borderAt(index: number): number {
    const number = this.#directory.locate(index)
    const offset = this.#directory.offset
    if (offset === 0) return number
    this.#split(number, offset)
    return number + 1
  }

  #split(number: number, offset: number): void {
    const tail = this.#directory.chunk(number).splitOff(offset)
    this.#directory.recount(number)
    this.#directory.insert(number + 1, tail)
  }

  #afterRemoving(number: number): void {
    this.#directory.recount(number)
    if (this.#directory.chunk(number).count === 0) this.#directory.remove(number, number + 1)
    this.#settleEncoding()
  }

  /** Redis asks before it adds, and counts the bytes of the value without the listpack's own. */
  #beforeAdding(value: ByteString): void {
    if (this.#encoding === 'quicklist') return
    const packedBytes = LISTPACK_EMPTY_BYTES + this.#directory.packedBytes + value.length
    const isOver = packedBytes > this.#listpackBytesMax || this.size >= this.#listpackEntriesMax
    if (isOver) this.#encoding = 'quicklist'
  }

  #settleEncoding(): void {
    if (this.#encoding === 'listpack') return
    const packedBytes = LISTPACK_EMPTY_BYTES + this.#directory.packedBytes
    const isSmall = packedBytes * 2 <= this.#listpackBytesMax && this.size * 2 <= this.#listpackEntriesMax
    if (isSmall) this.#encoding = 'listpack'
  }
}

/**
 * A stretch of a list: up to 512 elements, quick at both ends.
 *
 *   items   ""  ""  "a" "b" "c"          start = 2, count = 3
 *           ╰─room─╯                     what was popped from the left is "" and not a hole
 *
 * A list of many short arrays has no element that is far from a border, so that an insertion in the middle of
 * ten million moves 512 at most. The sums over its elements are kept, so that a whole chunk can be dropped
 * without looking into it.
 *
 * Invariants: (1) the elements are `items` from `start` on, and what lies before is `""`; (2) `heapBytes` and
 * `packedBytes` are the sums over the elements.
 * Cost: both ends O(1) on average; the rest O(512).
 * Tests: test/keyspace/engine/values/list-value.prop.test.ts
 */
import type { ByteString } from '../byte-string.ts'
import { byteStringBytes } from './byte-dictionary.ts'
import { listpackEntryBytes } from './encodings.ts'

/** The most elements of a chunk. */
export const CHUNK_ELEMENTS_MAX = 512

const ROOM_MIN = 4
/** So much room on the left is not worth a copy. */
const ROOM_KEPT = 32

/** Elements by offset from the chunk's beginning. */
export class ListChunk {
  #items: ByteString[]
  #start = 0
  #heapBytes = 0
  #packedBytes = 0
  /** The directory's: what it has added to its sums for this chunk. */
  readonly counted: { count: number; heapBytes: number; packedBytes: number } = {
    count: 0,
    heapBytes: 0,
    packedBytes: 0,
  }

  /** A chunk of these elements; the array is the chunk's from now on. */
  constructor(items: ByteString[] = []) {
    this.#items = items
    for (const item of items) this.#add(item)
  }

  get count(): number {
    return this.#items.length - this.#start
  }

  get isFull(): boolean {
    return this.count >= CHUNK_ELEMENTS_MAX
  }

  /** What its strings take on the heap. */
  get heapBytes(): number {
    return this.#heapBytes
  }

  /** What its elements would take in a listpack. */
  get packedBytes(): number {
    return this.#packedBytes
  }

  at(offset: number): ByteString {
    return this.#items[this.#start + offset]!
  }

  pushRight(value: ByteString): void {
    this.#items.push(value)
    this.#add(value)
  }

  pushLeft(value: ByteString): void {
    if (this.#start === 0) {
      const room = Math.max(ROOM_MIN, Math.min(this.count, CHUNK_ELEMENTS_MAX - this.count))
      this.#items = new Array<ByteString>(room).fill('').concat(this.#items)
      this.#start = room
    }
    this.#items[--this.#start] = value
    this.#add(value)
  }

  /** Takes the last of at least one. */
  popRight(): ByteString {
    const value = this.#items.pop()!
    this.#subtract(value)
    return value
  }

  /** Takes the first of at least one. */
  popLeft(): ByteString {
    const value = this.#items[this.#start]!
    this.#items[this.#start++] = ''
    this.#subtract(value)
    if (this.#start > ROOM_KEPT && this.#start > this.count) this.#replace(this.#elements())
    return value
  }

  put(offset: number, value: ByteString): void {
    const at = this.#start + offset
    this.#subtract(this.#items[at]!)
    this.#items[at] = value
    this.#add(value)
  }

  /** Puts a value before the one at `offset`, or behind the last. */
  insert(offset: number, value: ByteString): void {
    this.#items.splice(this.#start + offset, 0, value)
    this.#add(value)
  }

  /** Copies the elements from `from` to before `to` behind those of `target`. */
  copyTo(target: ByteString[], from: number, to: number): void {
    for (let offset = from; offset < to; offset++) target.push(this.at(offset))
  }

  /** Takes away what is at `offset` and behind it, as a chunk of its own. */
  splitOff(offset: number): ListChunk {
    const tail = new ListChunk(this.#items.slice(this.#start + offset))
    this.#replace(this.#items.slice(this.#start, this.#start + offset))
    this.#heapBytes -= tail.#heapBytes
    this.#packedBytes -= tail.#packedBytes
    return tail
  }

  /** Takes all elements of another chunk, which is empty then. */
  takeAll(other: ListChunk): void {
    this.#replace(this.#elements().concat(other.#elements()))
    this.#heapBytes += other.#heapBytes
    this.#packedBytes += other.#packedBytes
    other.#replace([])
    other.#heapBytes = 0
    other.#packedBytes = 0
  }

  /** The first offset from `from` to before `to` with this value, or -1. */
  indexOf(value: ByteString, from: number, to: number): number {
    const end = this.#start + to
    for (let at = this.#start + from; at < end; at++) if (this.#items[at] === value) return at - this.#start
    return -1
  }

  /** The last offset from `from` to before `to` with this value, or -1. */
  lastIndexOf(value: ByteString, from: number, to: number): number {
    const end = this.#start + from
    for (let at = this.#start + to - 1; at >= end; at--)
      if (this.#items[at] === value) return at - this.#start
    return -1
  }

  /** Removes at most `limit` elements with this value, the first or the last ones; returns how many. */
  removeMatching(value: ByteString, limit: number, isFromRight: boolean): number {
    if (this.indexOf(value, 0, this.count) === -1) return 0
    const kept: ByteString[] = []
    let removed = 0
    for (let i = 0; i < this.count; i++) {
      const item = this.at(isFromRight ? this.count - 1 - i : i)
      if (removed < limit && item === value) {
        removed++
        this.#subtract(item)
      } else kept.push(item)
    }
    this.#replace(isFromRight ? kept.reverse() : kept)
    return removed
  }

  /** Whether the invariants hold; for tests. */
  isSound(): boolean {
    const copy = new ListChunk(this.#elements())
    const room = this.#items.slice(0, this.#start)
    return (
      copy.#heapBytes === this.#heapBytes &&
      copy.#packedBytes === this.#packedBytes &&
      this.#items.length <= 2 * CHUNK_ELEMENTS_MAX &&
      this.count <= CHUNK_ELEMENTS_MAX &&
      room.every((item) => item === '')
    )
  }

  #elements(): ByteString[] {
    return this.#items.slice(this.#start)
  }

  #replace(items: ByteString[]): void {
    this.#items = items
    this.#start = 0
  }

  #add(value: ByteString): void {
    this.#heapBytes += byteStringBytes(value)
    this.#packedBytes += listpackEntryBytes(value)
  }

  #subtract(value: ByteString): void {
    this.#heapBytes -= byteStringBytes(value)
    this.#packedBytes -= listpackEntryBytes(value)
  }
}

/**
 * The chunks of a list in their order, and how to find the one that holds an index.
 *
 * The counts lie once more in an array of integers: to find the middle of ten million elements it is walked,
 * ten thousand integers that lie side by side, from the end that is nearer. To ask each chunk itself would be
 * a cache miss each; a tree of counts would be faster still, and is not needed before a billion elements.
 *
 * Invariants, whenever `recount(i)` was called after the last change of chunk i: (1) `counts[i]` is its
 * count;
 * (2) `size`, `heapBytes` and `packedBytes` are the sums over all chunks; (3) there is at least one chunk,
 *     and
 * none is empty unless it is alone, save between the steps of a removal.
 * Cost: finding a few µs in ten million, adding or dropping a chunk as many; once in 512 elements.
 * Tests: test/keyspace/engine/values/list-value.prop.test.ts
 */
import { ListChunk } from './list-chunk.ts'

const COUNTS_MIN = 4

/** Chunks by number. */
export class ListDirectory {
  #chunks: ListChunk[] = [new ListChunk()]
  #counts = new Int32Array(COUNTS_MIN)
  #size = 0
  #heapBytes = 0
  #packedBytes = 0
  #changeCount = 0
  /** Where the element that `locate` found stands in its chunk. */
  offset = 0

  /** How many chunks there are. */
  get length(): number {
    return this.#chunks.length
  }

  /** How many elements there are. */
  get size(): number {
    return this.#size
  }

  /** What the strings of all chunks take on the heap. */
  get heapBytes(): number {
    return this.#heapBytes
  }

  /** What all elements would take in a listpack, without its frame. */
  get packedBytes(): number {
    return this.#packedBytes
  }

  /** Grows with every change: whoever pauses learns whether something was changed meanwhile. */
  get changeCount(): number {
    return this.#changeCount
  }

  chunk(number: number): ListChunk {
    return this.#chunks[number]!
  }

  /** The number of the chunk that holds the element at an index below `size`; `offset` says where in it. */
  locate(index: number): number {
    const counts = this.#counts
    if (index < this.#size >> 1) {
      let number = 0
      let rest = index
      let count = counts[0]!
      while (rest >= count) {
        rest -= count
        count = counts[++number]!
      }
      this.offset = rest
      return number
    }
    let number = this.#chunks.length - 1
    let behind = this.#size - 1 - index
    let count = counts[number]!
    while (behind >= count) {
      behind -= count
      count = counts[--number]!
    }
    this.offset = count - 1 - behind
    return number
  }

  /** To be called after a chunk's count changed. */
  recount(number: number): void {
    const chunk = this.#chunks[number]!
    const counted = chunk.counted
    this.#size += chunk.count - counted.count
    this.#heapBytes += chunk.heapBytes - counted.heapBytes
    this.#packedBytes += chunk.packedBytes - counted.packedBytes
    counted.count = chunk.count
    counted.heapBytes = chunk.heapBytes
    counted.packedBytes = chunk.packedBytes
    this.#counts[number] = chunk.count
    this.#changeCount++
  }

  /** Adds a chunk at a number; those from there on get the next. */
  insert(number: number, chunk: ListChunk): void {
    const length = this.#chunks.length
    if (length === this.#counts.length) {
      const larger = new Int32Array(length * 2)
      larger.set(this.#counts)
      this.#counts = larger
    }
    this.#counts.copyWithin(number + 1, number, length)
    this.#chunks.splice(number, 0, chunk)
    this.recount(number)
  }

  /** Drops the chunks from `from` to before `to`; an empty one stays when there would be none. */
  remove(from: number, to: number): void {
    const length = this.#chunks.length
    for (let number = from; number < to; number++) {
      const { counted } = this.#chunks[number]!
      this.#size -= counted.count
      this.#heapBytes -= counted.heapBytes
      this.#packedBytes -= counted.packedBytes
    }
    if (from === 0 && to === 1) this.#chunks.shift()
    else this.#chunks.splice(from, to - from)
    this.#counts.copyWithin(from, to, length)
    this.#changeCount++
    this.#settle()
  }

  /** Drops all chunks that are empty, in one pass. */
  removeEmpty(): void {
    this.#chunks = this.#chunks.filter((chunk) => chunk.count > 0)
    for (const [number, chunk] of this.#chunks.entries()) this.#counts[number] = chunk.count
    this.#changeCount++
    this.#settle()
  }

  /** Whether the invariants hold; for tests. */
  isSound(): boolean {
    let size = 0
    let heapBytes = 0
    let packedBytes = 0
    for (const [number, chunk] of this.#chunks.entries()) {
      if (this.#counts[number] !== chunk.count || !chunk.isSound()) return false
      if (chunk.count === 0 && this.#chunks.length > 1) return false
      size += chunk.count
      heapBytes += chunk.heapBytes
      packedBytes += chunk.packedBytes
    }
    const sumsAgree =
      size === this.#size && heapBytes === this.#heapBytes && packedBytes === this.#packedBytes
    return sumsAgree && this.#chunks.length >= 1 && this.#chunks.length <= this.#counts.length
  }

  /** After chunks were dropped: one is left, and the counts do not take much more than they need. */
  #settle(): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push(new ListChunk())
      this.#counts[0] = 0
    }
    const length = Math.max(COUNTS_MIN, this.#chunks.length * 2)
    if (length * 2 < this.#counts.length) this.#counts = this.#counts.slice(0, length)
  }
}

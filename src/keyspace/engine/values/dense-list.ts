/**
 * A growing array of values that is never copied as a whole: chunks of 1,024.
 *
 * A plain array of ten million elements copies 80 MB when it grows by one. Here growth adds a chunk, and only
 * elements of the last chunk are ever copied.
 *
 * Tests: test/keyspace/engine/values/byte-dictionary.prop.test.ts
 */
const CHUNK_SHIFT = 10
const CHUNK_LENGTH = 1 << CHUNK_SHIFT
const CHUNK_MASK = CHUNK_LENGTH - 1

/** The longest list of which an element may be removed in order. */
export const IN_ORDER_MAX: number = CHUNK_LENGTH

/** Values by index, without holes. */
export class DenseList<T> {
  readonly #chunks: T[][] = [[]]
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The value at an index below `length`. */
  at(index: number): T {
    return this.#chunks[index >>> CHUNK_SHIFT]![index & CHUNK_MASK]!
  }

  put(index: number, value: T): void {
    this.#chunks[index >>> CHUNK_SHIFT]![index & CHUNK_MASK] = value
  }

  push(value: T): void {
    const index = this.#length++
    const chunk = this.#chunks[index >>> CHUNK_SHIFT]
    if (chunk !== undefined) chunk.push(value)
    else this.#chunks.push([value])
  }

  /** Takes the last value away. */
  pop(): T {
    const index = --this.#length
    const chunk = this.#chunks[index >>> CHUNK_SHIFT]!
    const value = chunk.pop()!
    if (chunk.length === 0 && index !== 0) this.#chunks.pop()
    return value
  }

  /** Moves the last value into the hole: O(1), and the order changes. */
  removeBySwap(index: number): void {
    const last = this.pop()
    if (index < this.#length) this.put(index, last)
  }

  /** Moves all behind it down by one; for lists of at most `IN_ORDER_MAX`. */
  removeInOrder(index: number): void {
    this.#chunks[0]!.splice(index, 1)
    this.#length--
  }

  /** The index of the first that is `value`, or -1; for lists of at most `IN_ORDER_MAX`. */
  search(value: T): number {
    const chunk = this.#chunks[0]!
    for (let i = 0; i < chunk.length; i++) if (chunk[i] === value) return i
    return -1
  }
}

/**
 * A growing array of 32-bit integers that is never copied as a whole.
 *
 * Chunks of 2,048 integers, off the JavaScript heap, so that the garbage collector does not look at them.
 * Only the first chunk grows by doubling: small ones stay small, and no growth copies more than 1,024
 * integers. One big `Int32Array` would copy 40 MB when the ten-millionth entry comes.
 *
 * Invariants: every integer at or behind `grow`'s length and never set is 0.
 * Tests: test/keyspace/engine/values/byte-dictionary.prop.test.ts
 */
const CHUNK_SHIFT = 11
const CHUNK_LENGTH = 1 << CHUNK_SHIFT
const CHUNK_MASK = CHUNK_LENGTH - 1

/** Integers by index. Reading or writing outside of what was grown is the caller's mistake. */
export class ChunkedInts {
  readonly #chunks: Int32Array[]

  constructor(length: number) {
    this.#chunks = [new Int32Array(Math.min(length, CHUNK_LENGTH))]
    this.grow(length)
  }

  get(index: number): number {
    return this.#chunks[index >>> CHUNK_SHIFT]![index & CHUNK_MASK]!
  }

  set(index: number, value: number): void {
    this.#chunks[index >>> CHUNK_SHIFT]![index & CHUNK_MASK] = value
  }

  /** Makes room for at least `length` integers. */
  grow(length: number): void {
    const chunks = this.#chunks
    const first = chunks[0]!
    if (length <= first.length) return
    if (first.length < CHUNK_LENGTH) {
      let firstLength = first.length
      while (firstLength < length && firstLength < CHUNK_LENGTH) firstLength *= 2
      const larger = new Int32Array(Math.min(firstLength, CHUNK_LENGTH))
      larger.set(first)
      chunks[0] = larger
    }
    while (chunks.length << CHUNK_SHIFT < length) chunks.push(new Int32Array(CHUNK_LENGTH))
  }

  /**
   * Gives chunks back that `length` integers do not need; one to spare stays, so that an edge costs little.
   */
  shrink(length: number): void {
    while (this.#chunks.length > 2 && (this.#chunks.length - 2) << CHUNK_SHIFT >= length) this.#chunks.pop()
  }
}

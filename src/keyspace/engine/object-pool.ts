/**
 * The collections of a database by number: what a record of the key table names instead of a value.
 *
 * Numbers are used again, so that the array stays as long as there were collections at once. Chunks instead
 * of one array: growing one array of millions copies it whole. Memory is counted as an estimate that each
 * value keeps of itself; `recount` takes over what it says now.
 *
 * Tests: test/keyspace/engine/object-pool.test.ts
 */
import { assert } from '../../base/index.ts'
import type { CollectionValue } from './collection.ts'

const CHUNK_LOG2 = 12
const CHUNK = 1 << CHUNK_LOG2

/** The collections of one database. */
export class ObjectPool {
  /** Estimated bytes of all, as last counted. */
  bytes = 0
  readonly #values: (CollectionValue | undefined)[][] = []
  readonly #counted: Float64Array[] = []
  readonly #dueAt: Float64Array[] = []
  readonly #free: number[] = []
  #next = 0

  add(value: CollectionValue): number {
    const id = this.#free.pop() ?? this.#next++
    if (id >> CHUNK_LOG2 === this.#values.length) {
      this.#values.push(new Array<undefined>(CHUNK).fill(undefined))
      this.#counted.push(new Float64Array(CHUNK))
      this.#dueAt.push(new Float64Array(CHUNK))
    }
    this.#values[id >> CHUNK_LOG2]![id & (CHUNK - 1)] = value
    this.#counted[id >> CHUNK_LOG2]![id & (CHUNK - 1)] = 0
    this.setDueAt(id, Number.POSITIVE_INFINITY)
    this.recount(id)
    return id
  }

  get(id: number): CollectionValue {
    const value = this.#values[id >> CHUNK_LOG2]?.[id & (CHUNK - 1)]
    assert(value !== undefined, 'a record names a collection that exists')
    return value
  }

  /** The collection has changed its size. */
  recount(id: number): void {
    const counted = this.#counted[id >> CHUNK_LOG2]!
    const { bytes } = this.get(id)
    const before = counted[id & (CHUNK - 1)]!
    if (bytes === before) return
    this.bytes += bytes - before
    counted[id & (CHUNK - 1)] = bytes
  }

  /** For when its first member is scheduled to expire; Infinity: not at all. */
  dueAt(id: number): number {
    return this.#dueAt[id >> CHUNK_LOG2]![id & (CHUNK - 1)]!
  }

  setDueAt(id: number, atMs: number): void {
    this.#dueAt[id >> CHUNK_LOG2]![id & (CHUNK - 1)] = atMs
  }

  remove(id: number): void {
    const chunk = this.#values[id >> CHUNK_LOG2]!
    assert(chunk[id & (CHUNK - 1)] !== undefined, 'a collection is removed once')
    this.bytes -= this.#counted[id >> CHUNK_LOG2]![id & (CHUNK - 1)]!
    chunk[id & (CHUNK - 1)] = undefined
    this.#free.push(id)
  }

  clear(): void {
    this.#values.length = 0
    this.#counted.length = 0
    this.#dueAt.length = 0
    this.#free.length = 0
    this.#next = 0
    this.bytes = 0
  }
}

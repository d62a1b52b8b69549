/**
 * Entries on their way from a reader, some hundred at a time: one step of an async iterator for each would
 * cost more than reading it.
 *
 * Tests: test/keyspace/portable/rdb/rdb-reader.test.ts
 */
import { PART_BYTES_MAX, type PortableEntry, textBytesOf } from './portable-entry.ts'

const ENTRIES_MAX = 256

/** Entries that were read and not given out yet. */
export class EntryBatch {
  #entries: PortableEntry[] = []
  #bytes = 0

  get isFull(): boolean {
    return this.#entries.length >= ENTRIES_MAX || this.#bytes >= PART_BYTES_MAX
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  add(entry: PortableEntry): void {
    this.#entries.push(entry)
    this.#bytes += entry.key.length + textBytesOf(entry.value)
  }

  /** All of them. */
  take(): readonly PortableEntry[] {
    const entries = this.#entries
    this.#entries = []
    this.#bytes = 0
    return entries
  }
}

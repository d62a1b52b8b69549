/**
 * The latest changes of a shard, in the order of their revisions: what watchers read from, each at its pace.
 *
 * One history for all watchers instead of a queue for each: a slow one costs nothing, and who comes back
 * continues where it was. Records are numbered, so that a watcher's place is a number that stays true while
 * the front is dropped.
 *
 *     numbers   first … next-1        revisions   compactedAt < r(first) < … < r(next-1)
 *
 * Invariants
 *   1. Revisions grow.
 *   2. Every record above `compactedAt` that was ever added is here.
 *   3. At most `recordsMax` records, and at most `bytesMax` bytes unless a single record has more.
 *
 * Cost: constant per record.
 * Tests: test/keyspace/watch/change-history.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { type ChangeRecord, recordBytes } from './change-record.ts'

/** The front of the list is cut off when more than so many places are empty, and most are. */
const SLACK = 256

/** What a history may hold. */
export interface HistoryLimits {
  readonly recordsMax: number
  readonly bytesMax: number
}

/** A bounded history. */
export class ChangeHistory {
  readonly #limits: HistoryLimits
  readonly #onDropped: (number: number, record: ChangeRecord) => void
  #records: (ChangeRecord | undefined)[] = []
  #bytes = 0
  /** The number of what stands at place 0. */
  #base = 0
  /** The number of the oldest record. */
  first = 0
  /** Changes at or below this revision may be missing. */
  compactedAt: number

  constructor(
    compactedAt: number,
    limits: HistoryLimits,
    onDropped: (number: number, record: ChangeRecord) => void = () => {},
  ) {
    this.compactedAt = compactedAt
    this.#limits = limits
    this.#onDropped = onDropped
  }

  /** The number that the next record will have. */
  get next(): number {
    return this.#base + this.#records.length
  }

  get count(): number {
    return this.next - this.first
  }

  get bytes(): number {
    return this.#bytes
  }

  at(number: number): ChangeRecord {
    const record = this.#records[number - this.#base]
    assert(record !== undefined && number >= this.first, 'a record that is read is still there')
    return record
  }

  /** Adds a record; the oldest ones go where there is no room. Returns its number. */
  add(record: ChangeRecord): number {
    const newest = this.count === 0 ? this.compactedAt : this.at(this.next - 1).revision
    assert(record.revision > newest, 'changes of a shard are told in the order of their revisions')
    this.#records.push(record)
    this.#bytes += recordBytes(record)
    const { recordsMax, bytesMax } = this.#limits
    while (this.count > recordsMax || (this.#bytes > bytesMax && this.count > 1)) this.#drop()
    return this.next - 1
  }

  /** Drops everything: changes up to this revision are not here. */
  clear(compactedAt: number): void {
    while (this.count > 0) this.#drop()
    this.compactedAt = Math.max(this.compactedAt, compactedAt)
  }

  /** The number of the first record above a revision. */
  after(revision: number): number {
    let low = this.first
    let high = this.next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if (this.at(middle).revision > revision) high = middle
      else low = middle + 1
    }
    return low
  }

  #drop(): void {
    const number = this.first
    const record = this.at(number)
    this.#records[number - this.#base] = undefined
    this.#bytes -= recordBytes(record)
    this.first++
    this.compactedAt = record.revision
    const empty = this.first - this.#base
    if (empty >= SLACK && empty * 2 > this.#records.length) {
      this.#records = this.#records.slice(empty)
      this.#base = this.first
    }
    this.#onDropped(number, record)
  }
}

/**
 * The changes that a replay of the log comes by, kept for watchers that were there before: who asks for a
 * revision that the last process gave out gets what has happened since, and no gap.
 *
 * A log is in the order of commits; that of revisions differs where a transaction over shards was committed
 * at a revision that was drawn before. So changes are put in order when all have come.
 *
 * Invariant: every change above `compactedAt` that was in the log is here.
 * Tests: test/keyspace/watch/replayed-changes.test.ts
 */
import type { Commit, PlainSetListener } from '../engine/index.ts'
import type { HistoryLimits } from './change-history.ts'
import { type ChangeRecord, type RecordSource, recordBytes, recordOf } from './change-record.ts'
import { ReplayedSets } from './replayed-sets.ts'

/** Changes of the end of a log. */
export class ReplayedChanges {
  readonly #limits: HistoryLimits
  #records: ChangeRecord[] = []
  #bytes = 0
  readonly #sets: ReplayedSets
  /** Changes at or below this revision may be missing. */
  compactedAt = 0

  constructor(limits: HistoryLimits) {
    this.#limits = limits
    this.#sets = new ReplayedSets(limits)
  }

  /** What has come so far, and what has not, is not to be here: up to this revision. */
  forget(revision: number): void {
    this.#records = []
    this.#bytes = 0
    this.#sets.clear()
    this.compactedAt = Math.max(this.compactedAt, revision)
  }

  add(record: ChangeRecord): void {
    this.#records.push(record)
    this.#bytes += recordBytes(record)
    const { recordsMax, bytesMax } = this.#limits
    // Seldom, since it costs a pass: what is too much is dropped when it is twice too much.
    if (this.#records.length > 2 * recordsMax || this.#bytes > 2 * bytesMax) this.#trim()
  }

  /** The same of a commit that was just replayed: keys hold what they held then. */
  addCommit(commit: Commit, source: RecordSource): void {
    const record = recordOf(commit, source, true, () => true)
    if (record !== undefined) this.add(record)
  }

  /** The same of a SET of a string that never expires, whose words are these bytes. */
  readonly addPlainSet: PlainSetListener = (...plain) => this.#sets.add(...plain)

  /** In the order of revisions, what is of one revision together. */
  take(): readonly ChangeRecord[] {
    this.compactedAt = Math.max(this.compactedAt, this.#sets.compactedAt)
    this.#records = this.#records.concat(this.#sets.take())
    this.#trim()
    const merged: ChangeRecord[] = []
    for (const record of this.#records) {
      const last = merged.at(-1)
      if (last?.revision !== record.revision) merged.push(record)
      else merged[merged.length - 1] = { ...last, changes: [...last.changes, ...record.changes] }
    }
    this.#records = []
    this.#bytes = 0
    return merged
  }

  /** Puts what there is in order, and drops the oldest beyond the limits. */
  #trim(): void {
    const { recordsMax, bytesMax } = this.#limits
    const sorted = this.#records
      .filter(({ revision }) => revision > this.compactedAt)
      .sort((a, b) => a.revision - b.revision)
    let first = sorted.length
    let bytes = 0
    while (first > 0 && sorted.length - first < recordsMax) {
      const size = recordBytes(sorted[first - 1] as ChangeRecord)
      if (bytes + size > bytesMax) break
      bytes += size
      first--
    }
    // What is of one revision is there as a whole, or not.
    const dropped = sorted[first - 1]?.revision
    if (dropped !== undefined) this.compactedAt = Math.max(this.compactedAt, dropped)
    this.#records = sorted.slice(first).filter(({ revision }) => revision > this.compactedAt)
    this.#bytes = this.#records.reduce((sum, record) => sum + recordBytes(record), 0)
  }
}

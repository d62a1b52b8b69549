/**
 * One watcher of a shard: its place in the history, and what it has lost.
 *
 * It keeps no changes of its own, only the number of the first record that may concern it. So a slow watcher
 * holds no memory; what it loses is what the history, or its own limit, drops before it has come for it.
 *
 * Invariant: a record that concerns it is taken by `take` or is within a range that was reported as lost, in
 * the order of revisions; with the policy `cut` nothing is taken once something was lost.
 * Tests: test/keyspace/watch/watch-hub.test.ts, test/keyspace/watch/keyspace-watch.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { ChangeFilter } from './change-filter.ts'
import type { ChangeHistory } from './change-history.ts'
import { type ChangeRecord, recordBytes } from './change-record.ts'
import type { LostRange, SlowPolicy, WatchRequest } from './watch-messages.ts'

/** What one batch may hold, and how many records are looked at for it. */
const BATCH_RECORDS = 256
const BATCH_BYTES = 256 * 1024
const LOOK_MAX = 2048

/** What a watcher is given at a time. */
export interface TakenBatch {
  readonly lost: LostRange | undefined
  readonly records: readonly ChangeRecord[]
  /** Up to where records were looked at; undefined: to the end. */
  readonly upTo: number | undefined
}

/** One watcher. */
export class Watcher {
  readonly id: number
  readonly filter: ChangeFilter
  /** Records at or below it do not concern the watcher. */
  readonly start: number
  readonly #queueMax: number
  readonly #policy: SlowPolicy
  readonly #values: boolean
  /** The first record that was not looked at; counts only while something waits. */
  #next: number
  /** Records that wait for it. */
  #waiting = 0
  /** It began in the past: what waits is not counted before it has come to the present. */
  #isCatchingUp: boolean
  #lost: LostRange | undefined
  #cutAt: LostRange | undefined
  /** The revision up to which somebody wants to know that all is told; 0: nobody. */
  wanted = 0
  /** Tells its stream to look again. */
  wake: () => void = () => {}

  constructor(id: number, request: WatchRequest, start: number, history: ChangeHistory) {
    this.id = id
    this.filter = new ChangeFilter(request.filter)
    this.start = start
    this.#queueMax = request.queueMax
    this.#policy = request.whenSlow
    this.#values = request.values
    this.#isCatchingUp = request.since !== undefined
    this.#next = this.#isCatchingUp ? history.after(start) : history.next
  }

  /** Whether there is something to take, or to tell. */
  get isReady(): boolean {
    return this.#waiting > 0 || this.#isCatchingUp || this.#lost !== undefined || this.#cutAt !== undefined
  }

  /** A record was added that concerns it. */
  onAdded(number: number, history: ChangeHistory): void {
    if (this.#isCatchingUp || this.#cutAt !== undefined || history.at(number).revision <= this.start) return
    if (this.#waiting === 0) this.#next = number
    this.#waiting++
    if (this.#waiting > this.#queueMax) this.#dropOldest(history)
    this.wake()
  }

  /** A record leaves the history. */
  onDropped(number: number, record: ChangeRecord): void {
    if (number < this.#next || (this.#waiting === 0 && !this.#isCatchingUp)) return
    this.#next = number + 1
    if (!this.#concerns(record)) return
    if (!this.#isCatchingUp) this.#waiting--
    this.lose(record.revision, record.revision)
    this.wake()
  }

  /** Changes were lost that may have concerned it. */
  lose(from: number, to: number): void {
    const known = this.#policy === 'cut' ? this.#cutAt : this.#lost
    const range = known ? { from: Math.min(known.from, from), to: Math.max(known.to, to) } : { from, to }
    if (this.#policy === 'drop') this.#lost = range
    else {
      this.#cutAt = range
      this.#waiting = 0
      this.#isCatchingUp = false
    }
  }

  /** What is next. @throws SHL_WATCH_SLOW */
  take(history: ChangeHistory): TakenBatch {
    if (this.#cutAt !== undefined) {
      throw new ShardloomError('SHL_WATCH_SLOW', { ...this.#cutAt, queueMax: this.#queueMax })
    }
    const lost = this.#lost
    this.#lost = undefined
    const records: ChangeRecord[] = []
    if (this.#waiting === 0 && !this.#isCatchingUp) return { lost, records, upTo: undefined }
    let bytes = 0
    const end = Math.min(history.next, this.#next + LOOK_MAX)
    while (this.#next < end && records.length < BATCH_RECORDS && bytes < BATCH_BYTES) {
      if (this.#waiting === 0 && !this.#isCatchingUp) break
      const record = history.at(this.#next++)
      if (!this.#concerns(record)) continue
      this.#waiting--
      records.push(this.#told(record))
      bytes += recordBytes(record)
    }
    const isAtEnd = this.#next === history.next
    if (this.#isCatchingUp) this.#waiting = 0
    if (isAtEnd) this.#isCatchingUp = false
    const hasAll = isAtEnd || (!this.#isCatchingUp && this.#waiting === 0)
    return { lost, records, upTo: hasAll ? undefined : history.at(this.#next - 1).revision }
  }

  #dropOldest(history: ChangeHistory): void {
    for (;;) {
      const record = history.at(this.#next++)
      if (!this.#concerns(record)) continue
      this.#waiting--
      return this.lose(record.revision, record.revision)
    }
  }

  #concerns({ revision, changes }: ChangeRecord): boolean {
    return revision > this.start && changes.some((change) => this.filter.matches(change))
  }

  #told(record: ChangeRecord): ChangeRecord {
    let changes = this.filter.of(record.changes)
    if (!this.#values && changes.some(({ value }) => value !== undefined)) {
      changes = changes.map(({ db, key, event, type }) => ({ db, key, event, type }))
    }
    return { ...record, changes }
  }
}

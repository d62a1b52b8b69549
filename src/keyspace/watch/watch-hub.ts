/**
 * The watchers of one shard: records its commits while anybody watches, and serves each watcher's stream.
 *
 *     commit ──► in its turn? ──► history ──► watchers that it concerns are woken, and take from the history
 *                    │ no: a transaction holds keys, whose revision may be below
 *                    └──► held back until it has ended
 *
 * Revisions of a shard's own commits grow. A transaction over several shards commits at a revision that was
 * drawn before, when it held its keys on all of them; what was committed here meanwhile may be above it, and
 * waits. All that comes later is above the revision that was the newest when the transaction's turn came (its
 * floor).
 *
 * Recording begins with the first watch and goes on for a time after the last one, so that a watcher may come
 * back; before, commits cost nothing, and the engine's fast path is open. A command that was split over
 * shards before recording began, and whose parts have a revision each, is not recorded: it was under way when
 * the watch began.
 *
 * Keys that move to another shard need nothing here. A watcher has a stream of every shard; each change is
 * committed, at a revision of its own, by the one shard that owns the key at that time; and copies of keys
 * that the shard does not own, on their way in or out, are left out.
 *
 * Invariants: (1) a watcher is told of every change that concerns it, in order, or that it lost some; (2)
 * memory is bounded by the limits, whatever watchers do.
 * Cost: none while nobody watches; then a record per commit, and a filter per watcher that names patterns.
 * Tests: test/keyspace/watch/watch-hub.test.ts, test/keyspace/watch/keyspace-watch.prop.test.ts
 */
import { addAbortListener, type Clock, type TimerHandle } from '../../base/index.ts'
import type { ByteString, Commit, Database } from '../engine/index.ts'
import { ChangeHistory, type HistoryLimits } from './change-history.ts'
import { type ChangeRecord, recordBytes, recordOf } from './change-record.ts'
import type { CommitFeed } from './commit-feed.ts'
import { FilterIndex } from './filter-index.ts'
import type { ProgressRequest, WatchItem, WatchRequest } from './watch-messages.ts'
import { Watcher } from './watcher.ts'

/** However little history is asked for: watchers that are there read from it as well. */
const RECORDS_MIN = 1024
const BYTES_MIN = 1024 * 1024

/** What a hub needs of its shard. */
export interface WatchHubParts {
  readonly feed: CommitFeed
  readonly clock: Clock
  readonly limits: HistoryLimits
  /** How long recording goes on when nobody watches any more. */
  readonly keepMs: number
  database(index: number): Database
  /** The newest revision that was drawn anywhere. */
  revision(): number
  /** Revisions that are still to be committed here are above it; Infinity: above the newest. */
  floor(): number
  /** Transactions that have begun here. */
  transactions(): Iterable<number>
  owns(key: ByteString): boolean
  /** Tells the other shards whether this one records. */
  onRecording(isRecording: boolean): void
}

/** What there is while recording. */
interface Recording {
  readonly history: ChangeHistory
  /** The newest revision when it began: what was drawn before is not recorded. */
  readonly start: number
  /** Transactions that had begun before. */
  readonly before: ReadonlySet<number>
  readonly stop: () => void
}

/** The watchers of a shard. */
export class WatchHub {
  readonly #parts: WatchHubParts
  readonly #limits: HistoryLimits
  #recording: Recording | undefined
  readonly #watchers = new Map<number, Watcher>()
  readonly #index = new FilterIndex<Watcher>()
  /** Committed out of turn, in the order of revisions. */
  readonly #held: ChangeRecord[] = []
  #heldBytes = 0
  /** What is at or below was let out. */
  #letOut = 0
  #lastId = 0
  #hasValues = false
  /** Values are recorded above this revision. */
  #valuesFrom = 0
  #timer: TimerHandle | undefined

  constructor(parts: WatchHubParts) {
    this.#parts = parts
    const { recordsMax, bytesMax } = parts.limits
    this.#limits = {
      recordsMax: Math.max(recordsMax, RECORDS_MIN),
      bytesMax: Math.max(bytesMax, BYTES_MIN),
    }
  }

  get watcherCount(): number {
    return this.#watchers.size
  }

  /** Undefined while nothing is recorded. */
  get history(): ChangeHistory | undefined {
    return this.#recording?.history
  }

  /** A watcher's stream. It begins when it is first asked for an item; `signal` ends its waits. */
  async *watch(request: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchItem, void> {
    const { history } = this.#record()
    if (request.values && !this.#hasValues) {
      this.#hasValues = true
      this.#valuesFrom = this.#parts.revision()
    }
    const now = this.#parts.revision()
    const { since } = request
    const start = since ?? now
    const oldest = request.values ? Math.max(history.compactedAt, this.#valuesFrom) : history.compactedAt
    // A revision that was not drawn yet is one of another life: what was changed since nobody knows.
    const isCompacted = since !== undefined && (since < oldest || since > now)
    const id = ++this.#lastId
    const watcher = new Watcher(id, request, start, history)
    if (!isCompacted) this.#add(watcher)
    try {
      yield { type: 'open', id, start, oldest, isCompacted }
      while (!isCompacted && !signal.aborted) {
        if (watcher.isReady || this.#owesProgress(watcher)) yield this.#batch(watcher)
        else await this.#wait(watcher, signal)
      }
    } finally {
      this.#remove(watcher)
    }
  }

  /** Somebody waits for a watcher's progress: a batch is to follow in its stream. */
  progress({ id, revision }: ProgressRequest): void {
    const watcher = this.#watchers.get(id)
    if (watcher === undefined) return
    watcher.wanted = Math.max(watcher.wanted, revision)
    if (this.#owesProgress(watcher)) watcher.wake()
  }

  /** A transaction has ended here: what was held back for it may go on. */
  afterTransaction(): void {
    if (this.#recording === undefined) return
    this.#letHeldOut()
    for (const watcher of this.#watchers.values()) if (this.#owesProgress(watcher)) watcher.wake()
  }

  /** Forgets everything. */
  close(): void {
    this.#timer?.cancel()
    this.#stopRecording()
  }

  /** Nothing at or below this revision will be added any more. */
  #through(): number {
    return Math.min(this.#parts.revision(), this.#parts.floor())
  }

  #owesProgress({ wanted }: Watcher): boolean {
    return wanted > 0 && this.#through() >= wanted
  }

  #batch(watcher: Watcher): WatchItem {
    const { history } = this.#record()
    const { lost, records, upTo } = watcher.take(history)
    const through = upTo ?? this.#through()
    if (through >= watcher.wanted) watcher.wanted = 0
    return { type: 'batch', ...(lost && { lost }), records, through }
  }

  #wait(watcher: Watcher, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        forget()
        watcher.wake = () => {}
        resolve()
      }
      const forget = addAbortListener(signal, wake)
      watcher.wake = wake
    })
  }

  #add(watcher: Watcher): void {
    this.#watchers.set(watcher.id, watcher)
    this.#index.add(watcher)
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher.id)
    this.#index.delete(watcher)
    if (this.#watchers.size === 0 && this.#recording !== undefined) this.#endLater()
  }

  /** Nobody watches: recording ends when nobody comes back. */
  #endLater(): void {
    if (this.#timer !== undefined) return
    const { clock, keepMs } = this.#parts
    this.#timer = clock.after(keepMs, () => this.#stopRecording(), { unref: true })
  }

  /**
   * Begins to record with what a replay of the log has come by, values too, so that watchers of the last
   * process may come back. When none does, it ends as it does after the last watcher.
   */
  restore(compactedAt: number, records: readonly ChangeRecord[]): void {
    if (this.#recording !== undefined || this.#parts.keepMs === 0) return
    const { history } = this.#record(compactedAt)
    for (const record of records) history.add(record)
    this.#hasValues = true
    this.#valuesFrom = compactedAt
    this.#endLater()
  }

  #record(compactedAt?: number): Recording {
    if (this.#recording !== undefined) return this.#recording
    const { feed, revision, transactions, onRecording } = this.#parts
    // First this: a command that is split from now on has one revision for all its parts.
    onRecording(true)
    const before = new Set(transactions())
    const start = revision()
    const history = new ChangeHistory(compactedAt ?? start, this.#limits, (number, record) => {
      for (const watcher of this.#watchers.values()) watcher.onDropped(number, record)
    })
    this.#letOut = start
    const stop = feed.add((commit) => this.#onCommit(commit))
    this.#recording = { history, start, before, stop }
    return this.#recording
  }

  #stopRecording(): void {
    this.#timer = undefined
    if (this.#recording === undefined) return
    this.#recording.stop()
    this.#recording = undefined
    this.#held.length = 0
    this.#heldBytes = 0
    this.#hasValues = false
    this.#parts.onRecording(false)
  }

  #onCommit(commit: Commit): void {
    const { owns, floor } = this.#parts
    const { before, start } = this.#recording as Recording
    const { part, revision } = commit
    if (revision <= start) return
    if (part !== undefined && !part.isOneRevision && before.has(part.tx)) return
    const record = recordOf(commit, this.#parts, this.#hasValues, owns)
    if (record === undefined) return
    if (this.#held.length === 0 && record.revision <= floor()) return this.#admit(record)
    this.#hold(record)
    const { recordsMax, bytesMax } = this.#limits
    if (this.#held.length > recordsMax || this.#heldBytes > bytesMax) this.#loseHeld()
    else this.#letHeldOut()
  }

  #hold(record: ChangeRecord): void {
    const held = this.#held
    let at = held.length
    while (at > 0 && (held[at - 1] as ChangeRecord).revision > record.revision) at--
    const before = held[at - 1]
    // A transaction may commit in steps here, all at its revision, while it holds its keys.
    if (before?.revision === record.revision) {
      held[at - 1] = { ...before, changes: [...before.changes, ...record.changes] }
    } else held.splice(at, 0, record)
    this.#heldBytes += recordBytes(record)
  }

  #letHeldOut(): void {
    const held = this.#held
    if (held.length === 0) return
    const floor = this.#parts.floor()
    let count = 0
    while (count < held.length && (held[count] as ChangeRecord).revision <= floor) {
      this.#admit(held[count++] as ChangeRecord)
    }
    if (count === 0) return
    held.splice(0, count)
    this.#heldBytes = held.reduce((bytes, record) => bytes + recordBytes(record), 0)
  }

  #admit(record: ChangeRecord): void {
    // The rest of what was lost together with what it was held back for.
    if (record.revision <= this.#letOut) return this.#lose(record.revision, record.revision)
    this.#letOut = record.revision
    const { history } = this.#recording as Recording
    const number = history.add(record)
    for (const watcher of this.#index.concerned(record.changes)) watcher.onAdded(number, history)
  }

  /** A transaction takes so long that what is held back for it has become too much. */
  #loseHeld(): void {
    const from = (this.#held[0] as ChangeRecord).revision
    const to = (this.#held.at(-1) as ChangeRecord).revision
    this.#held.length = 0
    this.#heldBytes = 0
    this.#letOut = to
    this.#lose(from, to)
  }

  #lose(from: number, to: number): void {
    const { history } = this.#recording as Recording
    history.clear(to)
    for (const watcher of this.#watchers.values()) {
      watcher.lose(from, to)
      watcher.wake()
    }
  }
}

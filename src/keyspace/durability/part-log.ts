/**
 * A shard's parts in transactions over several shards, in its log: all of a transaction is there after a
 * crash, or nothing of it.
 *
 *     every shard that changes        coordinator            every shard that changes
 *     prepared, synced           ──►  decided, synced   ──►  true in memory, concluded; its keys are free
 *
 * Two-phase commit, with the keys held until the decision is on the disk. So whatever is logged after
 * `concluded` depends on a decision that no crash can take back, and whatever is before it depends on
 * nothing of this transaction. After a crash a part that is prepared and not concluded is in doubt: it is
 * applied when some shard's log has the decision, and forgotten otherwise.
 *
 * Memory is not ahead of the decision, so that a shard that is lost before it ends a transaction without a
 * change, and that nobody reads what a crash takes back. A part is made true and concluded in one turn of the
 * event loop: an expiry or an eviction of one of its keys is before both or behind both.
 *
 * A part that will never be is concluded, too, as given up, so that nobody is ever asked for its outcome
 * again. That needs no sync: who asks again is told the same, since whoever could have decided it has not.
 *
 *     payload of concluded    nothing: the part is true · 1: it was given up
 *
 * These syncs are made whatever the durability: with less, one shard could keep, after a power cut, what was
 * built on a transaction that another one has lost.
 *
 * Whoever outlives a coordinator that had decided so in shared memory decides in its own log (`Participant`):
 * a decision counts wherever it is, and so does a part that was made true, should the log have failed that
 * the decision went to. Both are carried over by snapshots, since others may still ask.
 *
 * Writer: the shard. Tests: test/keyspace/durability/part-log.test.ts,
 * transactions.crash.test.ts, recovery.prop.test.ts
 * Source: Gray and Lamport, "Consensus on transaction commit" (2006), on two-phase commit.
 */
import {
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  type LogRecord,
  type LogWriter,
  type RecordFields,
  type RecordSink,
} from '../../storage/index.ts'

import type { Commit, KeyChange } from '../engine/index.ts'
import { writeCommit } from './commit-payload.ts'
import { Decisions } from './decisions.ts'

const NO_PARTICIPANTS: readonly number[] = []
/** The payload of a conclusion that says that the part will never be. */
const GIVEN_UP = 1

/** Whether a record says that a part will never be. */
export function isGivenUp({ kind, payload }: Pick<LogRecord, 'kind' | 'payload'>): boolean {
  return kind === KIND_CONCLUDED && payload[0] === GIVEN_UP
}

/** The parts of one shard, by the revision of their transaction. */
export class PartLog {
  readonly #log: LogWriter
  /** Parts that are prepared and not concluded: the keys that they change. */
  readonly #open = new Map<number, readonly KeyChange[]>()
  readonly #decided = new Decisions()
  /** Transactions that are coordinated here, and not decided yet. */
  readonly #undecided = new Set<number>()
  #waiting: { readonly isOver: () => boolean; readonly resolve: () => void }[] = []

  constructor(log: LogWriter) {
    this.#log = log
  }

  /** What this log had decided before this process began. */
  restore(decided: readonly number[]): void {
    for (const revision of decided) this.#decided.add(revision)
  }

  /** Logs the decisions again: what is before this is about to be removed, and others may still ask. */
  carryOver(atMs: number): void {
    for (const revision of this.#decided) {
      this.#append({ kind: KIND_DECIDED, revision, atMs, participants: NO_PARTICIPANTS })
    }
  }

  /** Logs what a transaction will do here. `participants`: the shards that it changes, ascending. */
  prepare(
    { revision, atMs, effects, changes }: Commit,
    participants: readonly number[] = NO_PARTICIPANTS,
  ): void {
    this.#append({ kind: KIND_PREPARED, revision, atMs, participants }, (sink) =>
      writeCommit(sink, { effects, changes }),
    )
    this.#open.set(revision, changes)
  }

  /** A transaction is coordinated here; it ends by `decide` or `giveUp`. */
  begin(revision: number): void {
    this.#undecided.add(revision)
  }

  /**
   * Logs that a transaction is to be, and resolves when no crash can take that back. @throws SHL_LOG_FAILED,
   * when nobody knows whether it was logged: it must be made true all the same
   */
  async decide(
    revision: number,
    atMs: number,
    participants: readonly number[] = NO_PARTICIPANTS,
  ): Promise<void> {
    this.#append({ kind: KIND_DECIDED, revision, atMs, participants })
    this.#decided.add(revision)
    try {
      await this.synced()
    } finally {
      this.#undecided.delete(revision)
      this.#wake()
    }
  }

  /** A transaction that is coordinated here will not be. */
  giveUp(revision: number): void {
    this.#undecided.delete(revision)
    this.#wake()
  }

  /** Logs that a part is true here. The keys that it has changed; undefined: there is none. */
  conclude(revision: number, atMs: number): readonly KeyChange[] | undefined {
    return this.#end(revision, atMs, true)
  }

  /** Logs that a part will never be. The keys that it would have changed. */
  forget(revision: number, atMs: number): readonly KeyChange[] | undefined {
    return this.#end(revision, atMs, false)
  }

  /** The same for one that was prepared before this process began. */
  endRestored(revision: number, atMs: number, isTrue: boolean): void {
    const fields = { kind: KIND_CONCLUDED, revision, atMs, participants: NO_PARTICIPANTS }
    this.#append(fields, isTrue ? undefined : (sink) => sink.number(GIVEN_UP))
  }

  /** Whether some part that is not concluded changes a key. */
  holds(db: number, key: string): boolean {
    for (const changes of this.#open.values()) {
      if (changes.some((change) => change.db === db && change.key === key)) return true
    }
    return false
  }

  /** Whether some part that is not concluded is over all keys. */
  get hasWhole(): boolean {
    for (const changes of this.#open.values()) if (changes.some(({ key }) => key === '')) return true
    return false
  }

  /** Resolves when the parts that are open now are concluded, or will never be. */
  allConcluded(): Promise<void> {
    const now = [...this.#open.keys()]
    return this.#when(() => !now.some((revision) => this.#open.has(revision)))
  }

  /** Whether a transaction was decided, as far as this shard knows, when it is over here. */
  async outcomeOf(revision: number): Promise<boolean> {
    await this.#when(() => !this.#undecided.has(revision) && !this.#open.has(revision))
    return this.#decided.has(revision)
  }

  /** Resolves when what is logged by now is on the disk. @throws SHL_LOG_FAILED */
  async synced(): Promise<void> {
    // What was appended after it failed is nowhere.
    if (this.#log.failure !== undefined) throw this.#log.failure
    await this.#log.reached('fsync', this.#log.appended)
  }

  #when(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve()
    return new Promise((resolve) => void this.#waiting.push({ isOver, resolve }))
  }

  #wake(): void {
    if (this.#waiting.length === 0) return
    const over = this.#waiting.filter(({ isOver }) => isOver())
    this.#waiting = this.#waiting.filter((one) => !over.includes(one))
    for (const { resolve } of over) resolve()
  }

  #end(revision: number, atMs: number, isTrue: boolean): readonly KeyChange[] | undefined {
    const changes = this.#open.get(revision)
    if (changes === undefined) return undefined
    this.endRestored(revision, atMs, isTrue)
    if (isTrue) this.#decided.add(revision)
    this.#open.delete(revision)
    this.#wake()
    return changes
  }

  #append(fields: RecordFields, write?: (sink: RecordSink) => void): void {
    if (this.#log.failure !== undefined) return
    const sink = this.#log.begin(fields.participants.length)
    write?.(sink)
    this.#log.append(fields)
  }
}

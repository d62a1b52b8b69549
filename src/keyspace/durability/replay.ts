/**
 * Replays a log into an engine: commits as what they did, snapshots as the keys that they hold.
 *
 *     segment … begin  state  commit  state  commit  end  commit  commit …
 *                └── a snapshot, while commits go on ──┘
 *
 * A snapshot is a walk over all keys that writes each as it is then, between the commits that happen
 * meanwhile. Whoever begins to read at its begin finds commits on keys that have not come yet. What these
 * make of them is replaced when the key comes. At the end of the walk every key is as it was: a key that had
 * come was exact from then on. A command that reads one key to write another is followed by the state of what
 * it has written, and one that has removed a key by that (`Snapshotter`): a key that is gone does not come.
 * So within the walk that a replay begins with a command may fail, and nowhere else.
 *
 * Time stands still at the time of each commit: a key that has expired since must not be missing when a later
 * commit, made when it was alive, changes it.
 *
 * Tests: test/keyspace/durability/replay.test.ts, recovery.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import {
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SLOTS,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  type LogRecord,
} from '../../storage/index.ts'
import {
  type Caller,
  type Commit,
  type Effect,
  ErrorReply,
  hotSet,
  type KeyChange,
  type PlainSetListener,
  type ShardEngine,
  type TransactionPart,
} from '../engine/index.ts'
import { findPlainSet, PayloadReader, readCommit } from './commit-payload.ts'
import { Decisions } from './decisions.ts'
import { isGivenUp } from './part-log.ts'
import { type ReplayedShard, SlotReplay } from './slot-log.ts'
import { findPlainState, type PlainStatePlace, putStateValue } from './state-value.ts'

/** What a replay needs of the shard that it fills. */
export interface ReplayTarget extends ReplayedShard {
  readonly engine: ShardEngine
  /** The engine's wall clock stands at this time from now on; undefined: it runs again. */
  setTime(atMs: number | undefined): void
}

/** What a replay has seen. */
export interface ReplayReport {
  commits: number
  states: number
  revision: number
  atMs: number
}

/** Who wants to know what has happened, for those who watched. */
export interface PastCommits {
  /** Changes up to this revision are not told. */
  forget(revision: number): void
  commit(commit: Commit): void
  /** A SET in database 0 of a string that never expires: key and value are these bytes. */
  readonly plainSet: PlainSetListener
}

const OF_SEVERAL_SHARDS: TransactionPart = { tx: 0, isOneRevision: true }

interface Prepared {
  readonly effects: Effect[]
  readonly changes: KeyChange[]
  readonly revision: number
  readonly atMs: number
  readonly offset: number
}

/** Runs the records of one log, in their order. */
export class Replay {
  readonly report: ReplayReport = { commits: 0, states: 0, revision: 0, atMs: 0 }
  readonly #target: ReplayTarget
  readonly #callers: Caller[] = []
  /** Parts that are not concluded, by the revision of their transaction. */
  readonly #prepared = new Map<number, Prepared>()
  readonly #decided = new Decisions()
  readonly #slots: SlotReplay
  #past: PastCommits | undefined
  readonly #place: PlainStatePlace = {
    keyOffset: 0,
    keyLength: 0,
    valueOffset: 0,
    valueLength: 0,
    revision: 0,
  }
  /** Keys of the snapshot that it began with are still to come. */
  #isInWalk = false

  constructor(target: ReplayTarget) {
    this.#target = target
    this.#slots = new SlotReplay(target)
  }

  /** One record. @throws SHL_LOG_DAMAGED when a command fails that had not failed before */
  take(record: LogRecord): void {
    const { kind, revision, atMs } = record
    const { report } = this
    if (revision > report.revision) report.revision = revision
    if (atMs > report.atMs) report.atMs = atMs
    if (kind === KIND_COMMIT) this.#commit(record)
    else if (kind === KIND_PREPARED) this.#prepare(record)
    else if (kind === KIND_DECIDED) this.#decided.add(revision)
    else if (isGivenUp(record)) this.#prepared.delete(revision)
    else if (kind === KIND_CONCLUDED) this.#conclude(revision)
    else if (kind === KIND_STATE) this.#state(record)
    else if (kind === KIND_SLOTS) this.#moved(record)
    // Whoever comes from before it has all keys already.
    else if (kind === KIND_SNAPSHOT_BEGIN) this.#isInWalk = report.commits === 0 && report.states === 0
    else if (kind === KIND_SNAPSHOT_END) {
      // What the keys were in the middle of a walk is not known.
      if (this.#isInWalk) this.#past?.forget(revision)
      this.#isInWalk = false
    }
  }

  /** The clock runs again. */
  end(): ReplayReport {
    this.#target.setTime(undefined)
    return this.report
  }

  /** Transactions that this log has decided. */
  get decided(): readonly number[] {
    return [...this.#decided]
  }

  /** Transactions of which a part is prepared here, and not concluded. */
  get inDoubt(): readonly number[] {
    return [...this.#prepared.keys()]
  }

  /** What the log says of slots that were moved. */
  get slots(): SlotReplay['claims'] {
    return this.#slots.claims
  }

  /** Makes those parts true that were decided, and forgets the rest. Those that were made true. */
  resolve(decided: ReadonlySet<number>): readonly number[] {
    const found = this.inDoubt.filter((revision) => decided.has(revision)).sort((a, b) => a - b)
    const { engine } = this.#target
    // Its records are in the log already: nobody is to log it again.
    for (const revision of found) engine.capture(() => this.#conclude(revision))
    this.#prepared.clear()
    this.#target.setTime(undefined)
    return found
  }

  /**
   * From here on `past` is told of every commit that stands, and of the revision behind which it knows all.
   */
  remember(past: PastCommits): void {
    this.#past = past
    past.forget(this.report.revision)
  }

  #commit(record: LogRecord): void {
    const { bytes, revision, atMs } = record
    if (findPlainSet(bytes, record.payloadOffset, record.payloadEnd, this.#place)) {
      const { engine } = this.#target
      const { keyOffset, keyLength, valueOffset, valueLength } = this.#place
      this.#target.setTime(atMs)
      const isHot =
        engine.beginHot() && hotSet(engine, bytes, keyOffset, keyLength, valueOffset, valueLength, revision)
      if (isHot) {
        this.report.commits++
        const past = this.#isInWalk ? undefined : this.#past
        past?.plainSet(bytes, keyOffset, keyLength, valueOffset, valueLength, revision)
        return
      }
    }
    this.#run(readCommit(record.payload), record)
  }

  #moved(record: LogRecord): void {
    this.#target.setTime(record.atMs)
    this.#slots.take(record)
  }

  #prepare({ payload, revision, atMs, offset }: LogRecord): void {
    const { effects, changes } = readCommit(payload)
    const known = this.#prepared.get(revision)
    if (known === undefined) this.#prepared.set(revision, { effects, changes, revision, atMs, offset })
    else {
      known.effects.push(...effects)
      known.changes.push(...changes)
    }
  }

  #conclude(revision: number): void {
    // Somebody had decided it, in whatever log.
    this.#decided.add(revision)
    const part = this.#prepared.get(revision)
    // Without a part: it was prepared before the walk began, and the keys follow.
    if (part === undefined) return
    this.#prepared.delete(revision)
    this.#run(part, part, OF_SEVERAL_SHARDS)
  }

  #run(
    { effects, changes }: Pick<Commit, 'effects' | 'changes'>,
    { revision, atMs, offset }: Pick<LogRecord, 'revision' | 'atMs' | 'offset'>,
    part?: TransactionPart,
  ): void {
    const { engine } = this.#target
    this.#target.setTime(atMs)
    this.report.commits++
    engine.atomically(() => {
      for (const { db, argv } of effects) {
        const reply = engine.execute(this.#caller(db), argv)
        if (!(reply instanceof ErrorReply) || this.#isInWalk) continue
        const reason = `the command ${String(argv[0])} of revision ${revision} fails: ${reply.message}`
        throw new ShardloomError('SHL_LOG_DAMAGED', { file: 'the log', offset, reason })
      }
    }, revision)
    // What watchers were told then, whatever it takes to do it once more.
    if (!this.#isInWalk) this.#past?.commit({ revision, atMs, effects, changes, ...(part && { part }) })
  }

  #state(record: LogRecord): void {
    const { bytes, revision, atMs } = record
    const { engine } = this.#target
    const place = this.#place
    this.#target.setTime(atMs)
    this.report.states++
    if (findPlainState(bytes, record.payloadOffset, record.payloadEnd, place) && engine.beginHot()) {
      const { keyOffset, keyLength, valueOffset, valueLength, revision: keyRevision } = place
      if (hotSet(engine, bytes, keyOffset, keyLength, valueOffset, valueLength, keyRevision)) return
    }
    const { payload } = record
    const reader = new PayloadReader(payload)
    const db = reader.number()
    const key = reader.text()
    const expireAt = reader.number()
    const keyRevision = reader.number()
    const valueOffset = reader.block()
    const value = payload.subarray(valueOffset, valueOffset + reader.blockLength)
    engine.atomically(() => putStateValue(engine.database(db), key, value, expireAt, keyRevision), revision)
  }

  #caller(db: number): Caller {
    this.#callers[db] ??= { id: 'replay', resp: 2, db, isReplay: true }
    return this.#callers[db]
  }
}

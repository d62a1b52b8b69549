/**
 * Snapshots of one shard: a walk over its keys, in slices, which writes each of them into the log.
 *
 * A snapshot is no copy of one moment. It is a stretch of the log that holds all keys, each as it was when
 * the walk came by, between the commits that went on meanwhile; what is at its end is exact (`replay.ts` says
 * why). So nothing is copied on write, no memory is doubled, nobody is paused: a slice takes as long as the
 * setting says, and while there are callers they have three times as long before the next one. When the end
 * is synced, the segments before the begin are removed.
 *
 *     next segment · begin · decisions · slots · locks · keys of each database, by hash · end · sync
 *
 * While the walk goes on, a command that has read other keys than the one that it changed is followed by the
 * state of each key that it changed: whoever reads the log from the begin may not have the others yet. A
 * command that has removed a key is followed by that in any case: what it did to what had come of the key by
 * then may leave something, and the key will not come.
 *
 * Keys of transactions that are not concluded are left out until they are, or are given up; the walk ends
 * after that.
 *
 * On a full disk it is given up: what is there of it is no harm, and it would wait with all that is behind
 * it.
 *
 * A value that is longer than a slice is written whole, since its commits could not be told from its parts.
 *
 * Writer: the shard. Tests: test/keyspace/durability/snapshotter.test.ts, recovery.prop.test.ts
 */
import { type Clock, ShardloomError, type TimerHandle } from '../../base/index.ts'
import {
  KIND_COMMIT,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  type RecordFields,
} from '../../storage/index.ts'
import {
  type ByteString,
  type Commit,
  type KeyChange,
  lockEffects,
  type ShardEngine,
} from '../engine/index.ts'
import { writeCommit } from './commit-payload.ts'
import type { ShardJournal } from './shard-journal.ts'
import type { SlotLog } from './slot-log.ts'
import { writeStateValue } from './state-value.ts'

/** Keys between two looks at the clock. */
const KEYS_PER_LOOK = 16
/** Between two looks at whether the disk is full, while a write waits. */
const LOOK_MS = 50
/** So many times as long as a slice has taken it waits for the next one, while there are callers. */
const REST_SLICES = 3

/** What a snapshotter needs of its shard. */
export interface SnapshotShard {
  readonly engine: ShardEngine
  readonly journal: ShardJournal
  readonly slots: SlotLog
  readonly clock: Clock
  /** The longest stretch, in milliseconds. */
  readonly sliceMs: number
  revision(): number
  wallMs(): number
  /** Whether an effect may have read other keys than those that it changed. */
  hasSeveralKeys(name: string): boolean
  /** Commands that the shard has run so far. */
  commands(): number
  /** Slots are about to be handed over: their locks are on their way. */
  isFreezing(): boolean
  /** Resolves when others have had their turn. */
  breathe(): Promise<void>
}

/** What a snapshot has done. */
export interface SnapshotReport {
  readonly keys: number
  readonly bytes: number
  readonly ms: number
  /** Segments that were removed. */
  readonly removed: number
}

/** Makes the snapshots of one shard, one at a time. */
export class Snapshotter {
  readonly #shard: SnapshotShard
  #running: Promise<SnapshotReport> | undefined
  #isWalking = false
  #keys = 0
  #isClosed = false

  constructor(shard: SnapshotShard) {
    this.#shard = shard
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** A snapshot; when one is being made, that one. @throws SHL_LOG_FAILED, SHL_DISK_FULL */
  run(): Promise<SnapshotReport> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      this.#isWalking = false
    })
    return this.#running
  }

  close(): void {
    this.#isClosed = true
  }

  /** A commit was appended: what a walk has to add to it. */
  onCommit({ effects, changes, part }: Commit): void {
    if (!this.#isWalking || part?.isLogged === true) return
    const isPlain = effects.every(({ argv }) => !this.#shard.hasSeveralKeys(String(argv[0])))
    for (const { db, key } of keysIn(changes)) this.#writeKey(db, key, isPlain)
  }

  /** Part of a transaction over several shards is true here, or never will be: what a walk has to add. */
  onConcluded(changes: readonly KeyChange[]): void {
    if (!this.#isWalking) return
    for (const { db, key } of keysIn(changes)) this.#writeKey(db, key)
  }

  async #run(): Promise<SnapshotReport> {
    const { engine, journal, clock } = this.#shard
    const { log } = journal
    // It would take the room that is kept for what is under way, and then wait, with all that is behind it.
    if (log.isFull) throw fullDisk()
    const startMs = clock.nowMs()
    // Their locks are neither here nor there; but if nothing comes of it they are here.
    while (this.#shard.isFreezing()) await this.#shard.breathe()
    const first = log.nextSegment()
    const begin = log.appended
    this.#keys = 0
    this.#mark(KIND_SNAPSHOT_BEGIN)
    this.#isWalking = true
    journal.parts.carryOver(this.#shard.wallMs())
    this.#shard.slots.carryOver()
    this.#writeLocks()
    for (const database of engine.openDatabases()) {
      let cursor = 0
      do {
        // It may have exchanged databases.
        while (journal.parts.hasWhole) await journal.parts.allConcluded()
        const beginMs = clock.nowMs()
        const endMs = beginMs + this.#shard.sliceMs
        const before = this.#shard.commands()
        do {
          cursor = this.#walk(database.id, cursor)
        } while (cursor !== 0 && clock.nowMs() < endMs)
        const tookMs = clock.nowMs() - beginMs
        await this.#shard.breathe()
        if (this.#shard.commands() !== before) await this.#rest(REST_SLICES * tookMs)
        if (this.#isClosed || log.failure !== undefined) return this.#report(startMs, begin, 0)
        await this.#written()
      } while (cursor !== 0)
    }
    // What they have left out has been written then, also of those that were prepared before it began.
    await journal.parts.allConcluded()
    if (this.#isClosed || log.failure !== undefined) return this.#report(startMs, begin, 0)
    this.#isWalking = false
    this.#mark(KIND_SNAPSHOT_END)
    await log.reached('fsync', log.appended)
    return this.#report(startMs, begin, await log.removeBefore(first))
  }

  /** Callers have the most of the time: with every second turn a busy shard would not keep up. */
  #rest(ms: number): Promise<void> | undefined {
    if (ms === 0) return undefined
    return new Promise((resolve) => void this.#shard.clock.after(ms, resolve, { unref: true }))
  }

  /** The disk sets the pace: what waits to be written stays small. @throws SHL_DISK_FULL, SHL_LOG_FAILED */
  async #written(): Promise<void> {
    const { journal, clock } = this.#shard
    const { log } = journal
    let isWritten = false
    const reached = Promise.resolve(log.reached('os', log.appended)).then(() => {
      isWritten = true
    })
    while (!isWritten) {
      if (log.isFull) {
        reached.catch(() => undefined)
        throw fullDisk()
      }
      let timer: TimerHandle | undefined
      const look = new Promise<void>((resolve) => {
        timer = clock.after(LOOK_MS, resolve, { unref: true })
      })
      await Promise.race([reached, look]).finally(() => timer?.cancel())
    }
  }

  #report(startMs: number, begin: number, removed: number): SnapshotReport {
    const { journal, clock } = this.#shard
    return { keys: this.#keys, bytes: journal.log.appended - begin, ms: clock.nowMs() - startMs, removed }
  }

  /** Some keys of a database; where to go on. */
  #walk(id: number, cursor: number): number {
    const { engine, journal } = this.#shard
    const database = engine.databaseWithId(id)!
    const found: ByteString[] = []
    const next = engine.atomically(() =>
      database.scanAll(cursor, KEYS_PER_LOOK, (key) => void found.push(key)),
    )
    for (const key of found) {
      // Not yet true: it is written when it is.
      if (!journal.parts.holds(database.index, key)) this.#writeKey(database.index, key)
    }
    return next
  }

  /** With `onlyGone`, nothing unless there is no such key. */
  #writeKey(db: number, key: ByteString, onlyGone = false): void {
    const { engine, journal } = this.#shard
    const database = engine.database(db)
    const { touches } = database
    // Nobody has used it: it is as likely to be evicted as before.
    database.touches = false
    // If its time has come that is logged first.
    const isThere = engine.atomically(() => database.exists(key))
    engine.atomically(() => {
      if (onlyGone && isThere) return
      const sink = journal.log.begin()
      sink.number(db)
      sink.block(key)
      sink.number(database.expireAt(key) ?? 0)
      sink.number(database.revisionOf(key) ?? 0)
      writeStateValue(sink, database, key)
      journal.log.append(this.#fields(KIND_STATE))
      if (isThere) this.#keys++
    })
    database.touches = touches
  }

  /** Locks are few: all at once. */
  #writeLocks(): void {
    const { engine, journal } = this.#shard
    const effects = lockEffects(engine.locks).map((argv) => ({ db: 0, argv }))
    writeCommit(journal.log.begin(), { effects, changes: [] })
    journal.log.append(this.#fields(KIND_COMMIT))
  }

  #mark(kind: number): void {
    this.#shard.journal.log.begin()
    this.#shard.journal.log.append(this.#fields(kind))
  }

  #fields(kind: number): RecordFields {
    return { kind, revision: this.#shard.revision(), atMs: this.#shard.wallMs(), participants: [] }
  }
}

function fullDisk(): ShardloomError {
  return new ShardloomError('SHL_DISK_FULL', { what: 'the snapshot' })
}

/** The keys of changes, each once. */
function keysIn(changes: readonly KeyChange[]): Iterable<{ readonly db: number; readonly key: ByteString }> {
  const byName = new Map<string, { db: number; key: ByteString }>()
  // An event of a whole database names no key.
  for (const { db, key } of changes) if (key !== '') byName.set(`${db}:${key}`, { db, key })
  return byName.values()
}

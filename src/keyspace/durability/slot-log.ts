/**
 * What a shard logs of slots that move, and what it makes of that when it replays its log.
 *
 * Keys that come in are no commits: nobody watches them, and nobody may see them yet. They are logged as they
 * are, each with the revision that it has; those that are gone, as gone. Locks log themselves. The log sets
 * the pace: a giver is answered when its keys are written, and the last time when they are synced.
 *
 * A shard removes keys that are not its own any more without a word in the log. So a replay may have some
 * that the shard had not: they are foreign, and go when everything is known; and before the slots come back,
 * since the keys that were deleted elsewhere meanwhile do not.
 *
 * Writer: the shard. Tests: test/keyspace/durability/slot-log.test.ts, slot-moves.crash.test.ts
 */
import { KIND_SLOTS, type LogRecord, type LogWriter } from '../../storage/index.ts'
import { type ByteString, dropLocks, type Guest, type ShardEngine } from '../engine/index.ts'
import type { PayloadReader } from './commit-payload.ts'
import {
  type ClaimedSlots,
  readSlotRecord,
  SLOTS_KEY,
  type SlotClaim,
  SlotClaims,
  writeClaim,
} from './slot-claims.ts'
import { putStateValue } from './state-value.ts'

const NO_PARTICIPANTS: readonly number[] = []
const GONE = new Uint8Array()
/** Keys that one step of a walk looks at. */
const SCAN_KEYS = 1024

/** What a slot log needs of its shard. */
export interface SlotLogShard {
  readonly id: number
  revision(): number
  wallMs(): number
}

/** The slots in the log of one shard. */
export class SlotLog {
  readonly claims: SlotClaims
  readonly #log: LogWriter
  readonly #shard: SlotLogShard

  constructor(log: LogWriter, shard: SlotLogShard, claims: SlotClaims = new SlotClaims()) {
    this.#log = log
    this.#shard = shard
    this.claims = claims
  }

  /** Slots begin to come in; nothing of them is here. */
  coming(from: number, slots: readonly number[]): void {
    this.#claim({ type: 'coming', shard: from, epoch: 0, slots })
  }

  /** A key of theirs, as it is. */
  key({ db, key, payload, expireAt, revision }: Guest): void {
    if (this.#log.failure !== undefined) return
    const sink = this.#log.begin()
    sink.number(SLOTS_KEY)
    sink.number(db)
    sink.block(key)
    sink.number(expireAt)
    sink.number(revision)
    sink.block(payload ?? GONE)
    // A key that is gone has none: it is gone now, and not since ever.
    this.#append(payload === null ? this.#shard.revision() : revision)
  }

  /** Slots are another shard's from now on, when this is synced. */
  given(to: number, slots: readonly number[], epoch: number): void {
    this.#claim({ type: 'given', shard: to, epoch, slots })
  }

  /** Slots are this shard's. */
  taken(slots: readonly number[], epoch: number): void {
    this.#claim({ type: 'taken', shard: this.#shard.id, epoch, slots })
  }

  /** Says everything again: what is before this is about to be removed. */
  carryOver(): void {
    for (const claim of this.claims.all()) this.#write(claim, true)
  }

  /** Resolves when what is logged by now is written. @throws SHL_LOG_FAILED */
  async written(): Promise<void> {
    await this.#reached('os')
  }

  /** Resolves when it is on the disk. @throws SHL_LOG_FAILED */
  async synced(): Promise<void> {
    await this.#reached('fsync')
  }

  async #reached(level: 'os' | 'fsync'): Promise<void> {
    // What was appended after it failed is nowhere.
    if (this.#log.failure !== undefined) throw this.#log.failure
    await this.#log.reached(level, this.#log.appended)
  }

  #claim({ slots, ...claim }: ClaimedSlots): void {
    this.claims.set(slots, claim)
    this.#write({ ...claim, slots }, false)
  }

  #write(claim: ClaimedSlots, isCarriedOver: boolean): void {
    if (this.#log.failure !== undefined) return
    writeClaim(this.#log.begin(), claim, isCarriedOver)
    this.#append(claim.type === 'coming' ? this.#shard.revision() : claim.epoch)
  }

  #append(revision: number): void {
    this.#log.append({
      kind: KIND_SLOTS,
      revision,
      atMs: this.#shard.wallMs(),
      participants: NO_PARTICIPANTS,
    })
  }
}

/** The shard that a log is replayed into. */
export interface ReplayedShard {
  readonly id: number
  readonly engine: ShardEngine
  /** The hash slot of a key. */
  slotOf(key: ByteString): number
}

/** Replays what `SlotLog` has written. */
export class SlotReplay {
  readonly claims: SlotClaims = new SlotClaims()
  readonly #shard: ReplayedShard

  constructor(shard: ReplayedShard) {
    this.#shard = shard
  }

  /** One record. The clock of the engine stands at its time. */
  take({ payload, revision }: LogRecord): void {
    const record = readSlotRecord(payload, this.#shard.id)
    if (record.type === 'key') {
      putKey(this.#shard.engine, record.reader, revision)
      return
    }
    const { type, shard, slots, isClearing } = record
    if (isClearing) this.#clear(slots)
    const claim: SlotClaim = { type, shard, epoch: type === 'coming' ? 0 : revision }
    this.claims.set(slots, claim)
  }

  #clear(slots: readonly number[]): void {
    // Of other slots nothing can be here. Moves are many, and a look at all keys is long.
    const old = new Set(slots.filter((slot) => this.claims.has(slot)))
    if (old.size > 0) clearKeys(this.#shard.engine, (key) => old.has(this.#shard.slotOf(key)))
  }
}

/** Makes a key what a record of the log says: behind its type, or the whole payload of a `state` record. */
function putKey(engine: ShardEngine, reader: PayloadReader, revision: number): void {
  const db = reader.number()
  const key = reader.text()
  const expireAt = reader.number()
  const keyRevision = reader.number()
  const value = reader.bytes()
  engine.capture(() => putStateValue(engine.database(db), key, value, expireAt, keyRevision), revision)
}

function clearKeys(engine: ShardEngine, isTheirs: (key: ByteString) => boolean): void {
  dropLocks(engine.locks, isTheirs)
  for (const database of engine.openDatabases()) {
    let cursor = 0
    do {
      const found: ByteString[] = []
      engine.capture(() => {
        cursor = database.scanAll(cursor, SCAN_KEYS, (key) => {
          if (isTheirs(key)) found.push(key)
        })
        for (const key of found) database.delete(key)
      })
    } while (cursor !== 0)
  }
}

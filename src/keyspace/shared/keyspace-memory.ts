/**
 * What every thread sees of a keyspace without a message: which shard owns a slot, where its actor lives, and
 * the counters that order what shards do.
 *
 *     words (Int32)     0 shard count · 1 epoch of the slot map · 2 shards that are watched · 3 shards that
 *                        slots were dealt to
 *     wide  (BigInt64)  0 newest revision · 1 latest wall clock · 2 newest fencing token · 3 transaction ids
 *     shards            per shard 8 words: thread, slot, generation of its actor, incarnation, tables, life,
 *                        millionths of its log that are replayed, whether it is above its ceiling
 *     slots (Uint16)    16,384: the shard that owns each hash slot
 *     decisions (Int64) per shard 256: transactions it has decided to commit, that are not applied yet
 *
 * Writer: the address of a shard, by its keeper on the main thread; its word `tables`, by the shard itself; a
 * slot's word, by the shard that owns the slot; counters, by any thread with atomic additions.
 * Readers: any thread.
 * Invariants: (1) counters only grow; (2) the epoch is unsettled before a slot changes, and another behind
 * it; (3) an actor's address is written before its incarnation, and read after it.
 * Cost: drawing a revision is one atomic addition (some 60 ns for 64 bits); shards draw one per batch.
 * Tests: test/keyspace/shared/keyspace-memory.test.ts
 */
import { HASH_SLOTS } from '../hash-slot.ts'

const WORDS = 8
const WIDE = 4
const SHARD_WORDS = 8
export const SHARDS_MAX = 1024

/** In the low bits of the epoch: how many shards give a slot away just now. */
const GIVEN = 1024
/** A slot is just being given: no epoch is like it. */
export const UNSETTLED = -1

const WORD_SHARDS = 0
const WORD_EPOCH = 1
const WORD_WATCHED = 2
const WORD_DEALT = 3
const WIDE_REVISION = 0
const WIDE_WALL = 1
const WIDE_TOKEN = 2
const WIDE_TRANSACTION = 3

const SHARD_THREAD = 0
const SHARD_SLOT = 1
const SHARD_GENERATION = 2
const SHARD_INCARNATION = 3
const SHARD_TABLES = 4
const SHARD_LIFE = 5
const SHARD_PROGRESS = 6
const SHARD_FULL = 7

const MILLION = 1_000_000

const WIDE_OFFSET = WORDS * 4
const SHARDS_OFFSET = WIDE_OFFSET + WIDE * 8
const SLOTS_OFFSET = SHARDS_OFFSET + SHARDS_MAX * SHARD_WORDS * 4
const DECISIONS_OFFSET = SLOTS_OFFSET + HASH_SLOTS * 2
const DECISIONS = 256

/** Where a shard's actor lives. */
export interface ShardAddress {
  readonly thread: number
  readonly slot: number
  readonly generation: number
  /** Grows with each start of the shard; 0: it never ran. */
  readonly incarnation: number
}

/** One keyspace's shared words, seen from any thread. */
export class KeyspaceMemory {
  readonly buffer: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #wide: BigInt64Array<SharedArrayBuffer>
  readonly #shards: Int32Array<SharedArrayBuffer>
  readonly #slots: Uint16Array<SharedArrayBuffer>
  readonly #decisions: BigInt64Array<SharedArrayBuffer>
  readonly shardCount: number
  /** The latest time that this thread has published or seen. */
  #wallMs = 0

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.#words = new Int32Array(buffer, 0, WORDS)
    this.#wide = new BigInt64Array(buffer, WIDE_OFFSET, WIDE)
    this.#shards = new Int32Array(buffer, SHARDS_OFFSET, SHARDS_MAX * SHARD_WORDS)
    this.#slots = new Uint16Array(buffer, SLOTS_OFFSET, HASH_SLOTS)
    this.shardCount = Atomics.load(this.#words, WORD_SHARDS)
    this.#decisions = new BigInt64Array(buffer, DECISIONS_OFFSET)
  }

  /**
   * A new keyspace whose slots are dealt out evenly, in ranges, over all shards or over the first `dealt`.
   */
  static allocate(shardCount: number, dealt: number = shardCount): KeyspaceMemory {
    const buffer = new SharedArrayBuffer(DECISIONS_OFFSET + shardCount * DECISIONS * 8)
    Atomics.store(new Int32Array(buffer), WORD_SHARDS, shardCount)
    Atomics.store(new Int32Array(buffer), WORD_DEALT, dealt)
    const memory = new KeyspaceMemory(buffer)
    for (let slot = 0; slot < HASH_SLOTS; slot++) {
      Atomics.store(memory.#slots, slot, dealtTo(slot, dealt))
    }
    return memory
  }

  /** The shard that owns a slot. */
  ownerOf(slot: number): number {
    return Atomics.load(this.#slots, slot)
  }

  /**
   * Gives a slot to another shard; the shard that owns it alone. Who finds the new owner finds afterwards
   * another epoch than whoever found the old one had before, however many slots are given at a time.
   */
  setOwner(slot: number, shard: number): void {
    Atomics.add(this.#words, WORD_EPOCH, 1)
    Atomics.store(this.#slots, slot, shard)
    Atomics.add(this.#words, WORD_EPOCH, GIVEN - 1)
  }

  /** Whether some slot is not where it was dealt. */
  get hasMovedSlots(): boolean {
    const dealt = Atomics.load(this.#words, WORD_DEALT)
    for (let slot = 0; slot < HASH_SLOTS; slot++) {
      if (this.ownerOf(slot) !== dealtTo(slot, dealt)) return true
    }
    return false
  }

  /** Changes with the slot map: read it after an owner, and compare it with `settledEpoch`. */
  get epoch(): number {
    return Atomics.load(this.#words, WORD_EPOCH)
  }

  /** The same to be kept: read it before an owner. UNSETTLED while it changes. */
  get settledEpoch(): number {
    const { epoch } = this
    return (epoch & (GIVEN - 1)) === 0 ? epoch : UNSETTLED
  }

  /** Where a shard lives; undefined before it has ever run. */
  addressOf(shard: number): ShardAddress | undefined {
    const at = shard * SHARD_WORDS
    for (;;) {
      const incarnation = Atomics.load(this.#shards, at + SHARD_INCARNATION)
      if (incarnation === 0) return undefined
      // Odd: being written, a few stores long.
      if (incarnation % 2 === 1) continue
      const thread = Atomics.load(this.#shards, at + SHARD_THREAD)
      const slot = Atomics.load(this.#shards, at + SHARD_SLOT)
      const generation = Atomics.load(this.#shards, at + SHARD_GENERATION)
      if (Atomics.load(this.#shards, at + SHARD_INCARNATION) === incarnation) {
        return { thread, slot, generation, incarnation }
      }
    }
  }

  /** Grows whenever a shard was started anew. */
  incarnationOf(shard: number): number {
    return Atomics.load(this.#shards, shard * SHARD_WORDS + SHARD_INCARNATION)
  }

  /** A shard's actor has started. Main thread only. */
  setAddress(shard: number, address: { thread: number; slot: number; generation: number }): void {
    const at = shard * SHARD_WORDS
    const next = Atomics.load(this.#shards, at + SHARD_INCARNATION) + 1
    // A seqlock: a reader that finds it odd, or changed afterwards, reads again.
    Atomics.store(this.#shards, at + SHARD_INCARNATION, next)
    Atomics.store(this.#shards, at + SHARD_THREAD, address.thread)
    Atomics.store(this.#shards, at + SHARD_SLOT, address.slot)
    Atomics.store(this.#shards, at + SHARD_GENERATION, address.generation)
    Atomics.store(this.#shards, at + SHARD_INCARNATION, next + 1)
  }

  /** How often a shard was started; it is set before it is, and who lives an earlier life writes no more. */
  lifeOf(shard: number): number {
    return Atomics.load(this.#shards, shard * SHARD_WORDS + SHARD_LIFE)
  }

  /** Main thread only. */
  setLife(shard: number, life: number): void {
    Atomics.store(this.#shards, shard * SHARD_WORDS + SHARD_LIFE, life)
  }

  /** How much of its log a shard has replayed: 0 to 1. */
  progressOf(shard: number): number {
    return Atomics.load(this.#shards, shard * SHARD_WORDS + SHARD_PROGRESS) / MILLION
  }

  /** The shard alone. */
  setProgress(shard: number, fraction: number): void {
    Atomics.store(this.#shards, shard * SHARD_WORDS + SHARD_PROGRESS, Math.floor(fraction * MILLION))
  }

  /** Whether a shard held more than it may when it last looked; it may find something to throw out. */
  isFull(shard: number): boolean {
    return Atomics.load(this.#shards, shard * SHARD_WORDS + SHARD_FULL) === 1
  }

  /** Whether some shard did. */
  get isAnyFull(): boolean {
    for (let shard = 0; shard < this.shardCount; shard++) if (this.isFull(shard)) return true
    return false
  }

  /** The shard alone. */
  setFull(shard: number, isFull: boolean): void {
    Atomics.store(this.#shards, shard * SHARD_WORDS + SHARD_FULL, isFull ? 1 : 0)
  }

  /** Grows whenever the memory that readers look into is another one. */
  tablesOf(shard: number): number {
    return Atomics.load(this.#shards, shard * SHARD_WORDS + SHARD_TABLES)
  }

  /** The shard has another table from now on: its number. The shard alone. */
  nextTables(shard: number): number {
    return Atomics.add(this.#shards, shard * SHARD_WORDS + SHARD_TABLES, 1) + 1
  }

  /** Whether some shard records its changes for watchers. */
  get isWatched(): boolean {
    return Atomics.load(this.#words, WORD_WATCHED) > 0
  }

  /**
   * One more shard does, or one less with -1. One that is lost meanwhile stays counted: see the coordinator.
   */
  addWatched(shards: 1 | -1): void {
    Atomics.add(this.#words, WORD_WATCHED, shards)
  }

  /** Draws `count` revisions: the first of them. All are above what was drawn before, by any thread. */
  drawRevisions(count: number): number {
    return Number(Atomics.add(this.#wide, WIDE_REVISION, BigInt(count))) + 1
  }

  /** The newest revision that was drawn. */
  get revision(): number {
    return Number(Atomics.load(this.#wide, WIDE_REVISION))
  }

  /** No revision from now on is at or below `floor`. */
  raiseRevision(floor: number): void {
    this.#raise(WIDE_REVISION, floor)
  }

  /** Draws a transaction id, above all before it. */
  drawTransaction(): number {
    return Number(Atomics.add(this.#wide, WIDE_TRANSACTION, 1n)) + 1
  }

  /**
   * A coordinator has decided: from now on the transaction is to be applied, whoever is lost. Returns what
   * `forgetDecision` takes; undefined when too many are under way.
   */
  decide(shard: number, tx: number): number | undefined {
    for (let at = shard * DECISIONS; at < (shard + 1) * DECISIONS; at++) {
      if (Atomics.compareExchange(this.#decisions, at, 0n, BigInt(tx)) === 0n) return at
    }
    return undefined
  }

  /** It is applied everywhere. With `tx`: unless another one stands there by now. */
  forgetDecision(at: number, tx?: number): void {
    if (tx === undefined) Atomics.store(this.#decisions, at, 0n)
    else Atomics.compareExchange(this.#decisions, at, BigInt(tx), 0n)
  }

  /** What a coordinator has decided and not forgotten: where it stands, and which transactions. */
  decisionsOf(shard: number): [at: number, tx: number][] {
    const found: [number, number][] = []
    for (let at = shard * DECISIONS; at < (shard + 1) * DECISIONS; at++) {
      const tx = Number(Atomics.load(this.#decisions, at))
      if (tx !== 0) found.push([at, tx])
    }
    return found
  }

  /** Whether a coordinator had decided to commit. */
  isDecided(shard: number, tx: number): boolean {
    for (let at = shard * DECISIONS; at < (shard + 1) * DECISIONS; at++) {
      if (Atomics.load(this.#decisions, at) === BigInt(tx)) return true
    }
    return false
  }

  /** The newest token that was drawn. */
  get token(): number {
    return Number(Atomics.load(this.#wide, WIDE_TOKEN))
  }

  /** No token from now on is at or below `floor`. */
  raiseToken(floor: number): void {
    this.#raise(WIDE_TOKEN, floor)
  }

  /** Draws a fencing token, above all before it. */
  drawToken(): number {
    return Number(Atomics.add(this.#wide, WIDE_TOKEN, 1n)) + 1
  }

  /**
   * The wall clock, which never goes backwards on any thread: a time that one thread has acted upon is past
   * for all. `machineMs` is what the machine's clock says.
   */
  wallMs(machineMs: number): number {
    if (machineMs > this.#wallMs) {
      this.#wallMs = machineMs
      this.#raise(WIDE_WALL, machineMs)
    }
    const latest = Number(Atomics.load(this.#wide, WIDE_WALL))
    if (latest > this.#wallMs) this.#wallMs = latest
    return this.#wallMs
  }

  #raise(word: number, floor: number): void {
    const wanted = BigInt(floor)
    for (;;) {
      const seen = Atomics.load(this.#wide, word)
      if (seen >= wanted || Atomics.compareExchange(this.#wide, word, seen, wanted) === seen) return
    }
  }
}

/** Slots lie in ranges of equal length until they are moved. */
function dealtTo(slot: number, shards: number): number {
  return Math.floor((slot * shards) / HASH_SLOTS)
}

/**
 * Where a transaction over several shards runs before it is decided: an engine of its own, with copies of the
 * keys that it uses.
 *
 *     keys of all its shards ──► copies ──► its commands run ──► patches ──► staged, decided, applied
 *
 * The memory of a shard is read by every thread, and what was read cannot be taken back. So with a log
 * nothing is written there before no crash can undo the transaction; and nothing, with a log or without,
 * while a batch with FLUSHALL or the like goes on over many messages, since its coordinator may be lost
 * between two of them. The alternative, to run in place and to undo, shows values that never were, to
 * `getSync` and to watchers.
 *
 * Keys are copied before the commands that name them. Those that nobody names, which patterns of SORT find,
 * are copied when they are looked for. A database that was emptied or exchanged here is not yet there: each
 * knows which one it was (its base), or that nothing of that is seen any more.
 *
 * Invariants
 *   1. Nothing here is seen by anybody but the transaction, and nothing there is changed by it.
 *   2. A key is copied once: from then on the copy counts.
 *
 * Cost: a copy of each value that is used, and of each that is changed one back.
 * Tests: test/keyspace/shard/scratch.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import { KeyTableWriter, type RecordRef } from '../../memory/index.ts'
import { commandTable } from '../commands/index.ts'
import {
  type ByteString,
  type EngineStats,
  type Guest,
  guestOf,
  type KeyChange,
  type KeyPatch,
  patchesOf,
  putGuests,
  ShardEngine,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'

/** What a scratch needs of its shard. */
export interface ScratchHome {
  readonly engine: ShardEngine
  readonly settings: { readonly sliceMs: number }
  owns(slot: number): boolean
}

/** A transaction has few keys. */
const STRIPES = 64
const SEGMENT_BYTES = 1024 * 1024
/** One that has grown beyond this is not kept for the next transaction. */
const KEPT_BYTES_MAX = 8 * SEGMENT_BYTES
/** Of what is brought in, until it says its own. */
const REVISION = 1
const SWEEP_MS = 1

/** Copies of the keys of one transaction at a time. */
export class Scratch {
  readonly engine: ShardEngine
  readonly #home: ScratchHome
  /** By database: the keys that are here, or known to be missing, and whether there was one when it came. */
  readonly #known: Map<ByteString, boolean>[] = []
  /** By database: which one it is there; undefined: nothing of that is seen any more. */
  #bases: (number | undefined)[] = []
  /** What was done so far, by the names that keys have now. */
  #changes: KeyChange[] = []
  /** Of the locks that FENCED looks at. */
  readonly #tokens = new Map<string, readonly number[]>()

  constructor(home: ScratchHome) {
    this.#home = home
    const { clock, random, limits, databaseCount } = home.engine
    this.engine = new ScratchEngine(home.engine, {
      commands: commandTable,
      clock,
      random,
      limits,
      databaseCount,
      nextRevision: () => REVISION,
      makeTable: (id) => new CopyingTable((key) => this.#lookFor(id, key)),
    })
    this.#forget()
  }

  /** Whether the next transaction may have it, too. */
  get isSmall(): boolean {
    const bytes = this.engine.openDatabases().reduce((sum, { table }) => sum + table.reservedBytes, 0)
    return bytes <= KEPT_BYTES_MAX
  }

  /** Which database of the shards is seen as this one; undefined: none, it was emptied. */
  baseOf(db: number): number | undefined {
    return this.#bases[db]
  }

  /** Whether a key is here, or known to be missing: what the shards have of that name is not seen. */
  knows(db: number, key: ByteString): boolean {
    return this.#knownIn(db).has(key)
  }

  /** Keys of the base that are known. */
  baseKeysKnown(db: number): number {
    let count = 0
    for (const wasThere of this.#knownIn(db).values()) if (wasThere) count++
    return count
  }

  /** Keys that the base has not. */
  isNew(db: number, key: ByteString): boolean {
    return this.#knownIn(db).get(key) === false
  }

  /** Brings a key in, unless it is known. */
  bring(db: number, guest: Guest): void {
    if (!this.knows(db, guest.key)) this.#put(db, guest)
  }

  /** The same for a key of this shard. */
  copy(db: number, key: ByteString): void {
    this.#lookFor(this.engine.database(db).id, key)
  }

  /** Runs commands as one, at a revision. */
  run<T>(run: () => T, revision: number): T {
    const { engine } = this
    this.#makeRoom()
    engine.channels = this.#home.engine.channels
    engine.guestTokens = this.#tokens
    try {
      const { value, commit } = engine.capture(run, revision)
      // That everything was removed, or exchanged, is told by who knows which command did it.
      for (const change of commit?.changes ?? []) if (change.key !== '') this.#changes.push(change)
      return value
    } finally {
      engine.guestTokens = undefined
      this.#tellStats()
    }
  }

  /** A database was emptied here; undefined: all were. */
  onFlushed(db: number | undefined): void {
    for (let i = 0; i < this.engine.databaseCount; i++) {
      if (db !== undefined && i !== db) continue
      this.#bases[i] = undefined
      this.#known[i] = new Map()
    }
  }

  /** Two databases were exchanged here. */
  onSwapped(a: number, b: number): void {
    for (const list of [this.#bases, this.#known] as unknown[][]) [list[a], list[b]] = [list[b], list[a]]
    const swapped = new Map([
      [a, b],
      [b, a],
    ])
    this.#changes = this.#changes.map((change) => ({ ...change, db: swapped.get(change.db) ?? change.db }))
  }

  /** What has become of the keys that were changed, each once. */
  patches(): readonly KeyPatch[] {
    return this.engine.capture(() => patchesOf(this.engine, this.#changes)).value
  }

  /** The transaction is over. */
  clear(): void {
    const { engine } = this
    for (const database of engine.openDatabases()) database.clear()
    this.#forget()
    // Times at which copies would have expired.
    if (engine.hasBackgroundWork) engine.tick(SWEEP_MS)
  }

  #forget(): void {
    this.#bases = Array.from({ length: this.engine.databaseCount }, (_, db) => db)
    this.#known.length = 0
    this.#changes = []
    this.#tokens.clear()
  }

  /** A key is looked for; `id` is the number that its database was made with. */
  #lookFor(id: number, key: ByteString): void {
    const { index } = this.engine.databaseWithId(id)!
    const known = this.#knownIn(index)
    if (known.has(key)) return
    // Also while it is put here, which looks for it as well.
    known.set(key, false)
    const base = this.#bases[index]
    if (base === undefined || !this.#home.owns(hashSlotOf(key))) return
    const { engine } = this.#home
    this.#put(
      index,
      engine.atomically(() => guestOf(engine, base, key)),
    )
  }

  #put(db: number, guest: Guest): void {
    const { engine } = this
    this.#knownIn(db).set(guest.key, guest.payload !== null)
    if (guest.tokens.length > 0) this.#tokens.set(guest.key, guest.tokens)
    // Within a command, too: what is not there is not put, and the rest reports no change.
    if (guest.payload !== null) engine.atomically(() => putGuests(engine, [{ ...guest, db }]))
  }

  #knownIn(db: number): Map<ByteString, boolean> {
    this.#known[db] ??= new Map()
    return this.#known[db]
  }

  /**
   * What the transaction will take is its shard's to have: as for any command, keys are thrown out for it.
   */
  #makeRoom(): void {
    const { engine, settings } = this.#home
    const { maxBytes, policy } = engine.memory
    const { memory } = this.engine
    memory.maxBytes = maxBytes
    if (maxBytes === 0 || policy === 'noeviction') return
    const isMore = engine.usedBytes() > maxBytes && engine.tick(settings.sliceMs)
    if (isMore || engine.usedBytes() <= maxBytes) memory.maxBytes = 0
  }

  /** Its commands count as those of its shard. */
  #tellStats(): void {
    const [mine, theirs] = [this.engine.stats, this.#home.engine.stats]
    for (const name of Object.keys(mine) as (keyof EngineStats)[]) {
      // What it has changed is changed again, there.
      if (name !== 'changes') theirs[name] += mine[name]
      mine[name] = 0
    }
  }
}

/** Copies take memory that is not there for keys. */
class ScratchEngine extends ShardEngine {
  readonly #home: ShardEngine

  constructor(home: ShardEngine, options: ConstructorParameters<typeof ShardEngine>[0]) {
    super(options)
    this.#home = home
  }

  override usedBytes(): number {
    return super.usedBytes() + this.#home.usedBytes()
  }
}

/** A table that hears of each key before it is looked for. */
class CopyingTable extends KeyTableWriter {
  readonly #onFind: (key: ByteString) => void

  constructor(onFind: (key: ByteString) => void) {
    super({ stripes: STRIPES, segmentBytes: SEGMENT_BYTES })
    this.#onFind = onFind
  }

  override find(key: ByteString): RecordRef {
    this.#onFind(key)
    return super.find(key)
  }
}

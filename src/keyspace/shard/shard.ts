/**
 * A shard on its thread: an engine, the memory it publishes, and what stands between it and its callers.
 *
 *     batch ──► for each command: is the slot mine? · is a transaction in the way? · run ──► replies
 *
 * A batch is answered at once unless one of its commands has to wait for a transaction; then it is answered
 * when all have run. Replies stand in the order of the commands in any case, and two commands of one batch, or
 * of two, on the same key keep their order, because who waits stands in the same queue as who comes later.
 *
 * Writer of the table and of its own words in the shared memory; see `shared/`.
 * Cost: a SET of 64 bytes in a batch takes some 300 ns (bench/set-memory.ts).
 * Tests: test/keyspace/shard/shard.test.ts
 */
import { addAbortListener, type Clock, type Random, type TimerHandle } from '../../base/index.ts'
import { KeyTableWriter } from '../../memory/index.ts'
import type { Broadcast } from '../../transport/index.ts'
import { commandTable, readScan, scanShard } from '../commands/index.ts'
import {
  type Argument,
  BLOCKED,
  byteString,
  type Caller,
  type CommandSpec,
  ErrorReply,
  LARGE_VALUE_BYTES,
  type LaterReply,
  type Reply,
  ShardEngine,
  type Waiter,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { TablePublisher } from '../shared/table-feed.ts'
import { ShardSchedule, type TransactionId, WHOLE_SHARD } from '../transactions/index.ts'
import { MOVED, NO_SLOT, nextBytes, ReplyWriter, RequestReader } from '../wire/index.ts'
import { intentName, Participant } from './participant.ts'
import { Revisions } from './revisions.ts'
import { ShardListeners } from './shard-listeners.ts'
import type { ScanAnswer } from './shard-messages.ts'
import type { ShardSettings } from './shard-options.ts'
import type { ShardStats } from './shard-stats.ts'
import { sharedTokens } from './shared-tokens.ts'
import { SlotKeeper } from './slot-keeper.ts'
import type { ShardLoad } from './slot-messages.ts'
import type { TransactionKey } from './transaction-messages.ts'

/** What a shard is made of. */
export interface ShardParts {
  readonly id: number
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly random: Random
  readonly broadcast: Broadcast
  readonly hashSeed: readonly [number, number]
  readonly settings: ShardSettings
}

type Answer = Reply | typeof MOVED

const ROW_GET = commandTable.rows.findIndex((row) => row.name === 'get')
const ROW_SET = commandTable.rows.findIndex((row) => row.name === 'set')
/** Names of rows, as requests begin: a subcommand travels as the first argument. */
const NAMES: readonly string[] = commandTable.rows.map((row) => row.name.split('|')[0]!)
const MEMORY_DATABASE = 0
/** Expiry is looked for at most so often. */
const TICK_MS_MIN = 5
/** Batches between two looks for work that is not urgent. */
const LOOK_BATCHES = 64
/** A timer is set again only for what is sooner by more than this. */
const TICK_SLACK_MS = 1

/** One shard. */
export class Shard {
  readonly id: number
  readonly engine: ShardEngine
  readonly schedule = new ShardSchedule()
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly publisher: TablePublisher
  readonly participant: Participant
  readonly slots: SlotKeeper
  readonly listeners: ShardListeners
  /** Commands since the shard began. */
  commands = 0
  readonly settings: ShardSettings
  /** Commands per slot since the shard began, for those who balance: wraps around. */
  readonly slotLoad = new Uint32Array(16_384)
  readonly #revisions: Revisions
  readonly #hashSeed: readonly [number, number]
  /** What runs when the schedule says so: commands of this shard alone, and hops of transactions. */
  readonly #runners = new Map<TransactionId, () => void>()
  readonly #acknowledgers = new Map<TransactionId, () => void>()
  readonly #callers: Caller[] = []
  /** The slots of commands that wait for their turn; undefined: all. */
  readonly #localSlots = new Map<TransactionId, readonly number[] | undefined>()
  readonly #touchListeners = new Set<(db: number, key: string) => void>()
  #timer: TimerHandle | undefined
  #timerAtMs = Number.POSITIVE_INFINITY
  #isClosed = false
  /** About what the replies of the next batch take. */
  #replyBytes = nextBytes(0)
  #sinceLook = 0

  constructor({ id, memory, clock, random, broadcast, hashSeed, settings }: ShardParts) {
    this.#hashSeed = hashSeed
    this.id = id
    this.memory = memory
    this.clock = clock
    this.settings = settings
    this.#revisions = new Revisions(memory)
    this.publisher = new TablePublisher(id, memory, broadcast)
    this.engine = new ShardEngine({
      commands: commandTable,
      clock: { wallMs: () => memory.wallMs(clock.wallMs()), monotonicMs: () => clock.nowMs() },
      random,
      nextRevision: () => this.#revisions.next(),
      tokens: sharedTokens(memory),
      memory: { maxBytes: settings.maxBytes, policy: settings.policy, samples: settings.samples },
      makeTable: (db) => this.#makeTable(db),
    })
    this.slots = new SlotKeeper(this)
    this.participant = new Participant(this)
    this.listeners = new ShardListeners(this)
    // Readers may look for it before the first write.
    this.engine.database(MEMORY_DATABASE)
  }

  /** Runs a batch: the replies as bytes, at once or when the last of them is there. */
  run(batch: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const reader = new RequestReader(batch)
    const writer = new ReplyWriter(this.#replyBytes)
    const { engine, memory, schedule, id, slotLoad } = this
    const isOpen = schedule.size === 0
    // Counting them first would cost a pass; a batch has at most some hundred, and what is left is dropped.
    this.#revisions.begin(batch.length >> 5)
    const isHot = engine.beginHot()
    let waiting: (Answer | Promise<Answer>)[] | undefined
    while (reader.next()) {
      const { slot, row } = reader
      if (slot !== NO_SLOT) {
        if (memory.ownerOf(slot) !== id) {
          if (waiting === undefined) writer.reply(MOVED)
          else waiting.push(MOVED)
          continue
        }
        slotLoad[slot]!++
      }
      this.commands++
      if (isHot && isOpen && waiting === undefined && this.#runHot(reader, row, writer)) continue
      const answer = this.#runOne(reader)
      if (waiting !== undefined) waiting.push(answer)
      else if (answer instanceof Promise) waiting = [answer]
      else writer.reply(answer)
    }
    this.#revisions.end()
    this.afterCommands()
    if (waiting !== undefined) return finish(writer, waiting)
    const replies = writer.end()
    this.#replyBytes = nextBytes(replies.length)
    return replies
  }

  /** Runs one command that may wait for as long as it likes; `signal` ends the wait. */
  async runBlocking(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const reader = new RequestReader(request)
    const writer = new ReplyWriter()
    reader.next()
    const { slot } = reader
    const { spec, argv } = this.#requestOf(reader)
    const caller = this.callerOf(reader.db)
    const reply = await new Promise<Answer>((resolve) => {
      const start = (): void => {
        // Who ended the wait before it began has nobody to tell it that it is over.
        if (signal.aborted) return resolve(null)
        const later: LaterReply = { resolve }
        const given = spec instanceof ErrorReply ? spec : this.engine.run(spec, caller, argv, later)
        if (given !== BLOCKED) return resolve(given)
        const forget = addAbortListener(signal, () => later.cancel?.())
        later.resolve = (reply) => {
          forget()
          resolve(reply)
        }
      }
      const begin = (): void => {
        const place = spec instanceof ErrorReply ? 'here' : this.#placeOf(spec, argv, slot)
        if (place === 'elsewhere') return resolve(MOVED)
        if (place === 'frozen') return this.slots.wait(slotsIn(spec as CommandSpec, argv), begin)
        if (spec instanceof ErrorReply || !this.#isBlocked(spec, argv, caller.db)) start()
        else this.#whenFree(spec, argv, caller.db, start)
        this.afterCommands()
      }
      begin()
    })
    writer.reply(reply === SENT_AWAY ? MOVED : reply)
    return writer.take()
  }

  /** Slots have gone: who waits for their keys is told to ask there. */
  sendAway(isTheirs: (key: string) => boolean): void {
    const { blocked } = this.engine
    for (const waiter of blocked.waitersFor(isTheirs)) blocked.settle(waiter, SENT_AWAY)
  }

  /** Whether transactions, or commands that wait for one, use these slots. */
  isInUse(slots: ReadonlySet<number>): boolean {
    if (this.participant.usesSlots(slots)) return true
    for (const used of this.#localSlots.values()) {
      if (used === undefined || used.some((slot) => slots.has(slot))) return true
    }
    return false
  }

  /** Whether a transaction over all keys is under way. */
  isWholeInUse(): boolean {
    if (this.participant.hasWhole) return true
    for (const used of this.#localSlots.values()) if (used === undefined) return true
    return false
  }

  /** Calls back whenever a key is changed; with '' as the key: all of them. Returns what ends it. */
  onTouched(listener: (db: number, key: string) => void): () => void {
    const { engine } = this
    this.#touchListeners.add(listener)
    engine.onTouched = (db, key) => {
      for (const one of this.#touchListeners) one(db, key)
    }
    return () => {
      this.#touchListeners.delete(listener)
      if (this.#touchListeners.size === 0) engine.onTouched = undefined
    }
  }

  /** Resolves when others have had their turn. */
  breathe(): Promise<void> {
    return new Promise((resolve) => void this.clock.after(0, resolve, { unref: true }))
  }

  /** What this shard holds and has done. */
  stats(): ShardStats {
    const { engine } = this
    const databases = engine.openDatabases()
    const sum = (of: (db: (typeof databases)[number]) => number): number =>
      databases.reduce((total, db) => total + of(db), 0)
    const {
      keyHits: hits,
      keyMisses: misses,
      commands,
      expiredKeys,
      expiredMembers,
      evictedKeys,
    } = engine.stats
    return {
      shards: 1,
      keys: sum((db) => db.size),
      volatileKeys: sum((db) => db.volatileCount),
      usedBytes: engine.usedBytes(),
      heapBytes: sum((db) => db.heapBytes),
      reservedBytes: sum((db) => db.table.reservedBytes),
      commands,
      hits,
      misses,
      expiredKeys,
      expiredMembers,
      evictedKeys,
      blocked: engine.blocked.count,
      transactions: this.participant.count,
      locks: engine.locks.holderCount,
    }
  }

  /** How busy this shard is, with its busiest slots. */
  load(slotsMax: number): ShardLoad {
    const busiest = [...this.slotLoad.entries()]
      .filter(([slot, commands]) => commands > 0 && this.owns(slot))
      .sort(([, a], [, b]) => b - a)
      .slice(0, slotsMax)
    return {
      shard: this.id,
      commands: this.commands,
      usedBytes: this.engine.usedBytes(),
      slots: busiest.map(([slot, commands]) => ({ slot, commands })),
    }
  }

  /** One step of SCAN. */
  scan({ argv, db }: { readonly argv: readonly string[]; readonly db: number }): ScanAnswer {
    const { engine } = this
    try {
      const request = readScan(argv)
      const found = engine.atomically(() =>
        scanShard(engine.database(db), request.cursor, request.count, request),
      )
      if (!this.slots.mayHaveForeign) return found
      return { cursor: found.cursor, keys: found.keys.filter(({ key }) => !this.slots.isForeign(key)) }
    } catch (thrown) {
      if (thrown instanceof ErrorReply) return { error: [thrown.code, thrown.message] }
      throw thrown
    }
  }

  /** Resolves when one of the keys has changed, or the time is over, or nobody waits any more. */
  awaitKeys(
    {
      keys,
      db,
      timeoutMs,
    }: { readonly keys: readonly string[]; readonly db: number; readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { blocked } = this.engine
    return new Promise((resolve) => {
      const waiter: Waiter = {
        caller: this.callerOf(db),
        db,
        request: { keys, timeoutMs, serve: () => 1, onTimeout: null },
        deadlineMs: this.clock.nowMs() + timeoutMs,
        resolve: () => {
          forget()
          resolve()
        },
        isDone: false,
      }
      const forget = addAbortListener(signal, () => blocked.settle(waiter, null))
      blocked.add(waiter)
      this.#arm()
    })
  }

  /** Whether a slot is this shard's. */
  owns(slot: number): boolean {
    return this.memory.ownerOf(slot) === this.id
  }

  /** Runs commands whose keys are all here, as one: their replies as bytes. */
  runBatch(batch: Uint8Array): Uint8Array {
    const reader = new RequestReader(batch)
    const writer = new ReplyWriter()
    const { engine } = this
    engine.atomically(() => {
      while (reader.next()) {
        const { spec, argv } = this.#requestOf(reader)
        if (spec instanceof ErrorReply) writer.reply(spec)
        else writer.reply(engine.run(spec, this.callerOf(reader.db), argv) as Reply)
      }
    })
    return writer.take()
  }

  /** Runs `run` when no transaction is in the way of these keys, or of the whole shard. */
  inTurn<T>(keys: readonly TransactionKey[], isWhole: boolean, run: () => T): Promise<T> {
    const { schedule } = this
    const intents = isWhole
      ? WHOLE_SHARD
      : keys.map(({ db, key, isWritten }) => ({ key: intentName(db, key), exclusive: isWritten }))
    return new Promise((resolve, reject) => {
      const id = schedule.scheduleLocal(intents)
      this.#localSlots.set(id, isWhole ? undefined : keys.map(({ slot }) => slot))
      this.onTurn(id, () => {
        try {
          resolve(run())
        } catch (error) {
          reject(error)
        } finally {
          this.#localSlots.delete(id)
          schedule.finish(id)
          this.afterCommands()
        }
      })
      this.pump()
    })
  }

  /** A transaction has ended: whoever waited for its keys goes on. */
  afterTurn(): void {
    this.listeners.watch.afterTransaction()
    this.pump()
    this.afterCommands()
  }

  /** Who calls, for commands on a database. */
  callerOf(db: number): Caller {
    this.#callers[db] ??= { id: `shard-${this.id}`, resp: 2, db }
    return this.#callers[db]
  }

  /** Runs what the schedule lets run now; to be called after each change of it. */
  pump(): void {
    for (;;) {
      const acknowledged = this.schedule.nextAcknowledged()
      if (acknowledged !== undefined) {
        this.#acknowledgers.get(acknowledged)?.()
        this.#acknowledgers.delete(acknowledged)
        continue
      }
      const id = this.schedule.next()
      if (id === undefined) return
      const runner = this.#runners.get(id)
      this.#runners.delete(id)
      runner?.()
    }
  }

  /** Calls `run` when the transaction may run here; it must end with `schedule.finish`. */
  onTurn(id: TransactionId, run: () => void): void {
    this.#runners.set(id, run)
  }

  onAcknowledged(id: TransactionId, acknowledge: () => void): void {
    this.#acknowledgers.set(id, acknowledge)
  }

  forget(id: TransactionId): void {
    this.#runners.delete(id)
    this.#acknowledgers.delete(id)
  }

  /** To be called after anything that may have changed keys: serves who waits, and sets the timer. */
  afterCommands(): void {
    const { engine, schedule } = this
    if (engine.blocked.hasReady) {
      engine.serveBlocked((db, keys) => {
        if (this.#areFrozen(keys)) return false
        const names = schedule.size === 0 ? [] : keys.map((key) => intentName(db, key))
        return !schedule.isBlocked(names, true)
      })
    }
    this.#arm()
  }

  /** The shard is about to stop: nobody waits any longer. */
  endWaits(): void {
    const { blocked } = this.engine
    for (const waiter of blocked.waitersFor(() => true)) blocked.settle(waiter, STOPPING)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.listeners.close()
  }

  #makeTable(db: number): KeyTableWriter {
    const { segmentBytes } = this.settings
    const seed = this.#hashSeed
    if (db !== MEMORY_DATABASE) return new KeyTableWriter({ segmentBytes, seed })
    const table = new KeyTableWriter({
      segmentBytes,
      seed,
      onSegment: (id, buffer) => this.publisher.addSegment(id, buffer),
    })
    this.publisher.publish(table.directory)
    return table
  }

  /** GET and SET of plain strings, from the bytes of the batch to those of the table; false: not so simple. */
  #runHot(reader: RequestReader, row: number, writer: ReplyWriter): boolean {
    if (reader.db !== MEMORY_DATABASE) return false
    const { engine } = this
    if (row === ROW_GET && reader.argumentCount === 1) {
      const { bytes, firstOffset, firstLength } = reader
      return engine.hotGet(bytes, firstOffset, firstLength, writer)
    }
    if (row === ROW_SET && reader.argumentCount === 2) {
      const { bytes, firstOffset, firstLength, secondOffset, secondLength } = reader
      if (!engine.hotSet(bytes, firstOffset, firstLength, secondOffset, secondLength)) return false
      writer.ok()
      return true
    }
    return false
  }

  #runOne(reader: RequestReader): Answer | Promise<Answer> {
    const { spec, argv } = this.#requestOf(reader)
    if (spec instanceof ErrorReply) return spec
    return this.#runSpec(spec, argv, this.callerOf(reader.db), reader.slot)
  }

  #runSpec(
    spec: CommandSpec,
    argv: readonly Argument[],
    caller: Caller,
    slot: number,
  ): Answer | Promise<Answer> {
    const place = this.#placeOf(spec, argv, slot)
    if (place === 'elsewhere') return MOVED
    if (place === 'frozen') {
      return new Promise((resolve) => {
        this.slots.wait(slotsIn(spec, argv), () => resolve(this.#runSpec(spec, argv, caller, slot)))
      })
    }
    if (!this.#isBlocked(spec, argv, caller.db)) return this.engine.run(spec, caller, argv) as Reply
    return new Promise((resolve) => {
      this.#whenFree(spec, argv, caller.db, () => resolve(this.engine.run(spec, caller, argv) as Reply))
    })
  }

  /** Whether all keys of a command are here, and not on their way. The first one's slot is known. */
  #placeOf(spec: CommandSpec, argv: readonly Argument[], slot: number): 'here' | 'elsewhere' | 'frozen' {
    const { slots } = this
    if (slot === NO_SLOT) return 'here'
    if (!this.owns(slot)) return 'elsewhere'
    if (slots.isFrozen(slot)) return 'frozen'
    if (!hasSeveralKeys(spec)) return 'here'
    let place: 'here' | 'frozen' = 'here'
    const keys = commandTable.keysOf(spec, argv)
    if (keys.length < 2) return 'here'
    for (const { index } of keys) {
      const other = hashSlotOf(byteString(argv[index]!))
      if (!this.owns(other)) return 'elsewhere'
      if (slots.isFrozen(other)) place = 'frozen'
    }
    return place
  }

  #requestOf(reader: RequestReader): { spec: CommandSpec | ErrorReply; argv: Argument[] } {
    const argv = reader.arguments(NAMES[reader.row]!, LARGE_VALUE_BYTES)
    return { spec: commandTable.find(argv), argv }
  }

  #isBlocked(spec: CommandSpec, argv: readonly Argument[], db: number): boolean {
    const { schedule } = this
    if (schedule.size === 0) return false
    if (spec.flags.includes('all_shards')) return schedule.isBlocked(WHOLE_SHARD, true)
    const keys = commandTable.keysOf(spec, argv)
    return keys.some((use) =>
      schedule.isBlocked([intentName(use.db ?? db, byteString(argv[use.index]!))], use.isWritten),
    )
  }

  /** Runs a command of this shard alone in its turn. */
  #whenFree(spec: CommandSpec, argv: readonly Argument[], db: number, run: () => void): void {
    const intents = spec.flags.includes('all_shards')
      ? WHOLE_SHARD
      : commandTable.keysOf(spec, argv).map((use) => ({
          key: intentName(use.db ?? db, byteString(argv[use.index]!)),
          exclusive: use.isWritten,
        }))
    const id = this.schedule.scheduleLocal(intents)
    this.#localSlots.set(id, intents === WHOLE_SHARD ? undefined : slotsIn(spec, argv))
    this.onTurn(id, () => {
      try {
        run()
      } finally {
        this.#localSlots.delete(id)
        this.schedule.finish(id)
        this.afterCommands()
      }
    })
    this.pump()
  }

  #areFrozen(keys: readonly string[]): boolean {
    return this.slots.isFreezing && keys.some((key) => this.slots.isFrozen(hashSlotOf(key)))
  }

  /** Sets the timer for what is due next. */
  #arm(): void {
    const { engine, clock } = this
    let dueMs = engine.nextDeadlineMs
    const { nextExpiryMs } = engine
    if (nextExpiryMs !== Number.POSITIVE_INFINITY) {
      const inMs = Math.max(TICK_MS_MIN, nextExpiryMs - engine.clock.wallMs())
      dueMs = Math.min(dueMs, clock.nowMs() + inMs)
    }
    // What is not urgent is looked for now and then.
    if (++this.#sinceLook >= LOOK_BATCHES) {
      this.#sinceLook = 0
      if (engine.hasBackgroundWork) dueMs = Math.min(dueMs, clock.nowMs() + TICK_MS_MIN)
    }
    if (dueMs >= this.#timerAtMs - TICK_SLACK_MS || this.#isClosed) return
    this.#timer?.cancel()
    this.#timerAtMs = dueMs
    this.#timer = clock.after(Math.max(0, dueMs - clock.nowMs()), () => this.#tick(), { unref: true })
  }

  #tick(): void {
    this.#timerAtMs = Number.POSITIVE_INFINITY
    const isMore = this.engine.tick(this.settings.sliceMs)
    this.afterCommands()
    if (!isMore || this.#isClosed) return
    // Between two slices callers have their turn.
    this.#timer?.cancel()
    this.#timerAtMs = this.clock.nowMs() + 1
    this.#timer = this.clock.after(1, () => this.#tick(), { unref: true })
  }
}

/** The answer to who waits for a key that has gone elsewhere. */
const SENT_AWAY = new ErrorReply('MOVED', 'the key is on another shard')

const STOPPING = new ErrorReply('UNAVAILABLE', 'the shard is stopping')

function hasSeveralKeys({ keys, keysOf }: CommandSpec): boolean {
  if (keysOf !== undefined) return true
  return keys !== undefined && (keys.keynum !== undefined || (keys.last ?? keys.first) !== keys.first)
}

/** The slots of all keys of a command. */
function slotsIn(spec: CommandSpec, argv: readonly Argument[]): readonly number[] {
  return commandTable.keysOf(spec, argv).map(({ index }) => hashSlotOf(byteString(argv[index]!)))
}

async function finish(
  writer: ReplyWriter,
  waiting: readonly (Answer | Promise<Answer>)[],
): Promise<Uint8Array> {
  for (const answer of await Promise.all(waiting)) writer.reply(answer)
  return writer.end()
}

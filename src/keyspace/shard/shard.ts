/**
 * A shard on its thread: an engine, the memory it publishes, and what stands between it and its callers.
 *
 *     batch ──► for each command: is the slot mine? · is a transaction in the way? · run ──► replies
 *
 * A batch is answered at once, or when those of its commands that wait for a transaction have run. Replies
 * stand in the order of the commands; two for one key, in one batch or in two, keep it, too, because who
 * waits stands in the same queue as who comes later.
 *
 * Writer of the table and of its own words in the shared memory; see `shared/`.
 * Cost: a SET of 64 bytes in a batch takes some 300 ns (bench/set-memory.ts).
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { addAbortListener, type Clock } from '../../base/index.ts'
import { KeyTableWriter } from '../../memory/index.ts'
import { commandTable } from '../commands/index.ts'
import {
  type Argument,
  BLOCKED,
  type Caller,
  type CommandSpec,
  ErrorReply,
  LARGE_VALUE_BYTES,
  type LaterReply,
  NULL_ARRAY,
  type Reply,
  ShardEngine,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { TablePublisher } from '../shared/table-feed.ts'
import { type ShardSchedule, WHOLE_SHARD } from '../transactions/index.ts'
import { MOVED, NO_SLOT, ReplyWriter, RequestReader } from '../wire/index.ts'
import { Callers } from './callers.ts'
import { intentsOf, isBlockedBy, slotsIn } from './command-keys.ts'
import { MEMORY_DATABASE, runHot } from './hot-commands.ts'
import { areFrozen, placeOf } from './key-place.ts'
import { intentName, Participant } from './participant.ts'
import { Revisions } from './revisions.ts'
import { ShardDurability } from './shard-durability.ts'
import { ShardListeners } from './shard-listeners.ts'
import { memoryPolicyOf, type ShardParts, type ShardSettings } from './shard-options.ts'
import { ShardRoom } from './shard-room.ts'
import { ShardTimer } from './shard-timer.ts'
import { sharedTokens } from './shared-tokens.ts'
import { SlotKeeper } from './slot-keeper.ts'
import type { TransactionKey } from './transaction-messages.ts'
import { Turns } from './turns.ts'

type Answer = Reply | typeof MOVED

/** Names of rows, as requests begin: a subcommand travels as the first argument. */
const NAMES: readonly string[] = commandTable.rows.map((row) => row.name.split('|')[0]!)
/** One shard. */
export class Shard {
  readonly id: number
  readonly engine: ShardEngine
  readonly turns: Turns
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly publisher: TablePublisher
  readonly participant: Participant
  readonly slots: SlotKeeper
  readonly listeners: ShardListeners
  readonly durability: ShardDurability
  readonly room: ShardRoom
  /** The client whose command runs, where it is named, for those who want to know of changes by others. */
  causer = 0
  /** Commands since the shard began. */
  commands = 0
  readonly settings: ShardSettings
  readonly slotOf: (key: string) => number = hashSlotOf
  /** Commands per slot since the shard began, for those who balance: wraps around. */
  readonly slotLoad = new Uint32Array(16_384)
  readonly #revisions: Revisions
  readonly #hashSeed: readonly [number, number]
  readonly #callers: Callers
  readonly #touchListeners = new Set<(db: number, key: string) => void>()
  readonly #timer: ShardTimer
  #writer = new ReplyWriter()
  /** The wall clock stands while the log is replayed. */
  #standingMs: number | undefined

  constructor({ id, memory, clock, random, broadcast, hashSeed, settings, isWithheld }: ShardParts) {
    this.#hashSeed = hashSeed
    this.id = id
    this.#callers = new Callers(`shard-${id}`)
    this.memory = memory
    this.clock = clock
    this.settings = settings
    this.#revisions = new Revisions(memory)
    this.publisher = new TablePublisher(id, memory, broadcast)
    if (isWithheld) this.publisher.withhold()
    this.engine = new ShardEngine({
      commands: commandTable,
      clock: {
        wallMs: () => this.#standingMs ?? memory.wallMs(clock.wallMs()),
        monotonicMs: () => clock.nowMs(),
      },
      random,
      nextRevision: () => this.#revisions.next(),
      tokens: sharedTokens(memory),
      memory: memoryPolicyOf(settings),
      limits: settings.limits ?? {},
      makeTable: (db) => this.#makeTable(db),
    })
    this.turns = new Turns(() => this.afterCommands())
    this.#timer = new ShardTimer(this.engine, clock, settings.sliceMs, () => this.afterCommands())
    this.slots = new SlotKeeper(this)
    this.participant = new Participant(this)
    this.listeners = new ShardListeners(this)
    this.durability = new ShardDurability(this)
    this.room = new ShardRoom(this)
    // Readers may look for it before the first write.
    this.engine.database(MEMORY_DATABASE)
  }

  get schedule(): ShardSchedule {
    return this.turns.schedule
  }

  /** Runs a batch: the replies as bytes, at once or when the last of them is there. */
  run(batch: Uint8Array): Uint8Array | Promise<Uint8Array> {
    const reader = new RequestReader(batch, true)
    const writer = this.#writer
    // A batch that threw in its middle has left replies, which are not these callers'.
    writer.drop()
    const { engine, memory, schedule, id, slotLoad, durability } = this
    const isOpen = schedule.size === 0 && !this.slots.isFreezing
    const before = durability.appended
    let asked = 0
    let isDefault = false
    // Counting them first would cost a pass; a batch has at most some hundred, and what is left is dropped.
    this.#revisions.begin(batch.length >> 5)
    const isHot = engine.beginHot() && durability.journal?.refusal === undefined
    let waiting: (Answer | Promise<Answer>)[] | undefined
    while (reader.next()) {
      const { slot, row, level } = reader
      if (level === 0) isDefault = true
      else if (level > asked) asked = level
      if (slot !== NO_SLOT) {
        if (memory.ownerOf(slot) !== id) {
          if (waiting === undefined) writer.reply(MOVED)
          else waiting.push(MOVED)
          continue
        }
        slotLoad[slot]!++
      }
      this.commands++
      if (isHot && isOpen && waiting === undefined && runHot(engine, reader, row, writer)) continue
      const answer = this.#runOne(reader)
      if (waiting !== undefined) waiting.push(answer)
      else if (answer instanceof Promise) waiting = [answer]
      else writer.reply(answer)
    }
    this.#revisions.end()
    this.afterCommands()
    // Others are answered before: they get a writer that nothing waits in.
    if (waiting !== undefined) this.#writer = new ReplyWriter()
    const replies = waiting === undefined ? writer.take() : finish(writer, waiting)
    return durability.acknowledged(replies, before, asked, isDefault)
  }

  /** Begins a stretch of commands that come from this thread: whether `hotGet` and `hotSet` may be used. */
  beginInline(commands: number): boolean {
    this.#revisions.begin(commands)
    return this.engine.beginHot() && this.durability.journal?.refusal === undefined
  }

  /** Ends it. */
  endInline(): void {
    this.#revisions.end()
    this.afterCommands()
  }

  /** Runs one command that may wait for as long as it likes; `signal` ends the wait. */
  async runBlocking(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const reader = new RequestReader(request)
    const writer = new ReplyWriter()
    reader.next()
    const { spec, argv } = this.#requestOf(reader)
    const caller = this.callerOf(reader.db, reader.resp)
    const { durability } = this
    let before = durability.appended
    let hasWaited = false
    const reply = await new Promise<Answer>((resolve) => {
      const start = (): void => {
        // Who ended the wait before it began has nobody to tell it that it is over.
        if (signal.aborted) return resolve(null)
        before = durability.appended
        const later: LaterReply = { resolve }
        const refusal = spec instanceof ErrorReply ? spec : durability.refusalOf(spec)
        const given = refusal ?? this.engine.run(spec as CommandSpec, caller, argv, later)
        if (given !== BLOCKED) return resolve(given)
        hasWaited = true
        const forget = addAbortListener(signal, () => later.cancel?.())
        later.resolve = (reply) => {
          forget()
          resolve(reply)
        }
      }
      const begin = (): void => {
        const place = spec instanceof ErrorReply ? 'here' : placeOf(this, spec, argv, reader.slot)
        if (place === 'elsewhere') return resolve(MOVED)
        if (place === 'frozen') return this.slots.wait(slotsIn(spec as CommandSpec, argv), begin)
        if (spec instanceof ErrorReply || !isBlockedBy(this.schedule, spec, argv, caller.db)) start()
        else this.turns.whenFree(intentsOf(spec, argv, caller.db), slotsIn(spec, argv), start)
        this.afterCommands()
      }
      begin()
    })
    writer.reply(reply === SENT_AWAY ? MOVED : reply)
    // A wait that is over tells that there was nothing when it began; who is served is told something.
    const told = hasWaited && (reply === null || reply === NULL_ARRAY) ? before : undefined
    return durability.acknowledged(writer.take(), before, reader.level, reader.level === 0, told)
  }

  /** Slots have gone: who waits for their keys is told to ask there. */
  sendAway(isTheirs: (key: string) => boolean): void {
    const { blocked } = this.engine
    for (const waiter of blocked.waitersFor(isTheirs)) blocked.settle(waiter, SENT_AWAY)
  }

  /** Whether transactions, or commands that wait for one, use these slots. */
  isInUse(slots: ReadonlySet<number>): boolean {
    return this.participant.usesSlots(slots) || this.turns.usesSlots(slots)
  }

  /** Whether a transaction over all keys is under way. */
  isWholeInUse(): boolean {
    return this.participant.hasWhole || this.turns.hasWhole
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

  /** Whether a slot is this shard's. */
  owns(slot: number): boolean {
    return this.memory.ownerOf(slot) === this.id
  }

  /** Runs commands whose keys are all here, or in another engine, as one: their replies as bytes. */
  runBatch(batch: Uint8Array, engine: ShardEngine = this.engine): Uint8Array {
    const reader = new RequestReader(batch)
    const writer = new ReplyWriter()
    engine.atomically(() => {
      while (reader.next()) {
        const { spec, argv } = this.#requestOf(reader)
        if (spec instanceof ErrorReply) writer.reply(spec)
        else {
          this.causer = reader.by
          writer.reply(engine.run(spec, this.callerOf(reader.db, reader.resp), argv) as Reply)
          this.causer = 0
        }
      }
    })
    return writer.take()
  }

  /** Runs `run` when no transaction is in the way of these keys, or of the whole shard. */
  inTurn<T>(keys: readonly TransactionKey[], isWhole: boolean, run: () => T): Promise<T> {
    const intents = isWhole
      ? WHOLE_SHARD
      : keys.map(({ db, key, isWritten }) => ({ key: intentName(db, key), exclusive: isWritten }))
    return new Promise((resolve, reject) => {
      this.turns.whenFree(
        intents,
        keys.map(({ slot }) => slot),
        () => {
          try {
            resolve(run())
          } catch (error) {
            reject(error)
          }
        },
      )
    })
  }

  /** A transaction has ended: whoever waited for its keys goes on. */
  afterTurn(): void {
    this.listeners.watch.afterTransaction()
    this.turns.pump()
    this.afterCommands()
  }

  /** Who calls, for commands on a database. */
  callerOf(db: number, resp: 2 | 3 = 2): Caller {
    return this.#callers.of(db, resp)
  }

  /** To be called after anything that may have changed keys: serves who waits, and sets the timer. */
  afterCommands(): void {
    const { engine, schedule } = this
    if (engine.blocked.hasReady) {
      engine.serveBlocked((db, keys) => {
        if (areFrozen(this, keys)) return false
        const names = schedule.size === 0 ? [] : keys.map((key) => intentName(db, key))
        return !schedule.isBlocked(names, true)
      })
    }
    this.#timer.arm()
    this.room.look()
  }

  /** The shard is about to stop: nobody waits any longer. */
  endWaits(): void {
    const { blocked } = this.engine
    for (const waiter of blocked.everyone()) blocked.settle(waiter, STOPPING)
  }

  /** The engine's wall clock stands at this time; undefined: it runs. */
  setTime(atMs: number | undefined): void {
    this.#standingMs = atMs
  }

  async close(): Promise<void> {
    this.#timer.close()
    this.listeners.close()
    await this.durability.close()
  }

  #makeTable(db: number): KeyTableWriter {
    const options = { segmentBytes: this.settings.segmentBytes, seed: this.#hashSeed }
    if (db !== MEMORY_DATABASE) return new KeyTableWriter(options)
    const table = new KeyTableWriter({
      ...options,
      onSegment: (id, buffer) => this.publisher.addSegment(id, buffer),
    })
    this.publisher.publish(table.directory)
    return table
  }

  #runOne(reader: RequestReader): Answer | Promise<Answer> {
    const { spec, argv } = this.#requestOf(reader)
    if (spec instanceof ErrorReply) return spec
    this.causer = reader.by
    const answer = this.runSpec(spec, argv, this.callerOf(reader.db, reader.resp), reader.slot)
    this.causer = 0
    return answer
  }

  /** Runs one command, or when it has its turn; MOVED: its keys are elsewhere. */
  runSpec(
    spec: CommandSpec,
    argv: readonly Argument[],
    caller: Caller,
    slot: number,
  ): Answer | Promise<Answer> {
    const place = placeOf(this, spec, argv, slot)
    if (place === 'elsewhere') return MOVED
    if (place === 'frozen') {
      return new Promise((resolve) => {
        this.slots.wait(slotsIn(spec, argv), () => resolve(this.runSpec(spec, argv, caller, slot)))
      })
    }
    if (!isBlockedBy(this.schedule, spec, argv, caller.db)) return this.#runNow(spec, caller, argv)
    return new Promise((resolve) => {
      const run = (): void => resolve(this.#runNow(spec, caller, argv))
      this.turns.whenFree(intentsOf(spec, argv, caller.db), slotsIn(spec, argv), run)
    })
  }

  #runNow(spec: CommandSpec, caller: Caller, argv: readonly Argument[]): Reply {
    return this.durability.refusalOf(spec) ?? (this.engine.run(spec, caller, argv) as Reply)
  }

  #requestOf(reader: RequestReader): { spec: CommandSpec | ErrorReply; argv: Argument[] } {
    const argv = reader.arguments(NAMES[reader.row]!, LARGE_VALUE_BYTES)
    return { spec: commandTable.find(argv), argv }
  }
}

/** The answer to who waits for a key that has gone elsewhere. */
const SENT_AWAY = new ErrorReply('MOVED', 'the key is on another shard')

const STOPPING = new ErrorReply('UNAVAILABLE', 'the shard is stopping')

async function finish(
  writer: ReplyWriter,
  waiting: readonly (Answer | Promise<Answer>)[],
): Promise<Uint8Array> {
  for (const answer of await Promise.all(waiting)) writer.reply(answer)
  return writer.take()
}

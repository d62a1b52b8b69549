/**
 * One shard as a pure, synchronous machine: commands go in, replies and commits come out.
 *
 * It knows no actor, no thread and no disk: replay, model tests and benchmarks drive it directly. Time,
 * chance and revisions come by argument. What a command did leaves as a `Commit`: its effects for the log,
 * its changes for watchers and events, under one revision. Nobody who listens, no commit is built.
 *
 * Work that could take long (expiry, eviction, emptying) is done in slices by `tick`, each within a budget of
 * time that a setting names.
 *
 * Invariants
 *   1. A command runs to its end before anything else is looked at, those served after a block included.
 *   2. Within one command or transaction the wall clock stands still, and there is one revision.
 *
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Random } from '../../base/index.ts'
import { KeyTableWriter } from '../../memory/index.ts'
import { clockOfFrequency, clockOfIdle, frequency, idleMs, minutesOf } from './access-clock.ts'
import { AccessPolicy } from './access-policy.ts'
import { BackgroundWork } from './background-work.ts'
import { BlockedCallers, type Waiter } from './blocked-callers.ts'
import { type Argument, type ByteString, byteStrings } from './byte-string.ts'
import { type ChannelHost, NO_CHANNELS } from './channel-host.ts'
import { type CollectionType, VALUE_LIMITS, type ValueLimits } from './collection.ts'
import {
  type BlockRequest,
  type Call,
  type Caller,
  type CommandSpec,
  TRAIT_DENYOOM,
  TRAIT_RAW_VALUES,
  TRAIT_READONLY,
  traitsOf,
} from './command.ts'
import type { CommandTable } from './command-table.ts'
import type { Commit, Effect, KeyChange } from './commit.ts'
import { CommitRecord } from './commit-record.ts'
import { Database } from './database.ts'
import { DATABASES } from './database-index.ts'
import { EngineCall } from './engine-call.ts'
import { BLOCKED, type EngineOptions, type LaterReply, type PlainSetListener } from './engine-options.ts'
import type { EngineClock, EngineServices, EngineStats } from './engine-services.ts'
import { Evictor } from './evictor.ts'
import { ExpiryIndex } from './expiry-index.ts'
import type { DatabaseHost, KeyRecords } from './key-records.ts'
import type { LockEvent, LockHost } from './locks/lock-host.ts'
import { LockTable } from './locks/lock-table.ts'
import { MEMORY_POLICY, type MemoryPolicy } from './memory-policy.ts'
import { ErrorReply, err, OUT_OF_MEMORY, type Reply } from './reply.ts'

/** Throwing out more than so many keys for one command would hold it up; the rest goes in ticks. */
const EVICTIONS_PER_COMMAND = 32

/** One shard. */
export class ShardEngine implements EngineServices, DatabaseHost, LockHost {
  readonly clock: EngineClock
  readonly random: Random
  readonly limits: ValueLimits
  readonly databaseCount: number
  readonly memory: MemoryPolicy
  readonly commands: CommandTable
  readonly blocked = new BlockedCallers()
  readonly locks: LockTable
  readonly flights: LockTable
  readonly expiry = new ExpiryIndex()
  readonly stats: EngineStats = {
    commands: 0,
    keyHits: 0,
    keyMisses: 0,
    expiredKeys: 0,
    expiredMembers: 0,
    evictedKeys: 0,
    changes: 0,
  }
  channels: ChannelHost = NO_CHANNELS
  /** Told of every commit; undefined while nobody wants to know. */
  onCommit: ((commit: Commit) => void) | undefined
  /**
   * Told of what `hotSet` does in the place of `onCommit`, when whoever has that can do without a commit: the
   * bytes where key and value lie, and the revision.
   */
  onPlainSet: PlainSetListener | undefined
  /** Told of every key that is changed or removed, at once; undefined while nobody wants to know. */
  onTouched: ((db: number, key: ByteString) => void) | undefined
  /**
   * Told of a key that was not there before, and of a read that finds none; undefined: nobody wants to know.
   */
  onNewKey: ((db: number, key: ByteString) => void) | undefined
  onMissingKey: ((db: number, key: ByteString) => void) | undefined
  isHidden: ((key: ByteString) => boolean) | undefined
  guestTokens: ReadonlyMap<string, readonly number[]> | undefined
  nowMs: number
  /** Commands that do with the time that was taken, before it is taken anew; and how many: see `keepTime`. */
  steady = 0
  steadyMax = 0
  readonly #options: EngineOptions
  readonly #databases: (Database | undefined)[] = []
  /** Those that were ever used, without holes. */
  readonly #open: Database[] = []
  /** By the number that they were made with, which SWAPDB does not change. */
  readonly #databasesById: (Database | undefined)[] = []
  readonly #access: AccessPolicy
  readonly #evictor: Evictor
  readonly #background: BackgroundWork
  readonly #call: EngineCall
  #depth = 0
  #revision = 0
  readonly #record = new CommitRecord()
  /** Run when the commit is out. */
  #deliveries: (() => void)[] = []
  #isCapturing = false
  /** Whether the command that runs reads only: what it finds, or does not find, is counted. */
  #countsLookups = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.commands = options.commands
    this.clock = options.clock
    this.random = options.random
    this.limits = { ...VALUE_LIMITS, ...options.limits }
    this.databaseCount = options.databaseCount ?? DATABASES
    this.memory = { ...MEMORY_POLICY, ...options.memory }
    this.nowMs = options.clock.wallMs()
    this.#access = new AccessPolicy(this.memory, options.random)
    this.#evictor = new Evictor(this.memory, this.expiry, options.random)
    this.#background = new BackgroundWork(this, this.expiry, this.#evictor)
    this.#call = new EngineCall(this)
    this.locks = new LockTable(this, options.tokens === undefined ? {} : { tokens: options.tokens })
    const unlogged: LockHost = {
      monotonicMs: () => this.clock.monotonicMs(),
      logLock: () => {},
      deliver: (task) => this.deliver(task),
      atomically: (run) => this.atomically(run),
    }
    this.flights = new LockTable(unlogged, { tokens: this.locks.tokens, isReentrant: false })
  }

  database(index: number): Database {
    const found = this.#databases[index]
    if (found !== undefined) return found
    if (!(Number.isInteger(index) && index >= 0 && index < this.databaseCount)) {
      throw err('DB index is out of range')
    }
    const table = this.#options.makeTable?.(index) ?? new KeyTableWriter({})
    const made = new Database(index, table, this.expiry, this)
    this.#databases[index] = made
    this.#databasesById[made.id] = made
    this.#open.push(made)
    return made
  }

  /** A database by the number that it was made with. */
  databaseWithId(id: number): Database | undefined {
    return this.#databasesById[id]
  }

  openDatabases(): readonly Database[] {
    return this.#databases.filter((db) => db !== undefined)
  }

  swapDatabases(first: number, second: number): void {
    const [a, b] = [this.database(first), this.database(second)]
    if (a === b) return
    a.index = second
    b.index = first
    this.#databases[first] = b
    this.#databases[second] = a
    // The event names no key: any key of the two may be another one now.
    for (const db of [a, b]) this.onChanged(db, '', 'swapdb')
    for (const waiter of this.blocked.waitersFor(() => true)) {
      if (waiter.db !== first && waiter.db !== second) continue
      for (const key of waiter.request.keys) this.blocked.mark(waiter.db, key)
    }
  }

  /** Bytes of keys and values: the table's blocks, and the estimate of collections and locks. */
  usedBytes(): number {
    let bytes = this.locks.bytes + this.flights.bytes
    for (const db of this.#open) bytes += db.table.usedBytes + db.heapBytes
    return bytes
  }

  /** Whether it holds more than it may. */
  get isFull(): boolean {
    const { maxBytes } = this.memory
    return maxBytes > 0 && this.usedBytes() > maxBytes
  }

  /** Throws out what the policy allows, until there is room; false: there is none. */
  makeRoom(): boolean {
    for (let i = 0; i < EVICTIONS_PER_COMMAND; i++) {
      if (!this.isFull) return true
      if (!this.#evictor.evictOne(this.openDatabases(), this.nowMs)) return false
    }
    return true
  }

  /**
   * Runs one command to its end. A command that waits gives BLOCKED, and its reply through `later`; without
   * `later` it does not wait, as within a transaction.
   */
  execute(caller: Caller, argv: readonly Argument[], later?: LaterReply): Reply | typeof BLOCKED {
    const spec = this.commands.find(argv)
    if (spec instanceof ErrorReply) return spec
    return this.run(spec, caller, argv, later)
  }

  /** The same for a command that was looked up before. */
  run(
    spec: CommandSpec,
    caller: Caller,
    argv: readonly Argument[],
    later?: LaterReply,
  ): Reply | typeof BLOCKED {
    this.stats.commands++
    this.#begin()
    const call = this.#call
    call.begin(caller, later !== undefined)
    let reply: Reply
    try {
      reply = this.handle(spec, call, argv)
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) {
        this.#end()
        throw thrown
      }
      reply = thrown
    }
    // What it logged itself stands in the place of its arguments.
    if (call.hasChanged && !call.isLogged && this.onCommit !== undefined) {
      this.logEffect({ db: call.db.index, argv: call.logged ?? argv })
    }
    const { request } = call
    call.request = undefined
    this.#end()
    if (request === undefined || later === undefined) return reply
    this.#wait(request, caller, later)
    return BLOCKED
  }

  /**
   * A batch begins: takes the time. Whether `hotGet` and `hotSet` may be used in it, which skip what most
   * callers do not need: evictions, events of new and missing keys, and commits, which `hotSet` leaves to the
   * long way while somebody wants them.
   */
  beginHot(): boolean {
    this.nowMs = this.clock.wallMs()
    return this.memory.maxBytes === 0 && this.onNewKey === undefined && this.onMissingKey === undefined
  }

  /**
   * Runs several commands as one: one revision, one commit, nothing in between, also when some are refused.
   * The revision may be given, when it was drawn for several shards.
   */
  atomically<T>(run: () => T, revision = 0): T {
    this.#begin()
    if (revision !== 0) this.#revision = revision
    try {
      return run()
    } finally {
      this.#end()
    }
  }

  /**
   * The same, with the commit given to the caller and to nobody else. Who has waited for something that it
   * gives is told in the next command or tick, when the caller has logged it.
   */
  capture<T>(run: () => T, revision = 0): { readonly value: T; readonly commit: Commit | undefined } {
    const { onCommit } = this
    let commit: Commit | undefined
    this.onCommit = (captured) => {
      commit = captured
    }
    this.#isCapturing = true
    try {
      const value = this.atomically(run, revision)
      return { value, commit }
    } finally {
      this.#isCapturing = false
      this.onCommit = onCommit
    }
  }

  /**
   * Serves those who wait for keys that have changed, where `mayServe` allows it: a key that a transaction
   * holds is not free. It is asked for all keys that serving would touch.
   */
  serveBlocked(mayServe: (db: number, keys: readonly ByteString[]) => boolean = () => true): void {
    while (this.blocked.hasReady) {
      let hasServed = false
      for (const { db, key, waiters } of this.blocked.takeReady()) {
        for (const waiter of waiters) {
          if (!mayServe(db, [key, ...(waiter.request.touches ?? [])])) {
            // Who comes behind it must not be served first.
            this.blocked.markAgain(db, key)
            break
          }
          if (this.#serve(waiter)) hasServed = true
        }
      }
      if (!hasServed) return
    }
  }

  /**
   * Does what is due, for about `budgetMs`: keys and waits whose time has come, and memory above the ceiling.
   * Returns whether more is due at once.
   */
  tick(budgetMs: number): boolean {
    const endMs = this.clock.monotonicMs() + budgetMs
    this.blocked.expire(this.clock.monotonicMs())
    this.#deliver()
    let isMore = true
    while (isMore && this.clock.monotonicMs() < endMs) {
      isMore = this.#background.step()
    }
    return isMore
  }

  /** Monotonic time at which the next wait or lease ends, or before; Infinity when there is none. */
  get nextDeadlineMs(): number {
    if (this.#deliveries.length > 0) return this.clock.monotonicMs()
    return Math.min(this.blocked.nextDeadlineMs, this.locks.nextDueMs, this.flights.nextDueMs)
  }

  /** Whether `tick` has something to do that has no time of its own: sparse pages, stale entries. */
  get hasBackgroundWork(): boolean {
    return this.expiry.needsSweep || this.#background.wantsCompaction
  }

  /** Entries in the index of expiries, stale ones included. */
  get expirySize(): number {
    return this.expiry.size
  }

  /** Wall-clock time at which the next key expires; Infinity when none does. */
  get nextExpiryMs(): number {
    return this.memory.expiresActively ? this.expiry.nextMs() : Number.POSITIVE_INFINITY
  }

  // What databases ask.

  revision(): number {
    if (this.#revision === 0) this.#revision = this.#options.nextRevision()
    return this.#revision
  }

  drawRevision(): number {
    return this.#options.nextRevision()
  }

  onChanged(db: KeyRecords, key: ByteString, event: string): void {
    this.#record.hasChanged = true
    this.#call.hasChanged = true
    this.blocked.mark(db.index, key)
    this.onTouched?.(db.index, key)
    if (this.onCommit !== undefined) this.#record.changes.push({ db: db.index, key, event })
  }

  onRemoved(db: KeyRecords, key: ByteString, event: 'expired' | 'evicted'): void {
    if (event === 'expired') this.stats.expiredKeys++
    else this.stats.evictedKeys++
    this.#noteRemoval(db, { db: db.index, key, event }, ['DEL', key])
  }

  onMembersExpired(
    db: KeyRecords,
    key: ByteString,
    type: CollectionType,
    members: readonly ByteString[],
    isLast: boolean,
  ): void {
    this.stats.expiredMembers += members.length
    const command = type === 'hash' ? 'HDEL' : type === 'set' ? 'SREM' : 'ZREM'
    const event = type === 'hash' ? 'hexpired' : type === 'set' ? 'sexpired' : 'zexpired'
    this.#noteRemoval(db, { db: db.index, key, event }, [command, key, ...members])
    if (isLast && this.onCommit !== undefined) this.#record.changes.push({ db: db.index, key, event: 'del' })
  }

  onNew(db: KeyRecords, key: ByteString): void {
    this.onNewKey?.(db.index, key)
  }

  onLookup(db: KeyRecords, key: ByteString, isFound: boolean): void {
    if (!this.#countsLookups) return
    if (isFound) this.stats.keyHits++
    else {
      this.stats.keyMisses++
      this.onMissingKey?.(db.index, key)
    }
  }

  touched(accessClock: number): number {
    return this.#access.touched(accessClock, this.nowMs)
  }

  firstTouch(): number {
    return this.#access.first(this.nowMs)
  }

  // What locks ask.

  monotonicMs(): number {
    return this.clock.monotonicMs()
  }

  logLock(name: ByteString, argv: readonly ByteString[], event: LockEvent | undefined): void {
    this.#record.hasChanged = true
    if (this.onCommit === undefined) return
    this.#record.effects.push({ db: 0, argv })
    if (event !== undefined) this.#record.changes.push({ db: 0, key: name, event })
    if (event === 'lock') this.#record.needsSync = true
  }

  deliver(task: () => void): void {
    this.#deliveries.push(task)
  }

  /** @internal Runs a handler. @throws ErrorReply */
  handle(spec: CommandSpec, call: Call, argv: readonly Argument[]): Reply {
    // What was done once is not refused when the log is replayed, and nothing else makes room for it.
    const traits = traitsOf(spec)
    const isBounded = this.memory.maxBytes > 0 && call.caller.isReplay !== true
    if (isBounded && (traits & TRAIT_DENYOOM) !== 0 && !this.makeRoom()) throw OUT_OF_MEMORY
    const given = (traits & TRAIT_RAW_VALUES) !== 0 ? argv : byteStrings(argv)
    this.#countsLookups = (traits & TRAIT_READONLY) !== 0
    return spec.handler(call, given as readonly ByteString[])
  }

  // What handlers ask of accesses.

  idleSeconds(accessClock: number): number {
    return idleMs(accessClock, this.nowMs) / 1000
  }

  frequency(accessClock: number): number {
    return frequency(accessClock, minutesOf(this.nowMs), this.memory)
  }

  clockOfIdle(idleSeconds: number): number {
    return clockOfIdle(idleSeconds * 1000, this.nowMs)
  }

  clockOfFrequency(frequency: number): number {
    return clockOfFrequency(frequency, minutesOf(this.nowMs))
  }

  /** @internal An effect that a handler names. */
  logEffect(effect: Effect): void {
    if (this.onCommit !== undefined) this.#record.effects.push(effect)
  }

  /** Removals by the shard itself come before what the command does, and are no part of what it logs. */
  #noteRemoval(db: KeyRecords, change: KeyChange, argv: readonly Argument[]): void {
    this.#record.hasChanged = true
    this.blocked.mark(db.index, change.key)
    this.onTouched?.(db.index, change.key)
    this.revision()
    if (this.onCommit === undefined) return
    this.#record.changes.push(change)
    this.#record.effects.push({ db: db.index, argv })
  }

  #begin(): void {
    if (this.#depth++ > 0) return
    this.#countsLookups = false
    if (this.steady > 0) this.steady--
    else {
      this.nowMs = this.clock.wallMs()
      this.steady = this.steadyMax
    }
    const open = this.#open
    for (let i = 0; i < open.length; i++) open[i]!.forget()
  }

  #end(): void {
    if (--this.#depth > 0) return
    const open = this.#open
    for (let i = 0; i < open.length; i++) open[i]!.settle()
    this.#commit()
    if (!this.#isCapturing) this.#deliver()
  }

  #deliver(): void {
    if (this.#deliveries.length === 0) return
    const tasks = this.#deliveries
    this.#deliveries = []
    for (const task of tasks) task()
  }

  #commit(): void {
    const { onCommit } = this
    const record = this.#record
    if (record.hasChanged) this.stats.changes++
    if (onCommit !== undefined && record.hasChanged) {
      const commit = record.take(this.revision(), this.nowMs)
      this.#revision = 0
      onCommit(commit)
      return
    }
    record.clear()
    this.#revision = 0
  }

  #wait(request: BlockRequest, caller: Caller, later: LaterReply): void {
    const { timeoutMs, onTimeout } = request
    const deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.clock.monotonicMs() + timeoutMs
    const resolve = (reply: Reply): void => later.resolve(reply)
    const waiter: Waiter = { caller, db: caller.db, request, deadlineMs, resolve, isDone: false }
    later.cancel = () => void this.blocked.settle(waiter, onTimeout)
    this.blocked.add(waiter)
    request.onWaiting?.((reply) => void this.blocked.settle(waiter, reply))
  }

  #serve(waiter: Waiter): boolean {
    if (waiter.isDone) return false
    this.#begin()
    const call = this.#call
    call.begin(waiter.caller, false)
    let reply: Reply | undefined
    try {
      reply = waiter.request.serve(call)
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) throw thrown
      reply = thrown
    } finally {
      this.#end()
    }
    return reply !== undefined && this.blocked.settle(waiter, reply)
  }
}

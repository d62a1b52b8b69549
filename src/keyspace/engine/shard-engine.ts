/**
 * One shard as a pure, synchronous machine: commands go in, replies and commits come out.
 *
 * It knows no actor, no thread and no disk: replay, model tests and benchmarks drive it directly. Time, chance
 * and revisions come by argument. What a command did leaves as a `Commit`: its effects for the log, its changes
 * for watchers and events, under one revision. Nobody who listens, no commit is built.
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
import { AccessClock } from './access-clock.ts'
import { BlockedCallers, type Waiter } from './blocked-callers.ts'
import { type Argument, type ByteString, byteString } from './byte-string.ts'
import { type CollectionType, VALUE_LIMITS, type ValueLimits } from './collection.ts'
import type { BlockRequest, Call, Caller, CommandSpec } from './command.ts'
import type { CommandTable } from './command-table.ts'
import type { Commit, Effect, KeyChange } from './commit.ts'
import { Database, type DatabaseHost } from './database.ts'
import type { EngineClock, EngineServices, EngineStats } from './engine-services.ts'
import { Evictor } from './evictor.ts'
import { ExpiryIndex } from './expiry-index.ts'
import { MEMORY_POLICY, type MemoryPolicy } from './memory-policy.ts'
import { ErrorReply, err, OUT_OF_MEMORY, type Reply } from './reply.ts'

/** How an engine is made. */
export interface EngineOptions {
  readonly commands: CommandTable
  readonly clock: EngineClock
  readonly random: Random
  /** Draws the next revision: above all that were drawn before. */
  nextRevision(): number
  readonly databaseCount?: number
  readonly limits?: ValueLimits
  readonly memory?: Partial<MemoryPolicy>
  /** Makes the table of a database when it is first used. */
  makeTable?(db: number): KeyTableWriter
}

/** Returned by `execute` when the caller waits; the reply comes through its `resolve`. */
export const BLOCKED: unique symbol = Symbol('blocked')

const DATABASES = 16
/** Keys that one slice of expiry may take before it looks at the clock. */
const EXPIRY_BATCH = 64
/** Throwing out more than so many keys for one command would hold it up; the rest goes in ticks. */
const EVICTIONS_PER_COMMAND = 32

/** One shard. */
export class ShardEngine implements EngineServices, DatabaseHost {
  readonly clock: EngineClock
  readonly random: Random
  readonly limits: ValueLimits
  readonly databaseCount: number
  readonly memory: MemoryPolicy
  readonly commands: CommandTable
  readonly blocked = new BlockedCallers()
  readonly stats: EngineStats = {
    commands: 0,
    keyHits: 0,
    keyMisses: 0,
    expiredKeys: 0,
    expiredMembers: 0,
    evictedKeys: 0,
  }
  /** Told of every commit; undefined while nobody wants to know. */
  onCommit: ((commit: Commit) => void) | undefined
  nowMs: number
  readonly #options: EngineOptions
  readonly #databases: (Database | undefined)[] = []
  /** By the number that they were made with, which SWAPDB does not change. */
  readonly #databasesById: (Database | undefined)[] = []
  readonly #expiry = new ExpiryIndex()
  readonly #accessClock: AccessClock
  readonly #evictor: Evictor
  readonly #call: EngineCall
  #depth = 0
  #revision = 0
  #effects: Effect[] = []
  #changes: KeyChange[] = []
  #hasChanged = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.commands = options.commands
    this.clock = options.clock
    this.random = options.random
    this.limits = options.limits ?? VALUE_LIMITS
    this.databaseCount = options.databaseCount ?? DATABASES
    this.memory = { ...MEMORY_POLICY, ...options.memory }
    this.nowMs = options.clock.wallMs()
    this.#accessClock = new AccessClock(this.memory, options.random)
    this.#evictor = new Evictor(this.memory, this.#accessClock, options.random)
    this.#call = new EngineCall(this)
  }

  database(index: number): Database {
    const found = this.#databases[index]
    if (found !== undefined) return found
    if (!(Number.isInteger(index) && index >= 0 && index < this.databaseCount)) {
      throw err('DB index is out of range')
    }
    const table = this.#options.makeTable?.(index) ?? new KeyTableWriter({})
    const made = new Database(index, table, this.#expiry, this)
    this.#databases[index] = made
    this.#databasesById[made.id] = made
    return made
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

  /** Bytes of keys and values: the table's blocks, and the estimate of collections. */
  usedBytes(): number {
    let bytes = 0
    for (const db of this.#databases) if (db !== undefined) bytes += db.table.usedBytes + db.heapBytes
    return bytes
  }

  /**
   * Runs one command to its end. A command that waits gives BLOCKED, and its reply through `onReply`, unless
   * `onReply` is missing: then it does not wait, as within a transaction.
   */
  execute(
    caller: Caller,
    argv: readonly Argument[],
    onReply?: (reply: Reply) => void,
  ): Reply | typeof BLOCKED {
    const spec = this.commands.find(argv)
    if (spec instanceof ErrorReply) return spec
    return this.run(spec, caller, argv, onReply)
  }

  /** The same for a command that was looked up before. */
  run(
    spec: CommandSpec,
    caller: Caller,
    argv: readonly Argument[],
    onReply?: (reply: Reply) => void,
  ): Reply | typeof BLOCKED {
    this.stats.commands++
    this.#begin()
    const call = this.#call
    call.begin(caller, onReply !== undefined)
    let reply: Reply
    try {
      if (this.memory.maxBytes > 0 && spec.flags.includes('denyoom')) this.#makeRoom()
      const given = spec.flags.includes('rawValues') ? argv : argv.map(byteString)
      reply = spec.handler(call, given as readonly ByteString[])
    } catch (thrown) {
      if (!(thrown instanceof ErrorReply)) {
        this.#end()
        throw thrown
      }
      reply = thrown
    }
    // What it logged itself stands in the place of its arguments.
    if (call.hasChanged && !call.isLogged) this.logEffect({ db: call.db.index, argv })
    const { request } = call
    call.request = undefined
    this.#end()
    if (request === undefined || onReply === undefined) return reply
    this.#wait(request, caller, onReply)
    return BLOCKED
  }

  /**
   * Runs several commands as one: one revision, one commit, nothing in between, also when some are refused.
   */
  atomically<T>(run: () => T): T {
    this.#begin()
    try {
      return run()
    } finally {
      this.#end()
    }
  }

  /**
   * Serves those who wait for keys that have changed, where `mayServe` allows it: a key that a transaction
   * holds is not free.
   */
  serveBlocked(mayServe: (db: number, key: ByteString) => boolean = () => true): void {
    while (this.blocked.hasReady) {
      let hasServed = false
      for (const { db, key, waiters } of this.blocked.takeReady()) {
        if (!mayServe(db, key)) {
          this.blocked.markAgain(db, key)
          continue
        }
        for (const waiter of waiters) if (this.#serve(waiter)) hasServed = true
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
    let isMore = true
    while (isMore && this.clock.monotonicMs() < endMs) isMore = this.#expireSome() || this.#evictSome()
    return isMore
  }

  /** Wall-clock time at which the next key expires; Infinity when none does. */
  get nextExpiryMs(): number {
    return this.#expiry.nextMs()
  }

  // What databases ask.

  revision(): number {
    if (this.#revision === 0) this.#revision = this.#options.nextRevision()
    return this.#revision
  }

  onChanged(db: Database, key: ByteString, event: string): void {
    this.#hasChanged = true
    this.#call.hasChanged = true
    this.blocked.mark(db.index, key)
    if (this.onCommit !== undefined) this.#changes.push({ db: db.index, key, event })
  }

  onRemoved(db: Database, key: ByteString, event: 'expired' | 'evicted'): void {
    if (event === 'expired') this.stats.expiredKeys++
    else this.stats.evictedKeys++
    this.#noteRemoval(db, { db: db.index, key, event }, ['DEL', key])
  }

  onMembersExpired(
    db: Database,
    key: ByteString,
    type: CollectionType,
    members: readonly ByteString[],
  ): void {
    this.stats.expiredMembers += members.length
    const command = type === 'hash' ? 'HDEL' : type === 'set' ? 'SREM' : 'ZREM'
    const event = type === 'hash' ? 'hexpired' : type === 'set' ? 'sexpired' : 'zexpired'
    this.#noteRemoval(db, { db: db.index, key, event }, [command, key, ...members])
  }

  touched(accessClock: number): number {
    return this.#accessClock.touched(accessClock, this.nowMs)
  }

  firstTouch(): number {
    return this.#accessClock.first(this.nowMs)
  }

  // What handlers ask of accesses.

  idleSeconds(accessClock: number): number {
    return this.#access.idleSeconds(accessClock, this.nowMs)
  }

  frequency(accessClock: number): number {
    return this.#access.frequency(accessClock, this.nowMs)
  }

  clockOfIdle(idleSeconds: number): number {
    return this.#access.clockOfIdle(idleSeconds, this.nowMs)
  }

  clockOfFrequency(frequency: number): number {
    return this.#access.clockOfFrequency(frequency, this.nowMs)
  }

  /** @internal An effect that a handler names. */
  logEffect(effect: Effect): void {
    if (this.onCommit !== undefined) this.#effects.push(effect)
  }

  /** Removals by the shard itself come before what the command does, and are no part of what it logs. */
  #noteRemoval(db: Database, change: KeyChange, argv: readonly Argument[]): void {
    this.#hasChanged = true
    this.blocked.mark(db.index, change.key)
    this.revision()
    if (this.onCommit === undefined) return
    this.#changes.push(change)
    this.#effects.push({ db: db.index, argv })
  }

  #begin(): void {
    if (this.#depth++ > 0) return
    this.nowMs = this.clock.wallMs()
    for (const db of this.#databases) db?.forget()
  }

  #end(): void {
    if (--this.#depth > 0) return
    for (const db of this.#databases) db?.settle()
    const { onCommit } = this
    if (onCommit !== undefined && this.#hasChanged) {
      const commit = {
        revision: this.revision(),
        atMs: this.nowMs,
        effects: this.#effects,
        changes: this.#changes,
      }
      this.#effects = []
      this.#changes = []
      this.#hasChanged = false
      this.#revision = 0
      onCommit(commit)
      return
    }
    if (this.#effects.length > 0) this.#effects = []
    if (this.#changes.length > 0) this.#changes = []
    this.#hasChanged = false
    this.#revision = 0
  }

  #wait(request: BlockRequest, caller: Caller, resolve: (reply: Reply) => void): void {
    const deadlineMs =
      request.timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.clock.monotonicMs() + request.timeoutMs
    this.blocked.add({ caller, db: caller.db, request, deadlineMs, resolve, isDone: false })
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

  /** @throws OUT_OF_MEMORY */
  #makeRoom(): void {
    for (let i = 0; i < EVICTIONS_PER_COMMAND; i++) {
      if (this.usedBytes() <= this.memory.maxBytes) return
      if (!this.#evictor.evictOne(this.openDatabases())) throw OUT_OF_MEMORY
    }
  }

  #evictSome(): boolean {
    const { maxBytes } = this.memory
    if (maxBytes === 0 || this.usedBytes() <= maxBytes) return false
    return this.atomically(() => this.#evictor.evictOne(this.openDatabases()))
  }

  #expireSome(): boolean {
    if (this.#expiry.nextMs() > this.clock.wallMs()) {
      return (
        this.#expiry.needsSweep && this.#expiry.sweep(EXPIRY_BATCH, (hash, db) => this.#isVolatile(hash, db))
      )
    }
    return this.atomically(
      () =>
        this.#expiry.takeDue(this.nowMs, EXPIRY_BATCH, (hash, db) => {
          this.#databasesById[db]?.expireHash(hash)
        }) === EXPIRY_BATCH,
    )
  }

  #isVolatile(hash: number, db: number): boolean {
    return this.#databasesById[db]?.isVolatile(hash) ?? false
  }
}

/** What handlers are given; one for all commands of an engine, since they never overlap. */
class EngineCall implements Call {
  readonly engine: ShardEngine
  db!: Database
  caller!: Caller
  canBlock = false
  hasChanged = false
  isLogged = false
  request: BlockRequest | undefined

  constructor(engine: ShardEngine) {
    this.engine = engine
  }

  begin(caller: Caller, canBlock: boolean): void {
    this.caller = caller
    this.db = this.engine.database(caller.db)
    this.canBlock = canBlock
    this.hasChanged = false
    this.isLogged = false
  }

  database(index: number): Database {
    return this.engine.database(index)
  }

  effect(...argv: Argument[]): void {
    this.isLogged = true
    this.engine.logEffect({ db: this.db.index, argv })
  }

  block(request: BlockRequest): Reply {
    if (this.canBlock) this.request = request
    return request.onTimeout
  }
}

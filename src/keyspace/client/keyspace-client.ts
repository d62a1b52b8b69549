/**
 * One thread's way into the keyspace: commands to shards, and reads straight from their memory.
 *
 * There is one per thread, made when the thread attaches. What a program holds, `Keyspace`, is a typed face
 * over it.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { addAbortListener, type Clock, ShardloomError } from '../../base/index.ts'
import { blockTimeoutMs, commandTable } from '../commands/index.ts'
import {
  type Argument,
  byteString,
  type CommandSpec,
  ErrorReply,
  err,
  NullArrayReply,
  type Reply,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { channelHome } from '../pubsub/index.ts'
import { askShard } from '../shard/shard-error.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { TableDirectory } from '../shared/table-feed.ts'
import { MOVED, NO_SLOT, OWN_BATCH_BYTES, ReplyReader, RequestWriter } from '../wire/index.ts'
import type { CallOptions, ClientParts } from './client-parts.ts'
import { CommandRouter } from './command-router.ts'
import { type Convert, KeyCommand, oneKeyRow } from './key-command.ts'
import { MemoryReads } from './memory-reads.ts'
import type { PendingCommand } from './pending-command.ts'
import { replyError } from './reply-value.ts'
import { mergeScans, type ScanPart } from './scan-merge.ts'
import { isSortOverSlots } from './sort-over-shards.ts'
import { TransactionClient } from './transactions.ts'
import { callWaiting } from './waiting-call.ts'

const WAIT_MS_MAX = 2 ** 31 - 1
/** Waits between two looks for a shard that is being started again. */
const DOWN_POLL_MS = 10

/** A thread's client. */
export class KeyspaceClient {
  readonly memory: KeyspaceMemory
  readonly tables: TableDirectory
  readonly clock: Clock
  /** What is read without a message. */
  readonly reads: MemoryReads
  readonly #parts: ClientParts
  readonly #router: CommandRouter
  readonly #isSingle: boolean
  /** Whether there is a log. */
  readonly isDurable: boolean
  #names = 0
  #transactions: TransactionClient | undefined

  constructor(parts: ClientParts) {
    this.#parts = parts
    this.memory = parts.memory
    this.tables = parts.tables
    this.clock = parts.clock
    this.#isSingle = parts.memory.shardCount === 1
    this.isDurable = parts.isDurable
    this.reads = new MemoryReads(parts.memory, parts.tables, () => this.wallMs())
    this.#router = new CommandRouter({
      memory: parts.memory,
      clock: parts.clock,
      pendingMax: parts.pendingMax,
      send: (shard, batch) => this.#send(shard, batch),
      atTickEnd: parts.soon,
      atTurnEnd: (flush) => parts.atTurnEnd(flush),
      publish: () => parts.publish(),
    })
  }

  /**
   * Sends a command; `settle` gets what `convert` makes of its reply, `fail` what went wrong, error replies
   * too.
   */
  call<T>(
    argv: readonly Argument[],
    options: CallOptions,
    convert: Convert<T>,
    settle: (value: T) => void,
    fail: (error: Error) => void,
  ): void {
    const spec = commandTable.find(argv)
    const row = spec instanceof ErrorReply ? undefined : oneKeyRow(spec, argv)
    if (row !== undefined) {
      const slot = hashSlotOf(byteString(argv[1]!))
      this.#router.send(new KeyCommand(row, options, slot, argv, convert, settle, fail))
      return
    }
    const made = this.callRaw(argv, options).then((reply) => {
      if (reply instanceof ErrorReply) throw replyError(reply, byteString(argv[0] ?? ''))
      return convert(reply)
    })
    made.then(settle, fail)
  }

  /** The same, with errors as replies. */
  callRaw(argv: readonly Argument[], options: CallOptions = {}): Promise<Reply> {
    const spec = commandTable.find(argv)
    if (spec instanceof ErrorReply) return Promise.resolve(spec)
    const oneKey = oneKeyRow(spec, argv)
    if (oneKey !== undefined) {
      return this.callRow(oneKey, hashSlotOf(byteString(argv[1]!)), argv.slice(1), options)
    }
    if (spec.flags.includes('internal')) {
      return Promise.resolve(err(`unknown command '${byteString(argv[0] ?? '')}'`))
    }
    const { db = 0, level = 0, resp = 2, by = 0 } = options
    if (spec.flags.includes('all_shards')) return this.#callAll(spec, argv, options)
    if (spec.channelAt !== undefined) {
      const home = channelHome(byteString(argv[spec.channelAt]!), this.memory.shardCount)
      return this.callRow(commandTable.rowOf(spec), NO_SLOT, argv.slice(1), options, home)
    }
    if (!this.#isSingle && spec.name.startsWith('sort') && isSortOverSlots(argv)) {
      return this.transactions.sort(argv, db)
    }
    const keys = commandTable.keysOf(spec, argv)
    const slots = keys.map(({ index }) => hashSlotOf(byteString(argv[index]!)))
    const slot = slots[0] ?? NO_SLOT
    const isOver = this.#isOverShards(slots)
    if (spec.flags.includes('blocking')) {
      return isOver ? this.#blockOver(argv, slots, options) : this.#block(spec, slots, argv.slice(1), options)
    }
    if (isOver) return this.#callOver(argv, db, resp)
    const row = commandTable.rowOf(spec)
    const isOne = this.#isSingle || slots.every((other) => other === slot)
    if (isOne) return this.callRow(row, slot, argv.slice(1), options)
    return new Promise((resolve, reject) => {
      const isOver = (): boolean => this.#isOverShards(slots)
      const runOver = (): Promise<void> =>
        this.transactions.now([{ argv, db, resp }]).then((replies) => resolve(replies[0]!), reject)
      const args = argv.slice(1)
      this.#router.send({ row, db, slot, level, resp, by, slots, args, isOver, runOver, resolve, reject })
    })
  }

  /** Transactions of this thread. */
  get transactions(): TransactionClient {
    this.#transactions ??= new TransactionClient({
      memory: this.memory,
      clock: this.clock,
      router: this.#router,
      timeoutMs: this.#parts.timeoutMs,
      ref: (shard) => this.#ref(shard),
    })
    return this.#transactions
  }

  /** How long a shard may be down. */
  get timeoutMs(): number {
    return this.#parts.timeoutMs
  }

  /** The ref of a shard that has started, at once. */
  shardRefNow(shard: number): ActorRef<ShardMessages> | undefined {
    return this.#parts.shardRef(shard)
  }

  /** A ref to a shard, when it runs. @throws SHL_SHARD_DOWN */
  shardRef(shard: number): Promise<ActorRef<ShardMessages>> {
    return this.#ref(shard)
  }

  /** Sends a command whose row and slot are known. */
  callRow(
    row: number,
    slot: number,
    args: readonly Argument[],
    { db = 0, level = 0, resp = 2, by = 0 }: CallOptions,
    shard = 0,
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#router.send({ row, db, slot, level, resp, by, args, resolve, reject }, shard)
    })
  }

  /** Sends what was looked up before, without a promise. */
  sendCommand(command: PendingCommand): void {
    this.#router.send(command)
  }

  /** Milliseconds of the keyspace's wall clock. */
  wallMs(): number {
    return this.memory.wallMs(this.clock.wallMs())
  }

  /** A name that nobody else has or had: for who takes a lock, and for messages. */
  newName(): string {
    return `${this.#parts.name}.${(++this.#names).toString(36)}`
  }

  callWaiting(argv: readonly Argument[], waitMs: number, end: AbortSignal): ReturnType<typeof callWaiting> {
    return callWaiting(this, argv, waitMs, end)
  }

  isTogether(slot: number, other: number): boolean {
    return slot === other || (this.memory.epoch === 0 && !this.#isOverShards([slot, other]))
  }

  /** Resolves when all that was given before has been answered. */
  allBefore(): Promise<void> {
    return this.#router.allBefore()
  }

  /** Sends what was given so far. */
  flush(): void {
    this.#router.flush()
  }

  #isOverShards(slots: readonly number[]): boolean {
    if (this.#isSingle || slots.length < 2) return false
    const first = this.memory.ownerOf(slots[0]!)
    return slots.some((slot) => this.memory.ownerOf(slot) !== first)
  }

  /** A command whose keys lie on several shards. */
  async #callOver(argv: readonly Argument[], db: number, resp: 2 | 3 = 2): Promise<Reply> {
    const replies = await this.transactions.batch([{ argv, db, resp }])
    return replies![0]!
  }

  /** A command that concerns every key. */
  #callAll(spec: CommandSpec, argv: readonly Argument[], options: CallOptions): Promise<Reply> {
    const { db = 0, resp = 2 } = options
    if (spec.name === 'scan') return this.#scan(argv.map(byteString), db)
    if (spec.name === 'randomkey') return this.#randomKey(spec, db)
    if (this.#isSingle) return this.callRow(commandTable.rowOf(spec), NO_SLOT, argv.slice(1), options)
    return this.#callOver(argv, db, resp)
  }

  /** A key of some shard; others are asked when it has none. */
  async #randomKey(spec: CommandSpec, db: number): Promise<Reply> {
    const { shardCount } = this.memory
    const first = Math.floor(this.clock.nowMs() * 1000) % shardCount
    for (let i = 0; i < shardCount; i++) {
      const reply = await this.callRow(
        commandTable.rowOf(spec),
        NO_SLOT,
        [],
        { db },
        (first + i) % shardCount,
      )
      if (reply !== null) return reply
    }
    return null
  }

  /**
   * One step of SCAN over all shards. Keys are visited in the order of their hashes, the same for all shards,
   * so that the cursor is a place in that order, whoever owns the keys: slots may move between two steps.
   * Within a step they may not: it is done again then.
   */
  async #scan(argv: readonly string[], db: number): Promise<Reply> {
    const { memory } = this
    await this.#router.allBefore()
    for (;;) {
      const epoch = memory.settledEpoch
      const parts = await Promise.all(
        Array.from({ length: memory.shardCount }, (_, shard) => this.#scanShard(shard, argv, db)),
      )
      if (memory.epoch !== epoch) continue
      const failed = parts.find((part) => part instanceof ErrorReply)
      if (failed !== undefined) return failed
      return mergeScans(parts as readonly ScanPart[])
    }
  }

  async #scanShard(shard: number, argv: readonly string[], db: number): Promise<ScanPart | ErrorReply> {
    const ref = await this.#ref(shard)
    const { timeoutMs } = this.#parts
    const part = await askShard(shard, () => ref.ask('scan', { argv, db }, { timeoutMs }))
    return 'error' in part ? new ErrorReply(part.error[0], part.error[1]) : part
  }

  /**
   * A wait for keys of several shards: tries, and tries again whenever one of them says that a key has
   * changed. It listens before it tries, so that nothing is missed in between. Who waits longest is not
   * always served first here, since each shard knows its own queue only.
   */
  async #blockOver(
    argv: readonly Argument[],
    slots: readonly number[],
    options: CallOptions,
  ): Promise<Reply> {
    const { db = 0, signal } = options
    const spec = commandTable.find(argv)
    if (spec instanceof ErrorReply) return spec
    const keys = commandTable.keysOf(spec, argv).map(({ index }) => byteString(argv[index]!))
    let timeoutMs: number
    try {
      timeoutMs = blockTimeoutMs(byteString(argv[spec.keys?.keynum === undefined ? argv.length - 1 : 1]!))
    } catch (thrown) {
      if (thrown instanceof ErrorReply) return thrown
      throw thrown
    }
    const endMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : this.clock.nowMs() + timeoutMs
    for (;;) {
      const stop = new AbortController()
      const byShard = new Map<number, string[]>()
      keys.forEach((key, i) => {
        const owner = this.memory.ownerOf(slots[i]!)
        byShard.set(owner, [...(byShard.get(owner) ?? []), key])
      })
      const leftMs = Math.min(WAIT_MS_MAX, Math.max(1, endMs - this.clock.nowMs()))
      const waits = [...byShard].map(async ([shard, some]) => {
        const ref = await this.#ref(shard)
        const asked = { timeoutMs: WAIT_MS_MAX, signal: stop.signal }
        await askShard(shard, () => ref.ask('awaitKeys', { keys: some, db, timeoutMs: leftMs }, asked))
      })
      const changed = Promise.race(waits)
      changed.catch(() => undefined)
      for (const wait of waits) wait.catch(() => undefined)
      try {
        const reply = await this.#callOver(argv, db, options.resp)
        if (!(reply === null || reply instanceof NullArrayReply)) return reply
        if (this.clock.nowMs() >= endMs) return reply
        if (signal?.aborted === true)
          throw new ShardloomError('SHL_ASK_ABORTED', { actor: 'keyspace', type: spec.name })
        const forget = signal && addAbortListener(signal, () => stop.abort())
        await changed.catch((error: unknown) => {
          if (signal?.aborted !== true) throw error
        })
        forget?.()
      } finally {
        stop.abort()
      }
    }
  }

  /**
   * A command that may wait is a message of its own: nobody else waits with it. It goes out in its turn; when
   * its slot has moved meanwhile, it is given once more, behind what was given after it.
   */
  async #block(
    spec: CommandSpec,
    slots: readonly number[],
    args: readonly Argument[],
    options: CallOptions,
  ): Promise<Reply> {
    const slot = slots[0] ?? NO_SLOT
    const writer = new RequestWriter()
    writer.begin(commandTable.rowOf(spec), options.db ?? 0, slot, args.length, options.level, options.resp)
    for (const arg of args) writer.argument(arg)
    const request = writer.take()
    const timeoutMs = Math.min(WAIT_MS_MAX, (options.waitMs ?? WAIT_MS_MAX) + this.#parts.timeoutMs)
    const asked = options.signal === undefined ? { timeoutMs } : { timeoutMs, signal: options.signal }
    const answer = await this.sendInTurn(slots, (ref) => ref.ask('block', request, asked))
    const reply = new ReplyReader(answer).next()
    // A lock that was waited for answers by itself that it has moved.
    const hasMoved = reply === MOVED || (reply instanceof ErrorReply && reply.code === 'TRYAGAIN')
    if (!hasMoved) return reply
    // Its keys may lie on several shards by now.
    return this.callRaw([spec.name.split('|')[0]!, ...args], options)
  }

  /** Sends a message to the shard of these slots, in its turn among the commands of this thread. */
  sendInTurn<T>(
    [slot = NO_SLOT, ...others]: readonly number[],
    send: (ref: ActorRef<ShardMessages>) => Promise<T>,
  ): Promise<T> {
    return this.#router.inTurn([slot, ...others], () => {
      const shard = slot === NO_SLOT ? 0 : this.memory.ownerOf(slot)
      const ref = this.#parts.shardRef(shard)
      // At once when it runs: nothing may come in between.
      return askShard(shard, () => (ref === undefined ? this.#ref(shard).then(send) : send(ref)))
    })
  }

  #send(shard: number, batch: Uint8Array): Promise<Uint8Array> {
    const ref = this.#parts.shardRef(shard)
    const { timeoutMs } = this.#parts
    // A large one has memory of its own, which moves: copies of large values add up.
    const isLarge = batch.length >= OWN_BATCH_BYTES
    const options = isLarge ? { timeoutMs, transfer: [batch.buffer] } : { timeoutMs }
    if (ref !== undefined) return ref.ask('run', batch, options)
    return this.#ref(shard).then((found) => found.ask('run', batch, options))
  }

  /** Waits for a shard that is being started. @throws SHL_SHARD_DOWN */
  async #ref(shard: number): Promise<ActorRef<ShardMessages>> {
    const { clock, timeoutMs } = this.#parts
    const endMs = clock.nowMs() + timeoutMs
    for (;;) {
      const ref = this.#parts.shardRef(shard)
      if (ref !== undefined) return ref
      if (clock.nowMs() > endMs)
        throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it does not start' })
      await new Promise<void>((resolve) => void clock.after(DOWN_POLL_MS, resolve))
    }
  }
}

/**
 * The keyspace as a program holds it, the same on the main thread and in actors: typed commands that are
 * pipelined, and reads without a message.
 *
 * Keys and values are text, stored as UTF-8, or bytes. Missing is `undefined`. Times are milliseconds. What a
 * command refuses is thrown as a `ShardloomError`.
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/faces.race.test.ts
 */

import { checkKnownOptions, invalidOption, numberOption, ShardloomError } from '../../base/index.ts'
import type { Durability } from '../../storage/index.ts'
import type { SnapshotReport } from '../durability/index.ts'
import { byteString, ErrorReply, type Reply } from '../engine/index.ts'
import { HASH_SLOTS, hashSlotOf } from '../hash-slot.ts'
import {
  type SubscribedItem,
  type Subscription,
  type SubscriptionOptions,
  subscribe,
} from '../pubsub/index.ts'
import { type ShardStats, sumStats } from '../shard/shard-stats.ts'
import type { MoveSlotsReport, ShardLoad } from '../shard/slot-messages.ts'
import {
  type EventItem,
  type EventsOptions,
  type KeyspaceWatch,
  type WatchedItem,
  type WatchOptions,
  watchEvents,
  watchKeys,
} from '../watch/index.ts'
import {
  type BatchOptions,
  levelOf,
  type SetOptions,
  setFlags,
  type TransactionOptions,
} from './call-options.ts'
import { bufferOf, CommandCaller, type KeyspaceInput, textOf, toArgument, withEntries } from './caller.ts'
import { type Compute, ComputeOnce, type ComputeOptions } from './compute-once.ts'
import { KeyspaceHash } from './hash-face.ts'
import type { KeyspaceClient } from './keyspace-client.ts'
import { KeyspaceList } from './list-face.ts'
import type { KeyspaceLock } from './lock.ts'
import { type LimitOptions, type LimitView, LockFace, type LockView } from './lock-face.ts'
import type { OwnerLife } from './lock-lease.ts'
import type { LockOptions, SemaphoreOptions, TryLockOptions, TrySemaphoreOptions } from './lock-options.ts'
import { type ReplyValue, replyError, replyValue } from './reply-value.ts'
import { type ScanOptions, scanTexts } from './scanning.ts'
import { KeyspaceSession } from './session.ts'
import { KeyspaceSet } from './set-face.ts'
import { moveSlots, shardLoads, shardStats, snapshotAll } from './shard-admin.ts'
import { KeyspaceSortedSet } from './sorted-set-face.ts'
import { KeyspaceTransaction } from './transaction-face.ts'

const HOLD_MS = 5000
/** Should the thread of the callback be lost, its keys are held for so long all the same. */
const HOLD_MS_MAX = 60_000

/** The keyspace of a runtime, on one thread. */
export class Keyspace {
  readonly #client: KeyspaceClient
  readonly #caller: CommandCaller
  /** The durability that its calls ask for, by number; 0: that of the keyspace. */
  readonly #level: number
  /** Gives what says whether the present owner still lives; undefined: the program's own, for ever. */
  readonly #life: OwnerLife | undefined
  #lockFace: LockFace | undefined
  #computations: ComputeOnce | undefined

  /** @internal */
  constructor(client: KeyspaceClient, life?: OwnerLife, level = 0) {
    this.#client = client
    this.#level = level
    this.#caller = new CommandCaller(client, 0, level)
    this.#life = life
  }

  /** @internal The same for an actor: locks that it takes do not outlive it. */
  ownedBy(life: OwnerLife): Keyspace {
    return new Keyspace(this.#client, life, this.#level)
  }

  /**
   * The same keyspace, with calls that mean something else by an acknowledgement: `memory`, `os` (written,
   * and outlives this process) or `fsync` (outlives a power cut). Locks are as they are anywhere.
   *
   * @throws SHL_OPTION_INVALID for more than `memory` when the keyspace has no directory
   */
  durably(durability: Durability): Keyspace {
    return new Keyspace(this.#client, this.#life, levelOf('durability', durability, this.#client.isDurable))
  }

  /** @internal */
  get client(): KeyspaceClient {
    return this.#client
  }

  /** Any command, by its name, as a Redis client would run it. @throws SHL_COMMAND_REFUSED and its kin */
  command(name: string, ...args: KeyspaceInput[]): Promise<ReplyValue> {
    return this.#caller.as([name, ...args], (reply) => replyValue(reply, name))
  }

  /** The same, with strings of the reply as bytes. */
  async commandBuffer(name: string, ...args: KeyspaceInput[]): Promise<ReplyValue> {
    const options = { level: this.#level }
    return replyValue(await this.#client.callRaw([name, ...args].map(toArgument), options), name, 'buffer')
  }

  /** A caller with a database, a transaction and watched keys of its own, as a Redis connection has. */
  session(): KeyspaceSession {
    return new KeyspaceSession(this.#client)
  }

  // Reads without a message.

  /**
   * The string at a key, straight from shared memory: it sees every write that was answered anywhere in the
   * process before. Undefined when there is none. @throws SHL_WRONG_TYPE, SHL_SHARD_DOWN
   */
  getSync(key: string): string | undefined
  getSync(key: KeyspaceKey, form: 'buffer'): Uint8Array | undefined
  getSync(key: KeyspaceKey, form?: 'buffer'): string | Uint8Array | undefined {
    return form === undefined
      ? this.#client.reads.getSync(key as string)
      : this.#client.reads.getBytesSync(key)
  }

  /** The strings at several keys, each read by itself: not as one, for that there is `mget`. */
  mgetSync(keys: readonly string[]): (string | undefined)[] {
    return keys.map((key) => this.#client.reads.getSync(key))
  }

  /** Whether there is a key, of any type. */
  hasSync(key: KeyspaceKey): boolean {
    return this.#client.reads.hasSync(key)
  }

  /** Milliseconds until a key expires; Infinity: never; undefined: no such key. */
  ttlSync(key: KeyspaceKey): number | undefined {
    const expireAt = this.#client.reads.expireAtSync(key)
    if (expireAt === undefined) return undefined
    return expireAt === 0 ? Number.POSITIVE_INFINITY : Math.max(0, expireAt - this.#client.wallMs())
  }

  // Strings.

  get(key: KeyspaceKey): Promise<string | undefined>
  get(key: KeyspaceKey, form: 'buffer'): Promise<Uint8Array | undefined>
  get(key: KeyspaceKey, form?: 'buffer'): Promise<string | Uint8Array | undefined> {
    return this.#caller.as<string | Uint8Array | undefined>(
      ['GET', key],
      form === undefined ? textOf : bufferOf,
    )
  }

  /** Sets a string; false when a condition of the options did not hold. @throws SHL_LOCK_FENCED */
  set(key: KeyspaceKey, value: KeyspaceInput, options?: SetOptions): Promise<boolean> {
    if (options === undefined) return this.#caller.as(['SET', key, value], isThere)
    return this.#setWith(key, value, options)
  }

  mget(keys: readonly KeyspaceKey[]): Promise<(string | undefined)[]> {
    return this.#caller.maybeTextsOf(['MGET', ...keys])
  }

  /** Sets several strings, all at once for whoever reads by commands. */
  mset(values: Readonly<Record<string, KeyspaceInput>>): Promise<void> {
    return this.#caller.as(withEntries(['MSET'], values), () => undefined)
  }

  /** Adds to a number; the sum. A key that is not there counts as 0. */
  incrBy(key: KeyspaceKey, by: number | bigint = 1): Promise<number> {
    return this.#caller.integer('INCRBY', key, by)
  }

  async incrByFloat(key: KeyspaceKey, by: number): Promise<number> {
    return (await this.#caller.number('INCRBYFLOAT', key, by)) ?? Number.NaN
  }

  /** Appends to a string; its new length in bytes. */
  append(key: KeyspaceKey, value: KeyspaceInput): Promise<number> {
    return this.#caller.integer('APPEND', key, value)
  }

  // Collections.

  hash(key: KeyspaceKey): KeyspaceHash {
    return new KeyspaceHash(this.#caller, key)
  }

  list(key: KeyspaceKey): KeyspaceList {
    return new KeyspaceList(this.#caller, key)
  }

  /** The set at a key; `set` sets a string. */
  members(key: KeyspaceKey): KeyspaceSet {
    return new KeyspaceSet(this.#caller, key)
  }

  zset(key: KeyspaceKey): KeyspaceSortedSet {
    return new KeyspaceSortedSet(this.#caller, key)
  }

  // Keys.

  /** Removes keys; how many there were. */
  delete(...keys: KeyspaceKey[]): Promise<number> {
    return this.#caller.integerOf(['DEL', ...keys])
  }

  async has(key: KeyspaceKey): Promise<boolean> {
    return this.#caller.boolean('EXISTS', key)
  }

  /** What a key holds: `string`, `hash`, `list`, `set`, `zset`; undefined: no such key. */
  async type(key: KeyspaceKey): Promise<string | undefined> {
    const type = await this.command('TYPE', key)
    return type === 'none' ? undefined : (type as string)
  }

  /** Lets a key expire after `ttl` milliseconds; false: no such key. */
  expire(key: KeyspaceKey, ttl: number): Promise<boolean> {
    return this.#caller.boolean('PEXPIRE', key, ttl)
  }

  /** Lets a key live for ever; false when it does, or there is no such key. */
  persist(key: KeyspaceKey): Promise<boolean> {
    return this.#caller.boolean('PERSIST', key)
  }

  /** Milliseconds until a key expires; Infinity: never; undefined: no such key. */
  async ttl(key: KeyspaceKey): Promise<number | undefined> {
    const ms = await this.#caller.integer('PTTL', key)
    return ms === -2 ? undefined : ms === -1 ? Number.POSITIVE_INFINITY : ms
  }

  rename(from: KeyspaceKey, to: KeyspaceKey): Promise<void> {
    return this.#caller.done('RENAME', from, to)
  }

  /** The revision of a key's last change; undefined: no such key. */
  revision(key: KeyspaceKey): Promise<number | undefined> {
    return this.#caller.number('REVISION', key)
  }

  /** The number of keys. */
  size(): Promise<number> {
    return this.#caller.integer('DBSIZE')
  }

  /** Removes every key. */
  clear(): Promise<void> {
    return this.#caller.done('FLUSHDB')
  }

  /** Every key, in steps: one that is there throughout comes at least once. */
  scan(options: ScanOptions & { readonly type?: string } = {}): AsyncGenerator<string> {
    const { type, ...rest } = options
    return scanTexts(this.#caller, ['SCAN'], rest, type === undefined ? [] : ['TYPE', type])
  }

  // Locks.

  /**
   * Waits for a lock and takes it; for several names, all of them at once, wherever they lie. It is a lease:
   * see `LockOptions.ttl`, and `KeyspaceLock` for what a holder must bear in mind. Who came first is served
   * first.
   *
   * @throws SHL_LOCK_TIMEOUT, SHL_LOCK_ABORTED, SHL_LOCK_MODE, SHL_LOCK_BUSY, SHL_OPTION_INVALID
   */
  lock(name: string | readonly string[], options: LockOptions = {}): Promise<KeyspaceLock> {
    return this.#locks().lock(name, options)
  }

  /** Takes a lock, or several, if nobody holds them or waits for them; else undefined. */
  tryLock(name: string | readonly string[], options: TryLockOptions = {}): Promise<KeyspaceLock | undefined> {
    return this.#locks().tryLock(name, options)
  }

  /** Waits for one of `limit` places of a semaphore. All who use a name must give the same limit. */
  semaphore(name: string, limit: number, options: SemaphoreOptions = {}): Promise<KeyspaceLock> {
    return this.#locks().semaphore(name, limit, options)
  }

  /** Takes a place if one is free and nobody waits; else undefined. */
  trySemaphore(
    name: string,
    limit: number,
    options: TrySemaphoreOptions = {},
  ): Promise<KeyspaceLock | undefined> {
    return this.#locks().trySemaphore(name, limit, options)
  }

  /** Who holds a lock or a semaphore, and who waits for it. */
  lockInfo(name: string): Promise<LockView> {
    return this.#locks().info(name)
  }

  /** All that are held or waited for: each as it is when it is looked at, not all at one moment. */
  locks(options: { readonly match?: string } = {}): Promise<LockView[]> {
    return this.#locks().list(options.match)
  }

  /** Counts an event against a rate limiter (GCRA), and says whether it may happen. */
  limit(key: KeyspaceKey, options: LimitOptions): Promise<LimitView> {
    return this.#locks().limit(key, options)
  }

  /**
   * The string at a key. When there is none, one caller of all threads computes and stores it, and the others
   * wait for it. What `compute` throws is thrown to its own caller, and the next one who waits computes.
   *
   * @throws SHL_COMPUTE_TIMEOUT, SHL_COMPUTE_ABORTED, SHL_WRONG_TYPE, and what `compute` throws
   */
  async getOrCompute(key: KeyspaceKey, compute: Compute, options: ComputeOptions = {}): Promise<string> {
    if (typeof key === 'string') {
      const found = this.#client.reads.getSync(key)
      if (found !== undefined) return found
    }
    return textOf(await this.#compute().get(key, compute, options)) as string
  }

  /** The same as bytes. */
  async getOrComputeBuffer(
    key: KeyspaceKey,
    compute: Compute,
    options: ComputeOptions = {},
  ): Promise<Uint8Array> {
    const found = this.#client.reads.getBytesSync(key)
    if (found !== undefined) return found
    return bufferOf(await this.#compute().get(key, compute, options)) as Uint8Array
  }

  // Shards.

  /** The shard that owns a key, and its hash slot. */
  shardOf(key: KeyspaceKey): { readonly shard: number; readonly slot: number } {
    const slot = hashSlotOf(byteString(toArgument(key)))
    return { shard: this.#client.memory.ownerOf(slot), slot }
  }

  /**
   * Gives hash slots, 0 to 16,383, to a shard, while their keys are used: nothing is lost, and commands keep
   * their order. Commands for these slots wait for the moment of the hand-over. With a directory they are
   * where they were moved to after a restart, too.
   *
   * @throws SHL_OPTION_INVALID, SHL_SHARD_DOWN
   */
  async moveSlots(slots: readonly number[], shard: number): Promise<MoveSlotsReport> {
    const range = { min: 0, max: HASH_SLOTS - 1, integer: true }
    if (!Array.isArray(slots)) invalidOption('slots', slots, 'an array of hash slots')
    for (const slot of slots) numberOption('slot', slot, 0, range)
    if (shard === undefined) invalidOption('shard', shard, 'the number of a shard')
    numberOption('shard', shard, 0, { min: 0, max: this.#client.memory.shardCount - 1, integer: true })
    return moveSlots(this.#client, slots, shard)
  }

  /**
   * Makes a snapshot now, while commands go on: what a restart has to read is as short as it can be. One is
   * made by itself now and then; see `KeyspaceOptions`. @throws SHL_OPTION_INVALID without a directory
   */
  snapshot(): Promise<SnapshotReport> {
    return snapshotAll(this.#client)
  }

  /** What the keyspace holds and has done, all shards together. */
  async stats(): Promise<ShardStats> {
    return sumStats(await shardStats(this.#client))
  }

  /** How busy each shard is, with its busiest slots. */
  loads(slotsMax = 16): Promise<ShardLoad[]> {
    return shardLoads(this.#client, slotsMax)
  }

  // Several at once.

  /**
   * Runs commands as one, over any shards: nobody sees some of them done and others not. A command that is
   * refused does not undo the others: its error stands in its place.
   *
   * @throws SHL_ASK_ABORTED, SHL_ASK_TIMEOUT, SHL_COMMAND_REFUSED for one that does not exist
   */
  async batch(
    commands: readonly (readonly [string, ...KeyspaceInput[]])[],
    options: BatchOptions = {},
  ): Promise<(ReplyValue | ShardloomError)[]> {
    const given = commands.map((argv) => ({ argv: argv.map(toArgument), db: 0 }))
    const limits = { ...options, level: this.#level }
    const replies = (await this.#client.transactions.batch(given, [], limits)) as readonly Reply[]
    return replies.map((reply, i) => {
      const name = commands[i]![0]
      return reply instanceof ErrorReply ? replyError(reply, name) : replyValue(reply, name)
    })
  }

  /**
   * Runs `body` over the keys that it names, on this thread, synchronously; nobody else changes them
   * meanwhile, over whatever shards they lie. What it throws undoes everything. The values travel here and
   * back, so this is for keys of moderate size; `batch` sends commands instead.
   *
   * @throws SHL_TRANSACTION_LATE, SHL_TRANSACTION_KEY, SHL_OPTION_INVALID, and what `body` throws
   */
  async transaction<T>(
    keys: readonly KeyspaceKey[],
    body: (tx: KeyspaceTransaction) => T,
    options: TransactionOptions = {},
  ): Promise<T> {
    checkKnownOptions('transaction', options, ['holdMs', 'timeoutMs', 'signal'])
    const range = { min: 1, max: HOLD_MS_MAX }
    const holdMs = numberOption('holdMs', options.holdMs, HOLD_MS, range)
    if (keys.length === 0) {
      throw new ShardloomError('SHL_OPTION_INVALID', {
        option: 'keys',
        value: '[]',
        allowed: 'at least one key',
      })
    }
    const names = keys.map((key) => ({ db: 0, key: byteString(toArgument(key)) }))
    const limits = { ...options, level: this.#level }
    return this.#client.transactions.callback(names, holdMs, limits, (scratch) => {
      const tx = new KeyspaceTransaction(scratch)
      try {
        return body(tx)
      } finally {
        tx.end()
      }
    })
  }

  // What happens.

  /**
   * Iterates over the changes of keys, in the order of their revisions: what a transaction changed is one
   * item. Patterns are globs, as in KEYS; one without special characters is a key. Watching begins at once:
   * see `ready` of what is returned. `break` ends it.
   *
   * @throws SHL_WATCH_COMPACTED when `since` is older than what is kept, SHL_WATCH_SLOW
   */
  watch<const Options extends WatchOptions>(
    pattern: string | readonly string[],
    options?: Options,
  ): KeyspaceWatch<WatchedItem<Options>> {
    return watchKeys(this.#client, pattern, options ?? {}) as KeyspaceWatch<WatchedItem<Options>>
  }

  /** Iterates over keyspace events one by one, by class and key. @throws SHL_WATCH_SLOW */
  events<const Options extends EventsOptions>(options?: Options): KeyspaceWatch<EventItem<Options>> {
    return watchEvents(this.#client, options ?? {}) as KeyspaceWatch<EventItem<Options>>
  }

  /** Publishes to a channel; how many subscriptions get it. */
  publish(
    channel: string,
    message: string | Uint8Array,
    options: { readonly sharded?: boolean } = {},
  ): Promise<number> {
    return this.#caller.integer(options.sharded === true ? 'SPUBLISH' : 'PUBLISH', channel, message)
  }

  /** Iterates over the messages of channels. `break` ends it. @throws SHL_SUBSCRIBER_SLOW */
  subscribe<const Options extends SubscriptionOptions>(
    channels: string | readonly string[],
    options?: Options,
  ): Subscription<SubscribedItem<Options>> {
    return subscribe(this.#client, channels, false, options ?? {}) as Subscription<SubscribedItem<Options>>
  }

  /** The same for all channels that fit patterns. */
  psubscribe<const Options extends SubscriptionOptions>(
    patterns: string | readonly string[],
    options?: Options,
  ): Subscription<SubscribedItem<Options>> {
    return subscribe(this.#client, patterns, true, options ?? {}) as Subscription<SubscribedItem<Options>>
  }

  // Made when first used: most actors take no locks.

  #locks(): LockFace {
    this.#lockFace ??= new LockFace(this.#client, this.#life)
    return this.#lockFace
  }

  #compute(): ComputeOnce {
    this.#computations ??= new ComputeOnce(this.#client, this.#caller)
    return this.#computations
  }

  async #setWith(key: KeyspaceKey, value: KeyspaceInput, options: SetOptions): Promise<boolean> {
    const { durability } = options
    const caller =
      durability === undefined
        ? this.#caller
        : new CommandCaller(this.#client, 0, levelOf('set.durability', durability, this.#client.isDurable))
    return caller.as(['SET', key, value, ...setFlags(options)], isThere)
  }
}

function isThere(reply: Reply): boolean {
  return reply !== null
}

/** A key: text, stored as UTF-8, or bytes. */
export type KeyspaceKey = string | Uint8Array

/**
 * The keyspace as a program holds it, the same on the main thread and in actors: typed commands that are
 * pipelined, and reads without a message.
 *
 * Keys and values are text, stored as UTF-8, or bytes. Missing is `undefined`. Times are milliseconds. What a
 * command refuses is thrown as a `ShardloomError`.
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/faces.race.test.ts
 */
import {
  checkKnownOptions,
  choiceOption,
  invalidOption,
  numberOption,
  ShardloomError,
} from '../../base/index.ts'
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
import { moveSlots, shardLoads, shardStats } from './shard-admin.ts'
import { KeyspaceSortedSet } from './sorted-set-face.ts'
import { KeyspaceTransaction } from './transaction-face.ts'

const HOLD_MS = 5000
/** Should the thread of the callback be lost, its keys are held for so long all the same. */
const HOLD_MS_MAX = 60_000

/** How a string is set. */
export interface SetOptions {
  /** Milliseconds until the key expires. Default: never. */
  readonly ttl?: number
  /** Keeps the expiry that the key has. */
  readonly keepTtl?: boolean
  /** Sets only a key that is new, or only one that is there. */
  readonly only?: 'new' | 'existing'
  /** Sets only when this is the revision of the key's last change; see `keyspace.revision`. */
  readonly ifRevision?: number
  /** A lock that must still be held when the write takes effect. */
  readonly fence?: { readonly name: string; readonly token: bigint }
}

/** How long commands wait until they may run together. */
export interface BatchOptions {
  /** Milliseconds. Default: the keyspace's `timeoutMs`. What has not begun by then never runs. */
  readonly timeoutMs?: number
  /** Gives the wait up. What has begun is done to its end. */
  readonly signal?: AbortSignal
}

/** How long a transaction may wait, and hold its keys. */
export interface TransactionOptions extends BatchOptions {
  /** Milliseconds, of which the callback may use what messages leave. Default 5000. */
  readonly holdMs?: number
}

/** The keyspace of a runtime, on one thread. */
export class Keyspace {
  readonly #client: KeyspaceClient
  readonly #caller: CommandCaller
  /** Gives what says whether the present owner still lives; undefined: the program's own, for ever. */
  readonly #life: OwnerLife | undefined
  #lockFace: LockFace | undefined
  #computations: ComputeOnce | undefined

  /** @internal */
  constructor(client: KeyspaceClient, life?: OwnerLife) {
    this.#client = client
    this.#caller = new CommandCaller(client)
    this.#life = life
  }

  /** @internal The same for an actor: locks that it takes do not outlive it. */
  ownedBy(life: OwnerLife): Keyspace {
    return new Keyspace(this.#client, life)
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
    return replyValue(await this.#client.callRaw([name, ...args].map(toArgument)), name, 'buffer')
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
   * their order. Commands for these slots wait for the moment of the hand-over.
   *
   * @throws SHL_OPTION_INVALID, SHL_SHARD_DOWN
   */
  async moveSlots(slots: readonly number[], shard: number): Promise<MoveSlotsReport> {
    const range = { min: 0, max: HASH_SLOTS - 1, integer: true }
    for (const slot of slots) numberOption('slot', slot, 0, range)
    if (shard === undefined) invalidOption('shard', shard, 'the number of a shard')
    numberOption('shard', shard, 0, { min: 0, max: this.#client.memory.shardCount - 1, integer: true })
    return moveSlots(this.#client, slots, shard)
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
    const replies = (await this.#client.transactions.batch(given, [], options)) as readonly Reply[]
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
    return this.#client.transactions.callback(names, holdMs, options, (scratch) => {
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
    return this.#caller.as(['SET', key, value, ...setFlags(options)], isThere)
  }
}

function isThere(reply: Reply): boolean {
  return reply !== null
}

/** A key: text, stored as UTF-8, or bytes. */
export type KeyspaceKey = string | Uint8Array

const SET_OPTIONS = ['ttl', 'keepTtl', 'only', 'ifRevision', 'fence']
const ONLY = ['new', 'existing'] as const
const TTL_MS_MAX = 2 ** 53 - 1

/** @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
function setFlags(options: SetOptions): KeyspaceInput[] {
  checkKnownOptions('set', options, SET_OPTIONS)
  const { ttl, keepTtl, only, ifRevision, fence } = options
  if (ttl !== undefined) numberOption('ttl', ttl, 1, { min: 1, max: TTL_MS_MAX, integer: true })
  if (only !== undefined) choiceOption('only', only, 'new', ONLY)
  return [
    ...(ttl === undefined ? [] : ['PX', ttl]),
    ...(keepTtl === true ? ['KEEPTTL'] : []),
    ...(only === undefined ? [] : [only === 'new' ? 'NX' : 'XX']),
    ...(ifRevision === undefined ? [] : ['IFREV', ifRevision]),
    ...(fence === undefined ? [] : ['FENCE', fence.name, fence.token]),
  ]
}

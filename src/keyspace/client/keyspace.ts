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
import { bufferOf, CommandCaller, type KeyspaceInput, textOf, toArgument } from './caller.ts'
import { type Compute, ComputeOnce, type ComputeOptions } from './compute-once.ts'
import type { KeyspaceClient } from './keyspace-client.ts'
import type { OwnerLife } from './lock-lease.ts'
import { type ReplyValue, replyError, replyValue } from './reply-value.ts'
import { KeyspaceSession } from './session.ts'
import { moveSlots, shardLoads, shardStats, snapshotAll } from './shard-admin.ts'
import { KeyspaceTransaction } from './transaction-face.ts'
import { type KeyspaceKey, TypedCalls } from './typed-calls.ts'

const HOLD_MS = 5000
/** Should the thread of the callback be lost, its keys are held for so long all the same. */
const HOLD_MS_MAX = 60_000

/** The keyspace of a runtime, on one thread. */
export class Keyspace extends TypedCalls {
  readonly #client: KeyspaceClient
  readonly #caller: CommandCaller
  /** The durability that its calls ask for, by number; 0: that of the keyspace. */
  readonly #level: number
  /** Gives what says whether the present owner still lives; undefined: the program's own, for ever. */
  readonly #life: OwnerLife | undefined
  #computations: ComputeOnce | undefined

  /** @internal */
  constructor(client: KeyspaceClient, life?: OwnerLife, level = 0) {
    const caller = new CommandCaller(client, 0, level)
    super(caller, client, life)
    this.#client = client
    this.#level = level
    this.#caller = caller
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

  // Writes with options.

  /** Sets a string; false when a condition of the options did not hold. @throws SHL_LOCK_FENCED */
  set(key: KeyspaceKey, value: KeyspaceInput, options?: SetOptions): Promise<boolean> {
    if (options === undefined) return this.#caller.as(['SET', key, value], isThere)
    return this.#setWith(key, value, options)
  }

  // Values that are computed once.

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

  // Made when first used.

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

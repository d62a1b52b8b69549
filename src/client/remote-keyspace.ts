/**
 * The keyspace of a server, as a program holds it: the same typed calls as `runtime.keyspace`, over the
 * network.
 *
 * What differs: reads take a message (there is nothing `…Sync`), unless they are cached; a call has a
 * deadline, and may fail with its outcome unknown; a callback of `transaction` may run several times. What is
 * the business of the server's own process is not here: see `NotRemote`.
 *
 * Tests: test/client/remote-keyspace.test.ts, test/client/remote-keyspace.types.test.ts
 */
import { checkKnownOptions, invalidOption, numberOption, type ShardloomError } from '../base/index.ts'
import { byteString, ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import {
  type BatchOptions,
  bufferOf,
  CommandCaller,
  type Compute,
  ComputeOnce,
  type ComputeOptions,
  type EventItem,
  type EventsOptions,
  eventRules,
  type KeyspaceInput,
  type KeyspaceKey,
  type KeyspaceTransaction,
  type ReplyValue,
  replyError,
  replyValue,
  type SetOptions,
  type SubscribedItem,
  type SubscriptionOptions,
  setFlags,
  subscriptionRules,
  type TransactionOptions,
  TypedCalls,
  textOf,
  toArgument,
  type WatchedItem,
  type WatchOptions,
  watchRules,
} from '../keyspace/remoting/index.ts'
import type { ClientMetrics } from './client-event.ts'
import type { RemoteClient } from './remote-client.ts'
import { RemoteSession } from './remote-session.ts'
import { RemoteSubscription } from './remote-subscription.ts'
import { RemoteTransactions } from './remote-transaction.ts'
import { RemoteWatch } from './remote-watch.ts'
import { type CallLimits, scopedClient } from './scoped-client.ts'

/**
 * Methods of `Keyspace` that a client has not, besides those that end in `Sync`: `client`, `ownedBy` (of
 * actors), `shardOf`, `moveSlots`, `loads`, `stats`, `snapshot` (the shards are the server's; INFO, MEMORY
 * and SAVE ask it), `durably` (an acknowledgement means what the server is configured to).
 */
export type NotRemote =
  | 'client'
  | 'ownedBy'
  | 'shardOf'
  | 'moveSlots'
  | 'loads'
  | 'stats'
  | 'snapshot'
  | 'durably'

const CLOSE_MS = 5000

/** The keyspace of a server. Made by `connect`. */
export class RemoteKeyspace extends TypedCalls {
  readonly #client: RemoteClient
  readonly #limits: CallLimits
  readonly #caller: CommandCaller
  readonly #transactions: RemoteTransactions
  #computations: ComputeOnce | undefined

  /** @internal Use `connect`. */
  constructor(client: RemoteClient, limits: CallLimits = {}) {
    const scoped = scopedClient(client, limits)
    const caller = new CommandCaller(scoped)
    super(caller, scoped, undefined)
    this.#client = client
    this.#limits = limits
    this.#caller = caller
    this.#transactions = new RemoteTransactions(client)
  }

  /** The same keyspace, with calls that take no longer than that, or end with a signal. */
  within(limits: CallLimits): RemoteKeyspace {
    checkKnownOptions('within', limits, ['timeoutMs', 'signal'])
    numberOption('timeoutMs', limits.timeoutMs, 1, { min: 1, max: 2 ** 31 - 1 })
    return new RemoteKeyspace(this.#client, { ...this.#limits, ...limits })
  }

  /** Resolves when the server answers. Calls need not wait for it. @throws SHL_CONNECTION_FAILED */
  async ready(): Promise<void> {
    await this.command('PING')
  }

  /** What its connections have done. */
  metrics(): ClientMetrics {
    return this.#client.metrics
  }

  /**
   * Takes no calls any more, and waits for those under way, for at most `timeoutMs`, 5000 by default. Streams
   * and sessions end.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    const range = { min: 0, max: 2 ** 31 - 1 }
    return this.#client.close(numberOption('timeoutMs', options.timeoutMs, CLOSE_MS, range))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A connection of one's own, with a database, a transaction and watched keys. It must be closed. */
  session(): RemoteSession {
    return new RemoteSession(this.#client)
  }

  /** Sets a string; false when a condition of the options did not hold. @throws SHL_LOCK_FENCED */
  async set(key: KeyspaceKey, value: KeyspaceInput, options?: SetOptions): Promise<boolean> {
    if (options?.durability !== undefined) {
      invalidOption('durability', options.durability, 'none: the server is configured with one')
    }
    const flags = options === undefined ? [] : setFlags(options)
    return this.#caller.as(['SET', key, value, ...flags], isThere)
  }

  /**
   * The string at a key. When there is none, one of all who ask computes and stores it, in whatever process,
   * and the others wait for it. What `compute` throws is thrown to its own caller, and the next one who waits
   * computes.
   *
   * @throws SHL_COMPUTE_TIMEOUT, SHL_COMPUTE_ABORTED, SHL_WRONG_TYPE, and what `compute` throws
   */
  async getOrCompute(key: KeyspaceKey, compute: Compute, options: ComputeOptions = {}): Promise<string> {
    return textOf(await this.#compute().get(key, compute, options)) as string
  }

  /** The same as bytes. */
  async getOrComputeBuffer(
    key: KeyspaceKey,
    compute: Compute,
    options: ComputeOptions = {},
  ): Promise<Uint8Array> {
    return bufferOf(await this.#compute().get(key, compute, options)) as Uint8Array
  }

  // Several at once.

  /**
   * Runs commands as one: nobody sees some of them done and others not. A command that is refused does not
   * undo the others: its error stands in its place.
   *
   * @throws SHL_ASK_ABORTED, SHL_ASK_TIMEOUT, SHL_CONNECTION_LOST, SHL_COMMAND_REFUSED for one that does not
   * exist
   */
  async batch(
    commands: readonly (readonly [string, ...KeyspaceInput[]])[],
    options: BatchOptions = {},
  ): Promise<(ReplyValue | ShardloomError)[]> {
    checkKnownOptions('batch', options, ['timeoutMs', 'signal'])
    const given = commands.map((argv) => argv.map(toArgument))
    const replies = await this.#transactions.batch(given, { ...this.#limits, ...options })
    return replies.map((reply, i) => {
      const name = commands[i]![0]
      return reply instanceof ErrorReply ? replyError(reply, name) : replyValue(reply, name)
    })
  }

  /**
   * Runs `body` over the keys that it names, here, synchronously. Nobody holds them meanwhile: when somebody
   * has changed one, it runs again, so it must do nothing but look at keys and change them. What it throws
   * undoes everything. `holdMs` means nothing here.
   *
   * @throws SHL_TRANSACTION_REFUSED when others are always quicker, SHL_TRANSACTION_KEY, SHL_OPTION_INVALID,
   * SHL_CONNECTION_LOST, and what `body` throws
   */
  async transaction<T>(
    keys: readonly KeyspaceKey[],
    body: (tx: KeyspaceTransaction) => T,
    options: TransactionOptions = {},
  ): Promise<T> {
    checkKnownOptions('transaction', options, ['holdMs', 'timeoutMs', 'signal'])
    const names = [...new Set(keys.map((key) => byteString(toArgument(key))))]
    return this.#transactions.callback(names, body, { ...this.#limits, ...options })
  }

  // What happens.

  /**
   * Iterates over the changes of keys, in the order of their revisions: what a transaction changed is one
   * item. A lost connection is made again, and the watch goes on where it was. `break` ends it.
   *
   * @throws SHL_WATCH_COMPACTED when `since` is older than what is kept, SHL_WATCH_SLOW
   */
  watch<const Options extends WatchOptions>(
    pattern: string | readonly string[],
    options?: Options,
  ): RemoteWatch<WatchedItem<Options>> {
    const rules = watchRules(pattern, options ?? {}, this.#client.settings.address.db)
    return new RemoteWatch(this.#client, rules) as RemoteWatch<WatchedItem<Options>>
  }

  /** Iterates over keyspace events one by one, by class and key. @throws SHL_WATCH_SLOW */
  events<const Options extends EventsOptions>(options?: Options): RemoteWatch<EventItem<Options>> {
    const rules = eventRules(options ?? {}, this.#client.settings.address.db)
    return new RemoteWatch(this.#client, rules) as RemoteWatch<EventItem<Options>>
  }

  /**
   * Iterates over the messages of channels. `break` ends it.
   *
   * @throws SHL_SUBSCRIBER_SLOW, SHL_CONNECTION_LOST unless `whenSlow` is `drop`: then an item of type `lost`
   * says that messages may be missing
   */
  subscribe<const Options extends SubscriptionOptions>(
    channels: string | readonly string[],
    options?: Options,
  ): RemoteSubscription<SubscribedItem<Options>> {
    return new RemoteSubscription(this.#client, subscriptionRules(channels, false, options ?? {}))
  }

  /** The same for all channels that fit patterns. */
  psubscribe<const Options extends SubscriptionOptions>(
    patterns: string | readonly string[],
    options?: Options,
  ): RemoteSubscription<SubscribedItem<Options>> {
    return new RemoteSubscription(this.#client, subscriptionRules(patterns, true, options ?? {}))
  }

  // Made when first used.

  #compute(): ComputeOnce {
    this.#computations ??= new ComputeOnce(scopedClient(this.#client, this.#limits), this.#caller)
    return this.#computations
  }
}

function isThere(reply: Reply): boolean {
  return reply !== null
}

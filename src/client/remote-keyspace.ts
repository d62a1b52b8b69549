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
import { type Argument, byteString, ErrorReply, type Reply } from '../keyspace/engine/index.ts'
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
import { boundedBy, type CallLimits } from './call-limits.ts'
import type { ClientMetrics } from './client-event.ts'
import { checkedObject } from './connect-options.ts'
import { failedError } from './connection-errors.ts'
import { computeErrors, lockErrors, type Unreachable, waitWithin } from './limited-wait.ts'
import type { RemoteClient } from './remote-client.ts'
import { RemoteSession } from './remote-session.ts'
import { RemoteSubscription } from './remote-subscription.ts'
import { RemoteTransactions } from './remote-transaction.ts'
import { RemoteWatch } from './remote-watch.ts'
import { scopedClient } from './scoped-client.ts'

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
  /** Without limits, for what outlives a call: see `limited-wait.ts`. Undefined: there are none. */
  readonly #unlimited: RemoteKeyspace | undefined
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
    const isLimited = limits.timeoutMs !== undefined || limits.signal !== undefined
    this.#unlimited = isLimited ? new RemoteKeyspace(client) : undefined
  }

  /**
   * The same keyspace, with calls that take no longer than that, or end with a signal: those that wait, too,
   * whatever they say of themselves. Streams end with the signal, which is no error, and have the time to
   * begin. A lock that is held means nothing to either.
   */
  within(limits: CallLimits): RemoteKeyspace {
    checkKnownOptions('within', checkedObject('limits', limits), ['timeoutMs', 'signal'])
    numberOption('timeoutMs', limits.timeoutMs, 1, { min: 1, max: 2 ** 31 - 1 })
    const { signal } = limits
    if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
      invalidOption('signal', signal, 'an AbortSignal')
    }
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
   * and sessions end. Calls that wait for something are given up, with SHL_CONNECTION_CLOSED; what has come
   * for them by then they still give.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    checkKnownOptions('close', checkedObject('options', options), ['timeoutMs'])
    const range = { min: 0, max: 2 ** 31 - 1 }
    return this.#client.close(numberOption('timeoutMs', options.timeoutMs, CLOSE_MS, range))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** A connection of one's own, with a database, a transaction and watched keys. It must be closed. */
  session(): RemoteSession {
    return new RemoteSession(this.#client, this.#limits)
  }

  /** Sets a string; false when a condition of the options did not hold. @throws SHL_LOCK_FENCED */
  async set(key: KeyspaceKey, value: KeyspaceInput, options?: SetOptions): Promise<boolean> {
    if (options?.durability !== undefined) {
      invalidOption('durability', options.durability, 'none: the server is configured with one')
    }
    checkInput('key', key)
    checkInput('value', value)
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
    return textOf(await this.#computed(key, compute, options)) as string
  }

  /** The same as bytes. */
  async getOrComputeBuffer(
    key: KeyspaceKey,
    compute: Compute,
    options: ComputeOptions = {},
  ): Promise<Uint8Array> {
    return bufferOf(await this.#computed(key, compute, options)) as Uint8Array
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
    const { options: bounded, forget } = boundedBy(this.#limits, options)
    const replies = await this.#transactions.batch(given, bounded).finally(forget)
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
    const { options: bounded, forget } = boundedBy(this.#limits, options)
    return this.#transactions.callback(names, body, bounded).finally(forget)
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
    return new RemoteWatch(this.#client, rules, this.#limits) as RemoteWatch<WatchedItem<Options>>
  }

  /** Iterates over keyspace events one by one, by class and key. @throws SHL_WATCH_SLOW */
  events<const Options extends EventsOptions>(options?: Options): RemoteWatch<EventItem<Options>> {
    const rules = eventRules(options ?? {}, this.#client.settings.address.db)
    return new RemoteWatch(this.#client, rules, this.#limits) as RemoteWatch<EventItem<Options>>
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
    return new RemoteSubscription(
      this.#client,
      subscriptionRules(channels, false, options ?? {}),
      this.#limits,
    )
  }

  /** The same for all channels that fit patterns. */
  psubscribe<const Options extends SubscriptionOptions>(
    patterns: string | readonly string[],
    options?: Options,
  ): RemoteSubscription<SubscribedItem<Options>> {
    return new RemoteSubscription(
      this.#client,
      subscriptionRules(patterns, true, options ?? {}),
      this.#limits,
    )
  }

  // Locks, within the limits.

  override lock(...[name, options = {}]: Parameters<TypedCalls['lock']>): ReturnType<TypedCalls['lock']> {
    return this.#unlimited === undefined
      ? super.lock(name, options)
      : this.#locked(name, options, (all, signal) => all.lock(name, { ...options, signal }))
  }

  override tryLock(
    ...[name, options = {}]: Parameters<TypedCalls['tryLock']>
  ): ReturnType<TypedCalls['tryLock']> {
    return this.#unlimited === undefined
      ? super.tryLock(name, options)
      : this.#locked(name, {}, (all) => all.tryLock(name, options))
  }

  override semaphore(
    ...[name, limit, options = {}]: Parameters<TypedCalls['semaphore']>
  ): ReturnType<TypedCalls['semaphore']> {
    return this.#unlimited === undefined
      ? super.semaphore(name, limit, options)
      : this.#locked(name, options, (all, signal) => all.semaphore(name, limit, { ...options, signal }))
  }

  override trySemaphore(
    ...[name, limit, options = {}]: Parameters<TypedCalls['trySemaphore']>
  ): ReturnType<TypedCalls['trySemaphore']> {
    return this.#unlimited === undefined
      ? super.trySemaphore(name, limit, options)
      : this.#locked(name, {}, (all) => all.trySemaphore(name, limit, options))
  }

  #locked<T extends { release(): Promise<boolean> } | undefined>(
    name: string | readonly string[],
    { signal }: { readonly signal?: AbortSignal },
    take: (all: RemoteKeyspace, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    return waitWithin<T>({
      ...this.#limitsOf(signal),
      ...lockErrors(name, this.#unreachable('lock')),
      wait: (end) => take(this.#unlimited ?? this, end),
      drop: (lock) => void lock?.release().catch(() => undefined),
    })
  }

  #computed(key: KeyspaceKey, compute: Compute, options: ComputeOptions): Promise<Argument> {
    const all = this.#unlimited
    if (all === undefined) {
      this.#computations ??= new ComputeOnce(this.#client, this.#caller)
      return this.#computations.get(key, compute, options)
    }
    return waitWithin({
      ...this.#limitsOf(options.signal),
      ...computeErrors(key, this.#unreachable('lease.get')),
      wait: (signal) => all.#computed(key, compute, { ...options, signal }),
    })
  }

  #limitsOf(signal: AbortSignal | undefined) {
    return { clock: this.#client.clock, limits: this.#limits, signal }
  }

  /** Where there is no connection, that is why a wait was too long. */
  #unreachable(command: string): Unreachable {
    const { connector, settings } = this.#client
    return (timeoutMs) => {
      const { lastFailure } = connector
      return lastFailure && failedError(settings.address.shown, command, lastFailure, timeoutMs)
    }
  }
}

function isThere(reply: Reply): boolean {
  return reply !== null
}

/** Which of them it is, where `toArgument` knows no names. @throws SHL_OPTION_INVALID */
function checkInput(option: string, input: unknown): void {
  const isFit = input instanceof Uint8Array || ['string', 'number', 'bigint'].includes(typeof input)
  if (!isFit) invalidOption(option, input, 'a string, a Uint8Array, a number or a bigint')
}

/**
 * A subscription, as a program holds it: messages of channels, from the shards where they are given out.
 *
 * Messages of one channel come in the order in which its home shard took them; between channels of different
 * shards there is no order. At most once: what is published while nobody listens, or while a shard is being
 * started again, is gone, and said to be lost.
 *
 * Invariant: messages that wait are bounded, here and at the shards.
 * Cost: a hop per batch of messages.
 * Tests: test/keyspace/pubsub/pubsub.race.test.ts, test/client/remote-subscription.test.ts
 */
import {
  checkKnownOptions,
  choiceOption,
  invalidOption,
  numberOption,
  ShardloomError,
} from '../../base/index.ts'
import { type Argument, arrayOfBytes, type ByteString, bytesOfText, textOfBytes } from '../engine/index.ts'
import {
  type Deferred,
  deferred,
  Outlet,
  ShardStreams,
  type SlowPolicy,
  STREAM_WAIT_MS,
  type StreamClient,
} from '../watch/index.ts'
import { channelHomes } from './channel-home.ts'
import type { SubscriptionItem, SubscriptionKind } from './pubsub-messages.ts'

/** Options of `keyspace.subscribe` and `keyspace.psubscribe`. */
export interface SubscriptionOptions {
  /** Aborting it ends the subscription; that is no error. */
  readonly signal?: AbortSignal
  /** Messages that may wait at each shard. Default 1024. */
  readonly queueMax?: number
  /** Their bytes. Default 16 MiB. */
  readonly queueBytesMax?: number
  /**
   * `cut`, the default: a subscriber that is too slow, or whose shard was started again, gets an error.
   * `drop`: it goes on without the oldest messages, and an item of type `lost` says how many.
   */
  readonly whenSlow?: SlowPolicy
  /** Whether messages are given as text or as bytes. Default text. */
  readonly form?: 'text' | 'buffer'
  /** Channels of SPUBLISH. Default false. */
  readonly sharded?: boolean
}

/** A message. */
export interface ChannelMessage<Message = string> {
  readonly type: 'message'
  readonly channel: string
  /** The pattern by which it was found. */
  readonly pattern?: string
  readonly message: Message
}

/** Messages are missing here. */
export interface MessagesLost {
  readonly type: 'lost'
  /** How many; undefined: nobody knows, a shard was started again. */
  readonly count: number | undefined
}

/** Items of a subscription, as its options say. */
export type SubscribedItem<Options> =
  | ChannelMessage<Options extends { readonly form: 'buffer' } ? Uint8Array : string>
  | (Options extends { readonly whenSlow: 'drop' } ? MessagesLost : never)

type AnyItem = ChannelMessage<string | Uint8Array> | MessagesLost

const KNOWN = ['signal', 'queueMax', 'queueBytesMax', 'whenSlow', 'form', 'sharded']
const QUEUE_MAX = 1024
const QUEUE_BYTES_MAX = 16 * 1024 * 1024
/** Batches that may be on their way, and messages that wait here before streams do. */
const WINDOW = 2
const BUFFER_MAX = 1024

/** What subscribing needs of its thread. */
export interface SubscribeClient extends StreamClient {
  readonly memory: { readonly shardCount: number }
}

/** What a subscription is made with besides the way to its shards, all checked. */
export interface SubscriptionRules {
  readonly kind: SubscriptionKind
  /** As they were given. */
  readonly names: readonly string[]
  readonly queueMax: number
  readonly queueBytesMax: number
  readonly whenSlow: SlowPolicy
  readonly isBuffer: boolean
  readonly signal: AbortSignal | undefined
}

/** Subscribes. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function subscribe(
  client: SubscribeClient,
  names: string | readonly string[],
  isPattern: boolean,
  options: SubscriptionOptions,
): Subscription {
  return new Subscription(client, subscriptionRules(names, isPattern, options))
}

/** Reads options. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function subscriptionRules(
  names: string | readonly string[],
  isPattern: boolean,
  options: SubscriptionOptions,
): SubscriptionRules {
  checkKnownOptions(isPattern ? 'psubscribe' : 'subscribe', options, KNOWN)
  const list = typeof names === 'string' ? [names] : names
  if (list.length === 0 || list.some((name) => typeof name !== 'string')) {
    invalidOption(isPattern ? 'patterns' : 'channels', names, 'a name, or a list of at least one')
  }
  const { queueMax, queueBytesMax, whenSlow, form, sharded = false, signal } = options
  if (typeof sharded !== 'boolean' || (sharded && isPattern)) {
    invalidOption('sharded', sharded, 'true or false; patterns are never of sharded channels')
  }
  const range = { min: 1, max: 2 ** 31 - 1, integer: true }
  return {
    kind: isPattern ? 'patterns' : sharded ? 'sharded' : 'channels',
    names: [...new Set(list)],
    queueMax: numberOption('queueMax', queueMax, QUEUE_MAX, range),
    queueBytesMax: numberOption('queueBytesMax', queueBytesMax, QUEUE_BYTES_MAX, { ...range, min: 1024 }),
    whenSlow: choiceOption('whenSlow', whenSlow, 'cut', ['cut', 'drop']),
    isBuffer: choiceOption('form', form, 'text', ['text', 'buffer']) === 'buffer',
    signal,
  }
}

/** A message in bytes. */
interface MessageBytes {
  readonly channel: Argument
  readonly pattern?: Argument | undefined
  readonly message: Argument
}

/** A message as it is given to the program. */
export function channelMessage(
  { channel, pattern, message }: MessageBytes,
  isBuffer: boolean,
): ChannelMessage<string | Uint8Array> {
  return {
    type: 'message',
    channel: textOfBytes(channel),
    ...(pattern !== undefined && { pattern: textOfBytes(pattern) }),
    message: isBuffer ? arrayOfBytes(message) : textOfBytes(message),
  }
}

/** Iterates over messages; made by `keyspace.subscribe` and `keyspace.psubscribe`. */
export class Subscription<Item = AnyItem> implements AsyncIterableIterator<Item, undefined> {
  /** Resolves when every shard concerned has it: what is published afterwards, from anywhere, is heard. */
  readonly ready: Promise<void>
  readonly #ready: Deferred<void>
  readonly #outlet: Outlet<AnyItem>
  readonly #streams: ShardStreams<SubscriptionItem>
  readonly #isBuffer: boolean
  readonly #isCut: boolean
  readonly #unopened: Set<number>
  readonly #broken = new Set<number>()
  #items: AnyItem[] = []
  #taken = 0
  #goOn: (() => void)[] = []

  /** @internal */
  constructor(client: SubscribeClient, rules: SubscriptionRules) {
    const { kind, queueMax, queueBytesMax, whenSlow, isBuffer, signal } = rules
    const names = [...new Set(rules.names.map(bytesOfText))]
    const byShard = namesByShard(names, kind, client.memory.shardCount)
    const request = { kind, queueMax, queueBytesMax, whenSlow }
    this.#isBuffer = isBuffer
    this.#isCut = whenSlow === 'cut'
    this.#unopened = new Set(byShard.keys())
    this.#ready = deferred()
    this.ready = this.#ready.promise
    this.#outlet = new Outlet({ take: () => this.#take(), onClosed: () => this.#onClosed() }, signal)
    this.#streams = new ShardStreams({
      client,
      shards: [...byShard.keys()],
      open: (ref, shard) =>
        ref.stream(
          'subscribe',
          { ...request, names: byShard.get(shard) ?? [] },
          { window: WINDOW, timeoutMs: STREAM_WAIT_MS },
        ),
      onItem: (shard, item) => this.#onItem(shard, item),
      onBroken: (shard) => this.#onBroken(shard),
      onFailed: (error) => this.#fail(error),
    })
    if (this.#outlet.isClosed) this.#onClosed()
    else this.#streams.start()
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.next() as Promise<IteratorResult<Item, undefined>>
  }

  /** Ends the subscription. */
  return(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.return() as Promise<IteratorResult<Item, undefined>>
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #onItem(shard: number, item: SubscriptionItem): Promise<void> | undefined {
    if (item.type === 'open') {
      if (this.#broken.delete(shard)) this.#items.push({ type: 'lost', count: undefined })
      this.#unopened.delete(shard)
      if (this.#unopened.size === 0) this.#ready.resolve()
      this.#outlet.wake()
      return undefined
    }
    if (item.lost > 0) this.#items.push({ type: 'lost', count: item.lost })
    for (const message of item.messages) this.#items.push(channelMessage(message, this.#isBuffer))
    this.#outlet.wake()
    if (this.#items.length - this.#taken < BUFFER_MAX) return undefined
    return new Promise((resolve) => this.#goOn.push(resolve))
  }

  #onBroken(shard: number): void {
    // A stream that had not begun has lost nothing.
    if (this.#unopened.has(shard)) return
    if (!this.#isCut) this.#broken.add(shard)
    else {
      this.#fail(
        new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'messages may have been lost with it' }),
      )
    }
  }

  #take(): AnyItem | undefined {
    if (this.#taken === this.#items.length) return undefined
    const item = this.#items[this.#taken++]
    if (this.#taken === this.#items.length || this.#taken >= BUFFER_MAX) {
      this.#items = this.#items.slice(this.#taken)
      this.#taken = 0
    }
    if ((this.#items.length - this.#taken) * 2 <= BUFFER_MAX) for (const goOn of this.#goOn.splice(0)) goOn()
    return item
  }

  #fail(error: Error): void {
    this.#streams.close()
    this.#ready.reject(error)
    this.#outlet.fail(error)
  }

  #onClosed(): void {
    this.#streams.close()
    this.#items = []
    this.#taken = 0
    this.#ready.reject(new ShardloomError('SHL_STREAM_CANCELLED', { actor: 'keyspace', type: 'subscribe' }))
  }
}

/** Which names to subscribe to on which shard: patterns, and what comes from all shards, on all. */
function namesByShard(
  names: readonly ByteString[],
  kind: SubscriptionKind,
  shardCount: number,
): ReadonlyMap<number, readonly ByteString[]> {
  const byShard = new Map<number, ByteString[]>()
  for (const name of names) {
    for (const shard of channelHomes(kind, name, shardCount)) {
      const known = byShard.get(shard)
      if (known === undefined) byShard.set(shard, [name])
      else known.push(name)
    }
  }
  return byShard
}

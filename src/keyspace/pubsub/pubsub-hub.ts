/**
 * Channels of one shard: who listens to what, and what is given to whom.
 *
 * Messages are kept nowhere but in the queues of those who listen at that moment. A channel's messages all go
 * through its home shard, in the order in which they come there, so that subscribers of one channel see one
 * order; patterns are registered on every shard.
 *
 * Invariant: a message counts once for each subscription that it fits, and is put into its queue or counted
 * there as lost.
 * Cost: a look-up per message, and a match per pattern.
 * Tests: test/keyspace/pubsub/pubsub-hub.test.ts
 */
import { addAbortListener } from '../../base/index.ts'
import {
  type Argument,
  type ByteString,
  type ChannelHost,
  globMatcher,
  type Matcher,
} from '../engine/index.ts'
import { channelHome, isKeyChannel } from './channel-home.ts'
import type {
  PublishMessage,
  SubscribeRequest,
  SubscriptionItem,
  SubscriptionKind,
} from './pubsub-messages.ts'
import { Subscriber } from './subscriber.ts'

/** What a hub needs of its shard. */
export interface PubSubHubParts {
  readonly shard: number
  readonly shardCount: number
  /** Gives a message to the shard that is its channel's home. */
  forward(shard: number, message: PublishMessage): void
  /** Somebody listens, or nobody any more, who may want to hear of keys. */
  onKeyListeners(hasAny: boolean): void
}

/** Those who listen to one name. */
interface Listeners {
  readonly matches: Matcher
  readonly subscribers: Set<Subscriber>
}

/** The channels of a shard. */
export class PubSubHub implements ChannelHost {
  readonly #parts: PubSubHubParts
  readonly #listeners: Readonly<Record<SubscriptionKind, Map<ByteString, Listeners>>> = {
    channels: new Map(),
    sharded: new Map(),
    patterns: new Map(),
  }
  /** Subscriptions by which messages about keys may be wanted. */
  #keyListeners = 0

  constructor(parts: PubSubHubParts) {
    this.#parts = parts
  }

  get patternCount(): number {
    return this.#listeners.patterns.size
  }

  /**
   * Publishes; the number of those who get it. 0 when the channel's home is another shard, which has it then.
   */
  publish(channel: ByteString, message: Argument, isSharded: boolean): number {
    const { shard, shardCount, forward } = this.#parts
    const home = channelHome(channel, shardCount)
    if (home === shard) return this.deliver(channel, message, isSharded)
    forward(home, { channel, message, isSharded })
    return 0
  }

  /** Gives a message to those who listen here. */
  deliver(channel: ByteString, message: Argument, isSharded = false): number {
    let count = 0
    const { channels, sharded, patterns } = this.#listeners
    const named = (isSharded ? sharded : channels).get(channel)
    for (const subscriber of named?.subscribers ?? []) {
      subscriber.push({ channel, message })
      count++
    }
    if (isSharded) return count
    for (const [pattern, { matches, subscribers }] of patterns) {
      if (!matches(channel)) continue
      for (const subscriber of subscribers) {
        subscriber.push({ channel, pattern, message })
        count++
      }
    }
    return count
  }

  /** Channels with somebody who listens, of those whose home is here. */
  list(pattern: ByteString | undefined, isSharded: boolean): ByteString[] {
    const matches = globMatcher(pattern ?? '*')
    return [...this.#map(isSharded).keys()].filter((channel) => this.#isHome(channel) && matches(channel))
  }

  /** How many listen to a channel, if its home is here. */
  count(channel: ByteString, isSharded: boolean): number {
    return this.#isHome(channel) ? (this.#map(isSharded).get(channel)?.subscribers.size ?? 0) : 0
  }

  /** A subscriber's stream. */
  async *subscribe(request: SubscribeRequest, signal: AbortSignal): AsyncGenerator<SubscriptionItem, void> {
    const subscriber = new Subscriber(request)
    this.#add(subscriber)
    try {
      yield { type: 'open' }
      while (!signal.aborted) {
        if (subscriber.isReady) yield { type: 'batch', ...subscriber.take() }
        else await waitFor(subscriber, signal)
      }
    } finally {
      this.#remove(subscriber)
    }
  }

  #map(isSharded: boolean): Map<ByteString, Listeners> {
    return isSharded ? this.#listeners.sharded : this.#listeners.channels
  }

  #isHome(channel: ByteString): boolean {
    const { shard, shardCount } = this.#parts
    return channelHome(channel, shardCount) === shard
  }

  #add(subscriber: Subscriber): void {
    const { kind, names } = subscriber.request
    const map = this.#listeners[kind]
    for (const name of names) {
      const known = map.get(name)
      if (known !== undefined) known.subscribers.add(subscriber)
      else map.set(name, { matches: globMatcher(name), subscribers: new Set([subscriber]) })
    }
    if (wantsKeys(subscriber.request) && this.#keyListeners++ === 0) this.#parts.onKeyListeners(true)
  }

  #remove(subscriber: Subscriber): void {
    const { kind, names } = subscriber.request
    const map = this.#listeners[kind]
    for (const name of names) {
      const known = map.get(name)
      known?.subscribers.delete(subscriber)
      if (known?.subscribers.size === 0) map.delete(name)
    }
    if (wantsKeys(subscriber.request) && --this.#keyListeners === 0) this.#parts.onKeyListeners(false)
  }
}

/** Any pattern may mean them. */
function wantsKeys({ kind, names }: SubscribeRequest): boolean {
  return kind === 'patterns' || (kind === 'channels' && names.some(isKeyChannel))
}

function waitFor(subscriber: Subscriber, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      forget()
      subscriber.wake = () => {}
      resolve()
    }
    const forget = addAbortListener(signal, wake)
    subscriber.wake = wake
  })
}

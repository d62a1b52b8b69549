/**
 * Channels of one shard: who listens to what, and what is given to whom.
 *
 * Messages are kept nowhere but in the queues of those who listen at that moment. A channel's messages all go
 * through its home shard, in the order in which they come there, so that subscribers of one channel see one
 * order; patterns are registered on every shard.
 *
 * A program's subscription has names that stay, and a queue of its own. A thread that serves clients has one
 * stream for all of them (`hear`): its names come and go (`listen`), each with the number of clients behind
 * it, and what is told once is given to all of them there. On the thread of the shard it is called at once,
 * with no queue in between.
 *
 * Invariant: a message counts once for each subscription that it fits, with its weight, and is put into its
 * queue or counted there as lost.
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
  DeliveredMessage,
  HearRequest,
  ListenMessage,
  PublishMessage,
  SubscribeRequest,
  SubscriptionItem,
  SubscriptionKind,
  WeighedName,
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

/** What takes messages. */
export interface Ear {
  push(message: DeliveredMessage): void
}

/** Those who listen to one name, and how many clients each of them stands for. */
interface Listeners {
  readonly matches: Matcher
  readonly ears: Map<Ear, number>
  weight: number
}

/** A thread that listens for its clients. */
interface Hearing {
  readonly ear: Ear
  readonly names: Readonly<Record<SubscriptionKind, Set<ByteString>>>
}

/** The channels of a shard. */
export class PubSubHub implements ChannelHost {
  readonly #parts: PubSubHubParts
  readonly #listeners: Readonly<Record<SubscriptionKind, Map<ByteString, Listeners>>> = {
    channels: new Map(),
    sharded: new Map(),
    patterns: new Map(),
  }
  /** Threads that listen for their clients, by the names that they gave themselves. */
  readonly #hearings = new Map<string, Hearing>()
  /** Names by which messages about keys may be wanted, each once for each who has it. */
  #keyListeners = 0
  /** Channels that are listened to here, and at home elsewhere: those of keys. */
  #foreign = 0

  constructor(parts: PubSubHubParts) {
    this.#parts = parts
  }

  get patternCount(): number {
    return this.#listeners.patterns.size
  }

  /** Channels that are at home here and listened to. */
  get channelCount(): number {
    return this.#listeners.channels.size - this.#foreign
  }

  get shardedCount(): number {
    return this.#listeners.sharded.size
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
    if (named !== undefined) {
      const told = isSharded ? { channel, message, isSharded } : { channel, message }
      for (const ear of named.ears.keys()) ear.push(told)
      count += named.weight
    }
    if (isSharded) return count
    for (const [pattern, { matches, ears, weight }] of patterns) {
      if (!matches(channel)) continue
      for (const ear of ears.keys()) ear.push({ channel, pattern, message })
      count += weight
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
    return this.#isHome(channel) ? (this.#map(isSharded).get(channel)?.weight ?? 0) : 0
  }

  /** A subscriber's stream. */
  async *subscribe(request: SubscribeRequest, signal: AbortSignal): AsyncGenerator<SubscriptionItem, void> {
    const subscriber = new Subscriber(request)
    const { kind, names } = request
    for (const name of names) this.#weigh(subscriber, kind, name, 1)
    try {
      yield* messagesOf(subscriber, signal)
    } finally {
      for (const name of names) this.#weigh(subscriber, kind, name, 0)
    }
  }

  /** The stream of a thread's clients. `local`: it is the shard's own thread, and is called instead. */
  async *hear(
    request: HearRequest,
    signal: AbortSignal,
    local?: Ear,
  ): AsyncGenerator<SubscriptionItem, void> {
    const subscriber = new Subscriber({ ...request, whenSlow: 'cut' })
    const names = { channels: new Set<string>(), sharded: new Set<string>(), patterns: new Set<string>() }
    const hearing = { ear: local ?? subscriber, names }
    this.#hearings.set(request.id, hearing)
    this.#listen(hearing, request.names)
    try {
      yield* messagesOf(subscriber, signal)
    } finally {
      this.#hearings.delete(request.id)
      for (const kind of ['channels', 'sharded', 'patterns'] as const) {
        for (const name of names[kind]) this.#weigh(hearing.ear, kind, name, 0)
      }
    }
  }

  /** Names of a thread come, go, or have other weights; false: it does not listen. */
  listen({ id, names }: ListenMessage): boolean {
    const hearing = this.#hearings.get(id)
    if (hearing === undefined) return false
    this.#listen(hearing, names)
    return true
  }

  #listen({ ear, names }: Hearing, changes: readonly WeighedName[]): void {
    for (const [kind, name, weight] of changes) {
      if (weight > 0) names[kind].add(name)
      else names[kind].delete(name)
      this.#weigh(ear, kind, name, weight)
    }
  }

  #map(isSharded: boolean): Map<ByteString, Listeners> {
    return isSharded ? this.#listeners.sharded : this.#listeners.channels
  }

  #isHome(channel: ByteString): boolean {
    const { shard, shardCount } = this.#parts
    return channelHome(channel, shardCount) === shard
  }

  /** How many clients of an ear listen to a name; 0: none any more. */
  #weigh(ear: Ear, kind: SubscriptionKind, name: ByteString, weight: number): void {
    const map = this.#listeners[kind]
    let known = map.get(name)
    const before = known?.ears.get(ear) ?? 0
    if (before === weight) return
    if (known === undefined) {
      known = { matches: globMatcher(name), ears: new Map(), weight: 0 }
      map.set(name, known)
    }
    known.weight += weight - before
    if (weight > 0) known.ears.set(ear, weight)
    else known.ears.delete(ear)
    if (known.ears.size === 0) map.delete(name)
    if ((before > 0 && weight > 0) || !mayMeanKeys(kind, name)) return
    this.#keyListeners += weight > 0 ? 1 : -1
    if (this.#keyListeners === (weight > 0 ? 1 : 0)) this.#parts.onKeyListeners(weight > 0)
  }
}

/** Any pattern may. */
function mayMeanKeys(kind: SubscriptionKind, name: ByteString): boolean {
  return kind === 'patterns' || (kind === 'channels' && isKeyChannel(name))
}

async function* messagesOf(
  subscriber: Subscriber,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionItem, void> {
  yield { type: 'open' }
  while (!signal.aborted) {
    if (subscriber.isReady) yield { type: 'batch', ...subscriber.take() }
    else await waitFor(subscriber, signal)
  }
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

/**
 * A subscription over the network: the same items as one in the process of the keyspace.
 *
 * At most once: what is published while there is no connection is gone, and is said to be lost, by an item or
 * an error, as was asked for.
 *
 * Invariant: messages that wait here are bounded, by count and by bytes.
 * Tests: test/client/remote-subscription.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { bytesOfText } from '../keyspace/engine/index.ts'
import {
  type ChannelMessage,
  channelMessage,
  type MessagesLost,
  type SubscriptionRules,
} from '../keyspace/remoting/index.ts'
import type { CallLimits } from './call-limits.ts'
import type { Connection } from './connection.ts'
import { lostError } from './connection-errors.ts'
import type { RemoteClient } from './remote-client.ts'
import { RemoteStream } from './remote-stream.ts'

const MAY_BE_LOST = 'messages may have been lost with it'

type AnyItem = ChannelMessage<string | Uint8Array> | MessagesLost

/** Iterates over messages; made by `keyspace.subscribe` and `keyspace.psubscribe`. */
export class RemoteSubscription<Item = AnyItem> extends RemoteStream<Item, void> {
  readonly #rules: SubscriptionRules
  /** Messages, and what is said to be lost between them. */
  #items: AnyItem[] = []
  #messages = 0
  #bytes = 0

  /** @internal */
  constructor(client: RemoteClient, rules: SubscriptionRules, limits: CallLimits = {}) {
    super({ client, type: 'subscribe', wish: {}, mayWait: false, signal: rules.signal, limits })
    this.#rules = rules
    this.begin()
  }

  protected override async open(connection: Connection): Promise<void> {
    const { kind, names, isBuffer } = this.#rules
    const listens = names.map((name) => {
      const pattern = kind === 'patterns' ? bytesOfText(name) : undefined
      return connection.subscribe(kind, name, (message, channel) => {
        if (!this.isOver) this.#push(channelMessage({ channel, pattern, message }, isBuffer))
      })
    })
    await Promise.all(listens)
  }

  #push(item: ChannelMessage<string | Uint8Array>): void {
    this.#items.push(item)
    this.#messages++
    this.#bytes += sizeOf(item)
    this.wake()
    const { queueMax, queueBytesMax, whenSlow } = this.#rules
    if (this.#items.length <= queueMax && !this.#isHeavy) return
    if (whenSlow === 'drop') this.#dropOldest()
    else this.fail(new ShardloomError('SHL_SUBSCRIBER_SLOW', { queueMax, queueBytesMax }))
  }

  /** One message may be larger than all that may wait: it waits alone. */
  get #isHeavy(): boolean {
    return this.#bytes > this.#rules.queueBytesMax && this.#messages > 1
  }

  /** One item says how many are missing where they were. The newest message stays. */
  #dropOldest(): void {
    const keptMax = Math.max(1, this.#rules.queueMax - 1)
    let lost: number | undefined = 0
    while (this.#items.length > keptMax || this.#isHeavy) {
      const item = this.#shift() as AnyItem
      const count: number | undefined = item.type === 'message' ? 1 : item.count
      lost = lost === undefined || count === undefined ? undefined : lost + count
    }
    this.#items.unshift({ type: 'lost', count: lost })
  }

  protected override take(): Item | undefined {
    return this.#shift() as Item | undefined
  }

  #shift(): AnyItem | undefined {
    const item = this.#items.shift()
    if (item?.type === 'message') {
      this.#messages--
      this.#bytes -= sizeOf(item)
    }
    return item
  }

  protected override onBroken(error: Error): boolean {
    if (this.#rules.whenSlow === 'cut') {
      this.fail(lostError(this.client.settings.address.shown, 'subscribe', true, error, MAY_BE_LOST))
      return false
    }
    if (this.#items.at(-1)?.type !== 'lost') this.#items.push({ type: 'lost', count: undefined })
    this.wake()
    return true
  }

  protected override clear(): void {
    this.#items = []
  }
}

function sizeOf({ channel, message }: ChannelMessage<string | Uint8Array>): number {
  return message.length + channel.length
}

/**
 * One subscriber of a shard: its queue, with an end.
 *
 * Invariant: at most `queueMax` messages and `queueBytesMax` bytes wait, and what was dropped is counted, and
 * told in its place; with the policy `cut`, the first one that is dropped ends the subscription.
 * Tests: test/keyspace/pubsub/subscriber.prop.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import type { DeliveredMessage, SubscribeRequest } from './pubsub-messages.ts'

const BATCH_MESSAGES = 256
const BATCH_BYTES = 256 * 1024
/** What a message takes besides its text, roughly. */
const MESSAGE_BYTES = 64

/** What is taken at a time. */
export interface TakenMessages {
  /** Messages that were dropped before these. */
  readonly lost: number
  readonly messages: readonly DeliveredMessage[]
}

/** What may wait, and what becomes of more. */
export type QueueLimits = Pick<SubscribeRequest, 'queueMax' | 'queueBytesMax' | 'whenSlow'>

/** A queue of messages. */
export class Subscriber {
  readonly request: QueueLimits
  #queue: DeliveredMessage[] = []
  #taken = 0
  #bytes = 0
  #lost = 0
  #isCut = false
  /** Tells its stream to look again. */
  wake: () => void = () => {}

  constructor(request: QueueLimits) {
    this.request = request
  }

  /** Messages that wait. */
  get count(): number {
    return this.#queue.length - this.#taken
  }

  get bytes(): number {
    return this.#bytes
  }

  get isReady(): boolean {
    return this.count > 0 || this.#lost > 0 || this.#isCut
  }

  push(message: DeliveredMessage): void {
    if (this.#isCut) return
    this.#queue.push(message)
    this.#bytes += messageBytes(message)
    const { queueMax, queueBytesMax, whenSlow } = this.request
    while (this.count > queueMax || (this.#bytes > queueBytesMax && this.count > 1)) {
      if (whenSlow === 'cut') {
        this.#isCut = true
        this.#queue = []
        this.#taken = 0
        this.#bytes = 0
        break
      }
      this.#shift()
      this.#lost++
    }
    this.wake()
  }

  /** What is next. @throws SHL_SUBSCRIBER_SLOW */
  take(): TakenMessages {
    const { queueMax, queueBytesMax } = this.request
    if (this.#isCut) throw new ShardloomError('SHL_SUBSCRIBER_SLOW', { queueMax, queueBytesMax })
    const lost = this.#lost
    this.#lost = 0
    const messages: DeliveredMessage[] = []
    let bytes = 0
    while (this.count > 0 && messages.length < BATCH_MESSAGES && bytes < BATCH_BYTES) {
      const message = this.#shift()
      messages.push(message)
      bytes += messageBytes(message)
    }
    return { lost, messages }
  }

  #shift(): DeliveredMessage {
    const message = this.#queue[this.#taken++] as DeliveredMessage
    this.#bytes -= messageBytes(message)
    if (this.#taken === this.#queue.length || (this.#taken >= 1024 && this.#taken * 2 > this.#queue.length)) {
      this.#queue = this.#queue.slice(this.#taken)
      this.#taken = 0
    }
    return message
  }
}

function messageBytes({ channel, message }: DeliveredMessage): number {
  return MESSAGE_BYTES + channel.length + message.length
}

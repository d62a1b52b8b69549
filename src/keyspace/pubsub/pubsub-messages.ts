/**
 * What subscribers and shards say to each other.
 * Tests: test/keyspace/pubsub/pubsub.race.test.ts
 */
import type { Argument, ByteString } from '../engine/index.ts'
import type { SlowPolicy } from '../watch/watch-messages.ts'

/** Names of channels, of sharded channels, or patterns of channels. */
export type SubscriptionKind = 'channels' | 'sharded' | 'patterns'

/** Opens a stream of messages. */
export interface SubscribeRequest {
  readonly kind: SubscriptionKind
  readonly names: readonly ByteString[]
  /** Messages, and their bytes, that may wait at the shard. */
  readonly queueMax: number
  readonly queueBytesMax: number
  readonly whenSlow: SlowPolicy
}

/** A name, and how many clients listen to it; 0: none any more. */
export type WeighedName = readonly [kind: SubscriptionKind, name: ByteString, weight: number]

/** Opens the stream of a thread that listens for its clients. */
export interface HearRequest {
  /** Of the stream; no other has or had it. */
  readonly id: string
  readonly names: readonly WeighedName[]
  readonly queueMax: number
  readonly queueBytesMax: number
}

/** Names of such a stream have other weights. */
export interface ListenMessage {
  readonly id: string
  readonly names: readonly WeighedName[]
}

/** A message as a subscriber gets it. */
export interface DeliveredMessage {
  readonly channel: ByteString
  /** Of SPUBLISH. */
  readonly isSharded?: boolean
  /** The pattern by which it was found. */
  readonly pattern?: ByteString
  readonly message: Argument
}

/** What a shard's stream gives: `open` first. */
export type SubscriptionItem =
  | { readonly type: 'open' }
  | {
      readonly type: 'batch'
      /** Messages that were dropped before these. */
      readonly lost: number
      readonly messages: readonly DeliveredMessage[]
    }

/** A message for a channel whose home is another shard. */
export interface PublishMessage {
  readonly channel: ByteString
  readonly message: Argument
  readonly isSharded: boolean
}

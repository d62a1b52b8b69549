/**
 * Which shards have to do with a channel.
 *
 * A channel has a home, by its hash slot as the slots were dealt out first. It does not move when slots do:
 * nothing is stored under a channel, and a move would lose messages or orders for no gain. Messages about
 * keys (`__keyspace@0__:…`, `__keyevent@0__:…`) come from the shard that owns the key, so that those who
 * listen to them do so on all shards.
 *
 * Tests: test/keyspace/pubsub/pubsub-hub.test.ts
 */
import type { ByteString } from '../engine/index.ts'
import { HASH_SLOTS, hashSlotOf } from '../hash-slot.ts'
import type { SubscriptionKind } from './pubsub-messages.ts'

/** The shard where a channel's messages are given out. */
export function channelHome(channel: ByteString, shardCount: number): number {
  return Math.floor((hashSlotOf(channel) * shardCount) / HASH_SLOTS)
}

/** The shards where somebody listens to a name: for patterns, and for what comes from all shards, all. */
export function channelHomes(
  kind: SubscriptionKind,
  name: ByteString,
  shardCount: number,
): readonly number[] {
  const isEverywhere = kind === 'patterns' || (kind === 'channels' && isKeyChannel(name))
  if (isEverywhere) return Array.from({ length: shardCount }, (_, shard) => shard)
  return [channelHome(name, shardCount)]
}

/** Whether messages of a channel come from every shard. */
export function isKeyChannel(channel: ByteString): boolean {
  return channel.startsWith('__keyspace@') || channel.startsWith('__keyevent@')
}

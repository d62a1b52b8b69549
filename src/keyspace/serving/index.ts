/** What a server of the keyspace may use of it: one thread's client, and the shards of that thread. */
export { KEYSPACE_SERVICE } from '../client/agent-actor.ts'
export type { CallOptions } from '../client/client-parts.ts'
export { hasOneKey } from '../client/key-command.ts'
export { Keyspace } from '../client/keyspace.ts'
export type { KeyspaceClient } from '../client/keyspace-client.ts'
export type { LentArguments, PendingCommand } from '../client/pending-command.ts'
export { replyError } from '../client/reply-value.ts'
export {
  changeShards,
  makeRoom,
  shardFigures,
  slotKeys,
  snapshotAll,
  syncShards,
} from '../client/shard-admin.ts'
export type { BatchCommand, WatchedKey } from '../client/transactions.ts'
export { callWaiting, hasMoved } from '../client/waiting-call.ts'
export { HASH_SLOTS, hashSlotOf, hashSlotOfBytes } from '../hash-slot.ts'
export {
  channelHome,
  channelHomes,
  type DeliveredMessage,
  type SubscriptionItem,
  type SubscriptionKind,
  type WeighedName,
} from '../pubsub/index.ts'
export { type InlineRun, LOCAL_SHARDS_SERVICE } from '../shard/inline-run.ts'
export { type LocalEar, localEars } from '../shard/local-ears.ts'
export type { ShardChange } from '../shard/shard-change.ts'
export type { DatabaseFigures, LogFigures, ShardFigures } from '../shard/shard-figures.ts'
export type { ShardMessages } from '../shard/shard-messages.ts'
export type { ShardStats } from '../shard/shard-stats.ts'
export type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
export {
  ChangeFilter,
  type Deferred,
  deferred,
  FilterIndex,
  KeyspaceWatch,
  type RecordedChange,
  ShardStreams,
  STREAM_WAIT_MS,
  type StreamClient,
  type TouchedItem,
} from '../watch/index.ts'
export { MOVED, NO_SLOT, type ReplyReader, RequestReader } from '../wire/index.ts'

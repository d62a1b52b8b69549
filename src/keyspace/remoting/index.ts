/** What a client over the network may use of it: the typed faces, and what they ask of their client. */
export type { BatchOptions, SetOptions, TransactionOptions } from '../client/call-options.ts'
export { setFlags } from '../client/call-options.ts'
export {
  bufferOf,
  CommandCaller,
  itemsOf,
  type KeyspaceInput,
  textOf,
  toArgument,
} from '../client/caller.ts'
export type { CallOptions } from '../client/client-parts.ts'
export type { CommandClient } from '../client/command-client.ts'
export { type Compute, ComputeOnce, type ComputeOptions } from '../client/compute-once.ts'
export type { Convert } from '../client/key-command.ts'
export { type ReplyValue, replyError, replyValue } from '../client/reply-value.ts'
export { KeyspaceTransaction } from '../client/transaction-face.ts'
export { TransactionScratch } from '../client/transaction-scratch.ts'
export { type KeyspaceKey, TypedCalls } from '../client/typed-calls.ts'
export { hashSlotOf } from '../hash-slot.ts'
export {
  type ChannelMessage,
  channelMessage,
  type MessagesLost,
  type SubscribedItem,
  type SubscriptionOptions,
  type SubscriptionRules,
  subscriptionRules,
} from '../pubsub/subscription.ts'
export { ChangeFilter } from '../watch/change-filter.ts'
export type { RecordedChange } from '../watch/change-record.ts'
export { type Deferred, deferred, Outlet } from '../watch/outlet.ts'
export type { LostRange } from '../watch/watch-messages.ts'
export {
  type EventItem,
  type EventsOptions,
  eventRules,
  type WatchedItem,
  type WatchOptions,
  type WatchRules,
  watchRules,
} from '../watch/watch-options.ts'

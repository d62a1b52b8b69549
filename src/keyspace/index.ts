/** What programs and other folders may use of `keyspace`. */
export { Keyspace } from './client/keyspace.ts'
export type { ReplyValue } from './client/reply-value.ts'
export type { EvictionPolicyName } from './engine/index.ts'
export type { KeyspaceOptions } from './host/keyspace-options.ts'
export {
  KeyspaceRuntime,
  type KeyspaceRuntimeOptions,
  loadKeyspace,
} from './keyspace-runtime.ts'
export type {
  ChannelMessage,
  MessagesLost,
  SubscribedItem,
  Subscription,
  SubscriptionOptions,
} from './pubsub/index.ts'
export type {
  EventItem,
  EventsOptions,
  KeyEventClassName,
  KeyspaceChange,
  KeyspaceChanges,
  KeyspaceChangesLost,
  KeyspaceEvent,
  KeyspaceWatch,
  WatchedItem,
  WatchOptions,
} from './watch/index.ts'

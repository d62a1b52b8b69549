/** What programs and other folders may use of `keyspace`. */

export type { Compute, ComputeContext, ComputeOptions } from './client/compute-once.ts'
export { Keyspace } from './client/keyspace.ts'
export type { KeyspaceLock } from './client/lock.ts'
export type {
  LimitOptions,
  LimitView,
  LockHolderView,
  LockView,
  LockWaiterView,
} from './client/lock-face.ts'
export type {
  LockOptions,
  SemaphoreOptions,
  TryLockOptions,
  TrySemaphoreOptions,
} from './client/lock-options.ts'
export type { ReplyValue } from './client/reply-value.ts'
export type { EvictionPolicyName } from './engine/index.ts'
export type { KeyspaceOptions } from './host/keyspace-options.ts'
export {
  createRuntime,
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

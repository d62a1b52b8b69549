/** What the rest of the keyspace may use of watching. */
export { ChangeFilter } from './change-filter.ts'
export type { RecordedChange } from './change-record.ts'
export { CommitFeed } from './commit-feed.ts'
export { type KeyEventClassName, type NotifyFlags, notifyFlags } from './event-classes.ts'
export { FilterIndex } from './filter-index.ts'
export { KeyspaceWatch } from './keyspace-watch.ts'
export { type Deferred, deferred, Outlet } from './outlet.ts'
export { ReplayedChanges } from './replayed-changes.ts'
export { ShardStreams, STREAM_WAIT_MS, type StreamClient } from './shard-streams.ts'
export { type TouchedItem, TouchedKeys, touchedKeys } from './touched-keys.ts'
export { WatchHub } from './watch-hub.ts'
export type { ProgressRequest, SlowPolicy, WatchItem, WatchRequest } from './watch-messages.ts'
export {
  type EventItem,
  type EventsOptions,
  type KeyspaceChange,
  type KeyspaceChanges,
  type KeyspaceChangesLost,
  type KeyspaceEvent,
  type SlowOptions,
  type WatchedItem,
  type WatchOptions,
  watchEvents,
  watchKeys,
} from './watch-options.ts'

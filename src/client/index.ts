/** What `shardloom/client` names: the keyspace of a server, over the network. */
export type { CallLimits } from './call-limits.ts'
export type {
  CacheMetrics,
  ClientEvent,
  ClientMetrics,
  ConnectionPurpose,
} from './client-event.ts'
export { connect } from './connect.ts'
export type {
  BackoffOptions,
  BreakerOptions,
  CacheOptions,
  ClientTlsOptions,
  ConnectOptions,
} from './connect-options.ts'
export { type NotRemote, RemoteKeyspace } from './remote-keyspace.ts'
export { RemoteSession } from './remote-session.ts'
export { RemoteSubscription } from './remote-subscription.ts'
export { RemoteWatch } from './remote-watch.ts'

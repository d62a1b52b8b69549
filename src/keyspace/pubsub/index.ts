/** What the rest of the keyspace may use of publish and subscribe. */
export { channelHome, channelHomes } from './channel-home.ts'
export { KeyNotifier } from './key-notifier.ts'
export { type Ear, PubSubHub } from './pubsub-hub.ts'
export type {
  DeliveredMessage,
  HearRequest,
  ListenMessage,
  PublishMessage,
  SubscribeRequest,
  SubscriptionItem,
  SubscriptionKind,
  WeighedName,
} from './pubsub-messages.ts'
export {
  type ChannelMessage,
  type MessagesLost,
  type SubscribedItem,
  Subscription,
  type SubscriptionOptions,
  subscribe,
} from './subscription.ts'

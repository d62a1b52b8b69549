/** What the rest of the keyspace may use of publish and subscribe. */
export { channelHome } from './channel-home.ts'
export { KeyNotifier } from './key-notifier.ts'
export { PubSubHub } from './pubsub-hub.ts'
export type { PublishMessage, SubscribeRequest, SubscriptionItem } from './pubsub-messages.ts'
export {
  type ChannelMessage,
  type MessagesLost,
  type SubscribedItem,
  Subscription,
  type SubscriptionOptions,
  subscribe,
} from './subscription.ts'

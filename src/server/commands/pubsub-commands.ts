/**
 * SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and what ends them. PUBLISH and PUBSUB are commands of the keyspace.
 *
 * Source: https://redis.io/docs/latest/develop/interact/pubsub/
 * Tests: test/server/push/subscriptions.race.test.ts
 */
import { byteString } from '../../keyspace/engine/index.ts'
import type { SubscriptionKind } from '../../keyspace/serving/index.ts'
import { helpReply } from '../catalog/index.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import type { ServerCommand } from './server-command.ts'

function subscribing(kind: SubscriptionKind): ServerCommand['run'] {
  return (session, argv) => {
    const { subscriptions } = pushesOf(session.thread)
    return subscriptions.subscribe(session, kind, argv.slice(1).map(byteString))
  }
}

function unsubscribing(kind: SubscriptionKind): ServerCommand['run'] {
  return (session, argv) => {
    const { subscriptions } = pushesOf(session.thread)
    return subscriptions.unsubscribe(session, kind, argv.slice(1).map(byteString))
  }
}

const COMMON = {
  flags: ['pubsub', 'noscript', 'loading', 'stale'],
  group: 'pubsub',
} as const satisfies Partial<ServerCommand>

const HEARD = 'It answers when all shards know of it: what is published afterwards is heard.'

export const pubsubCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'subscribe',
    arity: -2,
    summary: 'Listens to channels.',
    complexity: 'O(N) with N channels',
    syntax: 'channel [channel ...]',
    since: '2.0.0',
    differs: HEARD,
    run: subscribing('channels'),
  },
  {
    ...COMMON,
    name: 'unsubscribe',
    arity: -1,
    summary: 'Stops listening to channels, or to all.',
    complexity: 'O(N) with N channels',
    syntax: '[channel [channel ...]]',
    since: '2.0.0',
    run: unsubscribing('channels'),
  },
  {
    ...COMMON,
    name: 'psubscribe',
    arity: -2,
    summary: 'Listens to channels whose names fit patterns.',
    complexity: 'O(N) with N patterns',
    syntax: 'pattern [pattern ...]',
    since: '2.0.0',
    differs: HEARD,
    run: subscribing('patterns'),
  },
  {
    ...COMMON,
    name: 'punsubscribe',
    arity: -1,
    summary: 'Stops listening to patterns, or to all.',
    complexity: 'O(N) with N patterns',
    syntax: '[pattern [pattern ...]]',
    since: '2.0.0',
    run: unsubscribing('patterns'),
  },
  {
    ...COMMON,
    name: 'ssubscribe',
    arity: -2,
    summary: 'Listens to sharded channels.',
    complexity: 'O(N) with N channels',
    syntax: 'shardchannel [shardchannel ...]',
    since: '7.0.0',
    differs: `${HEARD} Channels of several slots may be named: they are all of one node.`,
    run: subscribing('sharded'),
  },
  {
    ...COMMON,
    name: 'sunsubscribe',
    arity: -1,
    summary: 'Stops listening to sharded channels, or to all.',
    complexity: 'O(N) with N channels',
    syntax: '[shardchannel [shardchannel ...]]',
    since: '7.0.0',
    run: unsubscribing('sharded'),
  },
  {
    name: 'pubsub|help',
    arity: 2,
    flags: ['loading', 'stale'],
    group: 'pubsub',
    summary: 'Lists the subcommands.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.2.0',
    run: ({ thread }) => helpReply(thread.catalog, 'pubsub'),
  },
]

/**
 * Publish and subscribe: PUBLISH and SPUBLISH, and what PUBSUB tells.
 *
 * SUBSCRIBE and its kin are no commands of a shard: whoever holds a connection opens streams.
 *
 * Source: https://redis.io/docs/latest/commands/?group=pubsub
 * Tests: test/keyspace/pubsub/pubsub-commands.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  err,
  type Reply,
} from '../engine/index.ts'

const WITHIN =
  'Within a transaction whose shard is not the home of the channel it answers 0: ' +
  'the message goes on from there.'
const COUNTED =
  'Subscriptions are counted, each as often as it fits, and all are known: nothing is told to other nodes.'

function publish(isSharded: boolean): CommandSpec['handler'] {
  return ({ engine }, argv) => {
    const [, channel, message] = argv as readonly [Argument, Argument, Argument]
    return engine.channels.publish(byteString(channel), message, isSharded)
  }
}

function list({ engine }: Call, argv: readonly ByteString[], isSharded: boolean): Reply {
  const [, subcommand, pattern] = argv
  if (argv.length <= 3) return engine.channels.list(pattern, isSharded)
  return err(`unknown subcommand or wrong number of arguments for '${subcommand}'. Try PUBSUB HELP.`)
}

function counts({ engine }: Call, names: readonly ByteString[], isSharded: boolean): Reply {
  return names.flatMap((name) => [name, engine.channels.count(name, isSharded)])
}

export const pubsubCommands: readonly CommandSpec[] = [
  {
    name: 'publish',
    arity: 3,
    flags: ['fast', 'rawValues'],
    channelAt: 1,
    group: 'pubsub',
    summary: 'Publishes a message to a channel; the number of those who get it.',
    complexity: 'O(N+M) with N listeners of the channel and M patterns',
    syntax: 'channel message',
    since: '2.0.0',
    differs: `${COUNTED} ${WITHIN}`,
    handler: publish(false),
  },
  {
    name: 'spublish',
    arity: 3,
    flags: ['fast', 'rawValues'],
    channelAt: 1,
    group: 'pubsub',
    summary: 'Publishes a message to a sharded channel; the number of those who get it.',
    complexity: 'O(N) with N listeners of the channel',
    syntax: 'shardchannel message',
    since: '7.0.0',
    differs: WITHIN,
    handler: publish(true),
  },
  {
    name: 'pubsub|channels',
    arity: -2,
    flags: ['all_shards'],
    split: 'concat',
    group: 'pubsub',
    summary: 'Lists the channels that somebody listens to, or those that fit a pattern.',
    complexity: 'O(N) with N channels',
    syntax: '[pattern]',
    since: '2.8.0',
    handler: (call, argv) => list(call, argv, false),
  },
  {
    name: 'pubsub|shardchannels',
    arity: -2,
    flags: ['all_shards'],
    split: 'concat',
    group: 'pubsub',
    summary: 'Lists the sharded channels that somebody listens to, or those that fit a pattern.',
    complexity: 'O(N) with N channels',
    syntax: '[pattern]',
    since: '7.0.0',
    handler: (call, argv) => list(call, argv, true),
  },
  {
    name: 'pubsub|numsub',
    arity: -2,
    flags: ['all_shards'],
    split: 'counts',
    group: 'pubsub',
    summary: 'Counts who listens to each of some channels, by name; patterns are not counted.',
    complexity: 'O(N) with N channels that are named',
    syntax: '[channel [channel ...]]',
    since: '2.8.0',
    handler: (call, argv) => counts(call, argv.slice(2), false),
  },
  {
    name: 'pubsub|shardnumsub',
    arity: -2,
    flags: ['all_shards'],
    split: 'counts',
    group: 'pubsub',
    summary: 'Counts who listens to each of some sharded channels.',
    complexity: 'O(N) with N channels that are named',
    syntax: '[shardchannel [shardchannel ...]]',
    since: '7.0.0',
    handler: (call, argv) => counts(call, argv.slice(2), true),
  },
  {
    name: 'pubsub|numpat',
    arity: 2,
    flags: ['fast'],
    group: 'pubsub',
    summary: 'Counts the patterns that somebody listens to, each once.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.0',
    handler: ({ engine }) => engine.channels.patternCount,
  },
]

/**
 * Channels, as commands see them: the shard that hosts an engine gives it what it has.
 * Tests: test/keyspace/pubsub/pubsub-commands.test.ts
 */
import type { Argument, ByteString } from './byte-string.ts'
import { err } from './reply.ts'

/** Publishes, and tells who listens. */
export interface ChannelHost {
  /** Patterns that somebody listens to, each once. */
  readonly patternCount: number
  /** The number of those who get it. */
  publish(channel: ByteString, message: Argument, isSharded: boolean): number
  /** Channels that somebody listens to. */
  list(pattern: ByteString | undefined, isSharded: boolean): ByteString[]
  /** Those who listen to a channel by its name. */
  count(channel: ByteString, isSharded: boolean): number
}

/** An engine without a shard, such as that of a transaction's callback: what is published would be lost. */
export const NO_CHANNELS: ChannelHost = {
  patternCount: 0,
  publish() {
    throw err('PUBLISH is not allowed here: publish when the transaction is done')
  },
  list: () => [],
  count: () => 0,
}

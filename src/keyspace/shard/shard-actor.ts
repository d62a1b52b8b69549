/**
 * The actor that a shard is: its messages, over `Shard`.
 *
 * Reentrant, because some answers come later: waits, and commands behind a transaction. The work itself is
 * synchronous, so that messages take effect one by one all the same.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { type ActorContext, type ActorDefinition, contextHost, defineActor } from '../../actor/index.ts'
import { seededRandom } from '../../base/index.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { TableNews } from '../shared/table-feed.ts'
import { Shard } from './shard.ts'
import type { ShardArgs } from './shard-options.ts'

/** What a shard takes. */
export interface ShardMessages {
  run(shard: Shard, batch: Uint8Array): Uint8Array | Promise<Uint8Array>
  block(shard: Shard, request: Uint8Array, ctx: ActorContext): Promise<Uint8Array>
  tables(shard: Shard): TableNews
}

const receive: ShardMessages = {
  run: (shard, batch) => shard.run(batch),
  block: (shard, request, ctx) => shard.runBlocking(request, ctx.signal),
  tables: (shard) => shard.publisher.news(),
}

export const shardActor: ActorDefinition<Shard, ShardArgs, ShardMessages> = defineActor<
  Shard,
  ShardArgs,
  ShardMessages
>({
  name: 'keyspace-shard',
  reentrant: true,
  mailbox: { depthMax: 65_536, bytesMax: 2 ** 31 - 1, policy: 'wait' },
  onError: () => 'resume',
  init(ctx, { id, memory, channel, seed, hashSeed, settings }) {
    const { clock, channels } = contextHost(ctx)
    return new Shard({
      id,
      memory: new KeyspaceMemory(memory),
      clock,
      random: seededRandom(seed),
      broadcast: channels.broadcast(channel),
      hashSeed,
      settings,
    })
  },
  receive: receive as never,
  onStop: (shard) => shard.close(),
  formatState: (shard) => ({ id: shard.id, keys: shard.engine.openDatabases().map((db) => db.size) }),
})

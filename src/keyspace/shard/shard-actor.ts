/**
 * The actor that a shard is: its messages, over `Shard` and `Coordinator`.
 *
 * Reentrant, because some answers come later: waits, and commands behind a transaction. The work itself is
 * synchronous, so that messages take effect one by one all the same.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { type ActorDefinition, type ActorRef, contextHost, defineActor } from '../../actor/index.ts'
import { ShardloomError, seededRandom } from '../../base/index.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { Coordinator } from './coordinator.ts'
import { Shard } from './shard.ts'
import type { ShardMessages } from './shard-messages.ts'
import type { ShardArgs } from './shard-options.ts'
import { awaitKeys, loadOf, scanStep, statsOf } from './shard-reports.ts'
import { SlotExporter } from './slot-export.ts'
import { Waits } from './waits.ts'

/** What the actor holds. */
export interface ShardState {
  readonly shard: Shard
  readonly coordinator: Coordinator
  readonly exporter: SlotExporter
  readonly waits: Waits
}

const receive: ShardMessages<ShardState> = {
  run: ({ shard }, batch) => shard.run(batch),
  block: ({ shard }, request, ctx) => shard.runBlocking(request, ctx.signal),
  wait: ({ waits }, { id, request }, ctx) => waits.run(id, request, ctx.signal),
  endWait: ({ waits }, id) => waits.end(id),
  tables: ({ shard }) => shard.publisher.news(),
  tellTables: ({ shard }) => shard.publisher.tellAgain(),
  scan: ({ shard }, request) => scanStep(shard, request),
  awaitKeys: ({ shard }, request, ctx) => awaitKeys(shard, request, ctx.signal),
  transact: ({ coordinator }, message, ctx) => coordinator.transact(message, ctx.signal),
  begin: ({ coordinator }, { keys, holdMs }, ctx) => coordinator.begin(keys, holdMs, ctx.signal),
  commit: ({ coordinator }, { tx, patches }) => coordinator.commit(tx, patches),
  abort: ({ coordinator }, tx) => coordinator.abort(tx),
  moveSlots: ({ exporter }, message) => exporter.move(message),
  stats: ({ shard }) => statsOf(shard),
  load: ({ shard }, slotsMax) => loadOf(shard, slotsMax),
  importKeys: ({ shard }, message) => shard.slots.importKeys(message),
  dropImported: ({ shard }, from) => shard.slots.dropImported(from),
  async *watch({ shard }, request, ctx) {
    yield* shard.listeners.watch.watch(request, ctx.signal)
  },
  watchProgress: ({ shard }, request) => shard.listeners.watch.progress(request),
  async *subscribe({ shard }, request, ctx) {
    yield* shard.listeners.pubsub.subscribe(request, ctx.signal)
  },
  publish({ shard }, { channel, message, isSharded }) {
    shard.listeners.pubsub.publish(channel, message, isSharded)
  },
  schedule: ({ shard }, message) => shard.participant.schedule(message),
  gather: ({ shard }, message) => shard.participant.gather(message),
  runPart: ({ shard }, message) => shard.participant.run(message),
  stage: ({ shard }, message) => shard.participant.stage(message),
  apply: ({ shard }, message) => shard.participant.apply(message),
  applyStaged: ({ shard }, tx) => shard.participant.applyStaged(tx),
  release: ({ shard }, tx) => shard.participant.release(tx),
  endWaits: ({ shard }) => shard.endWaits(),
  shardLost({ shard }, lost) {
    shard.participant.onCoordinatorLost(lost.shard, lost.life)
    shard.slots.dropImported(lost.shard)
  },
}

export const shardActor: ActorDefinition<ShardState, ShardArgs, ShardMessages> = defineActor<
  ShardState,
  ShardArgs,
  ShardMessages
>({
  name: 'keyspace-shard',
  reentrant: true,
  mailbox: { depthMax: 65_536, bytesMax: 2 ** 31 - 1, policy: 'wait' },
  onError: () => 'resume',
  init(ctx, { id, life, memory: words, channel, seed, hashSeed, settings }) {
    const host = contextHost(ctx)
    const memory = new KeyspaceMemory(words)
    const shard = new Shard({
      id,
      memory,
      clock: host.clock,
      random: seededRandom(seed),
      broadcast: host.channels.broadcast(channel),
      hashSeed,
      settings,
    })
    const peer = (other: number): ActorRef<ShardMessages> => {
      const address = memory.addressOf(other)
      if (address === undefined) {
        throw new ShardloomError('SHL_SHARD_DOWN', { shard: other, reason: 'it has not started' })
      }
      return host.refFor(
        { ...address, name: `keyspace-shard-${other}` },
        undefined,
      ) as ActorRef<ShardMessages>
    }
    // It waits for a place there: what a program published is not dropped because a shard is busy.
    shard.listeners.forward = (other, message) => {
      peer(other)
        .ask('publish', message)
        .catch(() => undefined)
    }
    const coordinator = new Coordinator(shard, life, peer)
    return { shard, coordinator, exporter: new SlotExporter(shard, peer), waits: new Waits(shard) }
  },
  receive: receive as never,
  onStop: ({ shard }) => shard.close(),
  formatState: ({ shard }) => ({ id: shard.id, keys: shard.engine.openDatabases().map((db) => db.size) }),
})

/**
 * The actor that a shard is: its messages, over `Shard` and `Coordinator`.
 *
 * Reentrant, because some answers come later: waits, and commands behind a transaction. The work itself is
 * synchronous, so that messages take effect one by one all the same.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import { type ActorDefinition, type ActorRef, contextHost, defineActor } from '../../actor/index.ts'
import { ShardloomError, seededRandom, type Transferred, transfer } from '../../base/index.ts'
import { systemDisk } from '../../storage/index.ts'
import { fencedDisk, type StoreSettings } from '../durability/index.ts'
import type { Guest } from '../engine/index.ts'
import { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { touchedKeys } from '../watch/index.ts'
import { OWN_BATCH_BYTES } from '../wire/index.ts'
import { changeShard } from './change-shard.ts'
import { Coordinator } from './coordinator.ts'
import { InlineRun, LOCAL_SHARDS_SERVICE } from './inline-run.ts'
import { type LocalEar, localEars } from './local-ears.ts'
import { Shard } from './shard.ts'
import { figuresOf, keysInSlot } from './shard-inspection.ts'
import type { ShardMessages } from './shard-messages.ts'
import type { ShardArgs } from './shard-options.ts'
import { awaitKeys, loadOf, scanStep, statsOf } from './shard-reports.ts'
import { SlotExporter, settleIncoming } from './slot-export.ts'
import { Waits } from './waits.ts'

/** What the actor holds. */
export interface ShardState {
  readonly shard: Shard
  readonly inline: InlineRun
  readonly coordinator: Coordinator
  readonly exporter: SlotExporter
  readonly waits: Waits
  readonly store: StoreSettings | undefined
  /** Who listens on this thread. */
  readonly ears: ReadonlyMap<string, LocalEar>
  /** How often the shard was started, this time included. */
  readonly life: number
  /** Finds out what becomes of slots that have come from another shard. */
  settle(from: number): void
}

/** What is large has memory of its own, which moves: copies of large values add up. */
function handOver(replies: Uint8Array): Uint8Array | Transferred<Uint8Array> {
  return replies.length >= OWN_BATCH_BYTES ? transfer(replies, [replies.buffer]) : replies
}

const receive: ShardMessages<ShardState> = {
  run({ shard }, batch) {
    const replies = shard.run(batch)
    return replies instanceof Promise ? replies.then(handOver) : handOver(replies)
  },
  block: ({ shard }, request, ctx) => shard.runBlocking(request, ctx.signal),
  wait: ({ waits }, { id, request }, ctx) => waits.run(id, request, ctx.signal),
  endWait: ({ waits }, id) => waits.end(id),
  tables: ({ shard }) => shard.publisher.news(),
  tellTables: ({ shard }) => shard.publisher.tellAgain(),
  scan: ({ shard }, request) => durable(shard, undefined, () => scanStep(shard, request)),
  awaitKeys: ({ shard }, request, ctx) => awaitKeys(shard, request, ctx.signal),
  transact: ({ coordinator }, message, ctx) => coordinator.transact(message, ctx.signal),
  begin: ({ coordinator }, { keys, holdMs }, ctx) => coordinator.begin(keys, holdMs, ctx.signal),
  commit: ({ coordinator }, { tx, patches, level }) => coordinator.commit(tx, patches, level),
  abort: ({ coordinator }, tx) => coordinator.abort(tx),
  moveSlots: ({ exporter }, message) => exporter.move(message),
  stats: ({ shard }) => statsOf(shard),
  figures: ({ shard }) => figuresOf(shard),
  change: ({ shard }, change) => changeShard(shard, change),
  makeRoom: ({ shard }) => shard.room.make(),
  sync({ shard }, wait) {
    const until = shard.durability.synced()
    if (until === undefined) return true
    // Nobody waits here, and who does is told.
    until.catch(() => undefined)
    return wait ? until.then(() => true) : false
  },
  keysInSlot: ({ shard }, asked) => keysInSlot(shard, asked),
  async recover({ shard, life, store }) {
    const disk = fencedDisk(systemDisk(), shard.id, () => shard.memory.lifeOf(shard.id) === life)
    return store && shard.durability.recover(disk, store)
  },
  snapshot: ({ shard }) => shard.durability.snapshot(),
  load: ({ shard }, slotsMax) => loadOf(shard, slotsMax),
  importKeys: ({ shard }, message) => shard.slots.importKeys(message),
  takeSlots: ({ shard }, message) => shard.slots.take(message),
  dropImported: ({ shard }, from) => shard.slots.dropImported(from),
  movesEnded: ({ exporter }) => exporter.ended(),
  async *watch({ shard }, request, ctx) {
    for await (const item of shard.listeners.watch.watch(request, ctx.signal)) {
      // Nobody hears of a change that a crash takes back.
      if (item.type === 'batch' && item.records.length > 0) await shard.durability.told()
      yield item
    }
  },
  watchProgress: ({ shard }, request) => shard.listeners.watch.progress(request),
  async *subscribe({ shard }, request, ctx) {
    yield* shard.listeners.pubsub.subscribe(request, ctx.signal)
  },
  async *hear({ shard, ears }, request, ctx) {
    yield* shard.listeners.pubsub.hear(request, ctx.signal, ears.get(request.id))
  },
  listen: ({ shard }, message) => shard.listeners.pubsub.listen(message),
  async *touched({ shard, ears }, { id }, ctx) {
    const ear = ears.get(id)
    const local = ear && ((key: string, by: number): void => ear.touched(key, by))
    const onTouched = (listener: (key: string, by: number) => void): (() => void) =>
      shard.onTouched((_db, key) => listener(key, shard.causer))
    yield* touchedKeys(onTouched, ctx.signal, local)
  },
  publish({ shard }, { channel, message, isSharded }) {
    shard.listeners.pubsub.publish(channel, message, isSharded)
  },
  schedule: ({ shard }, message) => shard.participant.schedule(message),
  gather: ({ shard }, message) => {
    const gather = (): Promise<readonly Guest[]> => shard.participant.gather(message)
    return message.level === undefined ? gather() : durable(shard, message.level, gather)
  },
  runPart: ({ shard }, message) => {
    const run = (): Promise<Uint8Array> => shard.participant.run(message)
    // What was staged is on the disk, and so is all that its reply may tell of.
    return message.revision === 0 ? durable(shard, message.level, run) : run()
  },
  stage: ({ shard }, message) => shard.participant.stage(message),
  resolveParts({ shard, life, settle }, decided) {
    shard.durability.resolve(decided)
    const claims = shard.durability.slots?.claims.all() ?? []
    if (claims.length > 0 || shard.memory.hasMovedSlots) {
      for (const from of shard.slots.restore(claims, life > 1)) settle(from)
    }
    shard.publisher.release()
  },
  async outcomesOf({ shard }, revisions) {
    const known = await Promise.all(revisions.map((one) => shard.durability.parts?.outcomeOf(one)))
    return revisions.filter((_, i) => known[i] === true)
  },
  apply: ({ shard }, message) => durable(shard, message.level, () => shard.participant.apply(message)),
  applyStaged: ({ shard }, tx) => shard.participant.applyStaged(tx),
  release: ({ shard }, tx) => shard.participant.release(tx),
  endWaits: ({ shard }) => shard.endWaits(),
  shardLost({ shard, settle }, lost) {
    shard.participant.onCoordinatorLost(lost.shard, lost.life)
    if (shard.slots.onGiverLost(lost.shard)) settle(lost.shard)
  },
}

/** What a shard says when its log has what it speaks of. */
function durable<T>(shard: Shard, level: number | undefined, work: () => T | Promise<T>): T | Promise<T> {
  const { durability } = shard
  const before = durability.appended
  return durability.acknowledged(work(), before, level, level === undefined || level === 0)
}

/** The shards of a thread; a new life of one takes the place of the last. */
function localShards(services: Map<string, unknown>): Map<number, InlineRun> {
  const known = services.get(LOCAL_SHARDS_SERVICE) as Map<number, InlineRun> | undefined
  if (known !== undefined) return known
  const made = new Map<number, InlineRun>()
  services.set(LOCAL_SHARDS_SERVICE, made)
  return made
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
  init(ctx, { id, life, memory: words, channel, seed, hashSeed, settings, store }) {
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
      isWithheld: store !== undefined,
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
    const inline = new InlineRun(shard, life)
    localShards(host.services).set(id, inline)
    return {
      inline,
      shard,
      coordinator,
      exporter: new SlotExporter(shard, peer),
      waits: new Waits(shard),
      store,
      ears: localEars(host.services),
      life,
      // It is stopped: what it would have found out is in the log.
      settle: (from) => void settleIncoming(shard, peer, from).catch(() => undefined),
    }
  },
  receive: receive as never,
  onStop({ shard, inline }) {
    inline.close()
    return shard.close()
  },
  formatState: ({ shard }) => ({ id: shard.id, keys: shard.engine.openDatabases().map((db) => db.size) }),
})

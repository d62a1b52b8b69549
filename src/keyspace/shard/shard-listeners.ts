/**
 * Everybody who listens to a shard: watchers, subscribers, and those who want its commits.
 *
 * Tests: test/keyspace/watch/watch.race.test.ts, test/keyspace/pubsub/pubsub.race.test.ts
 */
import type { Clock } from '../../base/index.ts'
import type { ByteString, ShardEngine } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { KeyNotifier, type PublishMessage, PubSubHub } from '../pubsub/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { CommitFeed, notifyFlags, WatchHub } from '../watch/index.ts'
import type { Participant } from './participant.ts'
import type { ShardSettings } from './shard-options.ts'

/** What listening needs of its shard. */
export interface ListenedShard {
  readonly id: number
  readonly engine: ShardEngine
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly participant: Participant
  readonly settings: ShardSettings
}

/** The listeners of one shard. */
export class ShardListeners {
  readonly commits: CommitFeed
  readonly watch: WatchHub
  readonly pubsub: PubSubHub
  readonly notifier: KeyNotifier
  /** Gives a message to the home of its channel; set by the actor, who knows the other shards. */
  forward: (shard: number, message: PublishMessage) => void = () => {}

  constructor({ id, engine, memory, clock, participant, settings }: ListenedShard) {
    const owns = (key: ByteString): boolean => memory.ownerOf(hashSlotOf(key)) === id
    this.commits = new CommitFeed(engine)
    this.watch = new WatchHub({
      feed: this.commits,
      clock,
      limits: { recordsMax: settings.historyMax, bytesMax: settings.historyBytesMax },
      keepMs: settings.historyKeepMs,
      database: (index) => engine.database(index),
      revision: () => memory.revision,
      floor: () => participant.floor,
      transactions: () => participant.ids,
      owns,
      onRecording: (isRecording) => memory.addWatched(isRecording ? 1 : -1),
    })
    this.pubsub = new PubSubHub({
      shard: id,
      shardCount: memory.shardCount,
      forward: (shard, message) => this.forward(shard, message),
      onKeyListeners: (hasAny) => notifier.listen(hasAny),
    })
    const flags = notifyFlags('notifyKeyspaceEvents', settings.notifyKeyspaceEvents)
    const notifier = new KeyNotifier(flags, engine, this.commits, this.pubsub, owns)
    this.notifier = notifier
    engine.channels = this.pubsub
  }

  close(): void {
    this.watch.close()
  }
}

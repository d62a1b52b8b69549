/**
 * Keyspace notifications: messages about what happens to keys, to channels named after key and event.
 *
 *     SET user:1 …   __keyspace@0__:user:1 → set      (flag K)
 *                    __keyevent@0__:set → user:1      (flag E)
 *
 * Given out by the shard that owns the key, when the command is done; of a key that is new (`n`) or missing
 * (`m`) at once, which is before what was done to it. Commits and such keys are asked for only while the
 * flags name something and somebody listens who may want it: otherwise nothing costs more.
 *
 * Source: https://redis.io/docs/latest/develop/use/keyspace-notifications/
 * Tests: test/keyspace/pubsub/key-notifier.test.ts
 */
import { type Commit, keyEventClass, type ShardEngine } from '../engine/index.ts'
import type { CommitFeed } from '../watch/commit-feed.ts'
import type { NotifyFlags } from '../watch/event-classes.ts'
import type { PubSubHub } from './pubsub-hub.ts'

/** Where it is told of keys that no commit tells of. */
export type KeyEars = Pick<ShardEngine, 'onNewKey' | 'onMissingKey'>

/** Turns the commits of a shard into messages. */
export class KeyNotifier {
  #flags: NotifyFlags
  #hasListeners = false
  readonly #engine: KeyEars
  readonly #feed: CommitFeed
  readonly #hub: Pick<PubSubHub, 'deliver'>
  readonly #owns: (key: string) => boolean
  #stop: (() => void) | undefined

  constructor(
    flags: NotifyFlags,
    engine: KeyEars,
    feed: CommitFeed,
    hub: Pick<PubSubHub, 'deliver'>,
    owns: (key: string) => boolean,
  ) {
    this.#flags = flags
    this.#engine = engine
    this.#feed = feed
    this.#hub = hub
    this.#owns = owns
  }

  /** Takes other flags. */
  set flags(flags: NotifyFlags) {
    this.#flags = flags
    this.listen(this.#hasListeners)
  }

  /** Whether anybody listens. */
  listen(hasListeners: boolean): void {
    this.#hasListeners = hasListeners
    this.#stop?.()
    this.#stop = undefined
    const { isByKey, isByEvent, classes, tellsNew, tellsMisses } = this.#flags
    const isWanted = hasListeners && (isByKey || isByEvent)
    const ear = (event: string) => (db: number, key: string) => this.#tell(db, key, event)
    this.#engine.onNewKey = isWanted && tellsNew ? ear('new') : undefined
    this.#engine.onMissingKey = isWanted && tellsMisses ? ear('keymiss') : undefined
    if (!isWanted || classes.size === 0) return
    this.#stop = this.#feed.add((commit) => this.#onCommit(commit))
  }

  #onCommit({ changes }: Commit): void {
    const { classes } = this.#flags
    for (const { db, key, event } of changes) {
      // Of a whole database Redis tells nobody.
      if (key !== '' && classes.has(keyEventClass(event))) this.#tell(db, key, event)
    }
  }

  #tell(db: number, key: string, event: string): void {
    if (!this.#owns(key)) return
    const { isByKey, isByEvent } = this.#flags
    if (isByKey) this.#hub.deliver(`__keyspace@${db}__:${key}`, event)
    if (isByEvent) this.#hub.deliver(`__keyevent@${db}__:${event}`, key)
  }
}

/**
 * Keyspace notifications: messages about what happens to keys, to channels named after key and event.
 *
 *     SET user:1 …   __keyspace@0__:user:1 → set      (flag K)
 *                    __keyevent@0__:set → user:1      (flag E)
 *
 * Given out by the shard that owns the key, when the command is done. Commits are asked for only while the
 * flags name something and somebody listens who may want it: otherwise writes cost nothing more.
 *
 * Source: https://redis.io/docs/latest/develop/use/keyspace-notifications/
 * Tests: test/keyspace/pubsub/key-notifier.test.ts
 */
import { type Commit, keyEventClass } from '../engine/index.ts'
import type { CommitFeed } from '../watch/commit-feed.ts'
import type { NotifyFlags } from '../watch/event-classes.ts'
import type { PubSubHub } from './pubsub-hub.ts'

/** Turns the commits of a shard into messages. */
export class KeyNotifier {
  readonly #flags: NotifyFlags
  readonly #feed: CommitFeed
  readonly #hub: Pick<PubSubHub, 'deliver'>
  readonly #owns: (key: string) => boolean
  #stop: (() => void) | undefined

  constructor(
    flags: NotifyFlags,
    feed: CommitFeed,
    hub: Pick<PubSubHub, 'deliver'>,
    owns: (key: string) => boolean,
  ) {
    this.#flags = flags
    this.#feed = feed
    this.#hub = hub
    this.#owns = owns
  }

  /** Whether anybody listens. */
  listen(hasListeners: boolean): void {
    this.#stop?.()
    this.#stop = undefined
    const { isByKey, isByEvent, classes } = this.#flags
    if (!hasListeners || classes.size === 0 || !(isByKey || isByEvent)) return
    this.#stop = this.#feed.add((commit) => this.#onCommit(commit))
  }

  #onCommit({ changes }: Commit): void {
    const { isByKey, isByEvent, classes } = this.#flags
    for (const { db, key, event } of changes) {
      // Of a whole database Redis tells nobody.
      if (key === '' || !classes.has(keyEventClass(event)) || !this.#owns(key)) continue
      if (isByKey) this.#hub.deliver(`__keyspace@${db}__:${key}`, event)
      if (isByEvent) this.#hub.deliver(`__keyevent@${db}__:${event}`, key)
    }
  }
}

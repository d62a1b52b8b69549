/**
 * The names of keys that change, from all shards, while a client of this thread wants to know of any.
 *
 * Shards tell every thread that tracks of every change, and the thread knows who has read what. The
 * alternative, a table in each shard as Redis has it, needs a message with each read, an order between that
 * message and the read, and moves with slots. Here what costs is a change that nobody tracks: a name in a
 * batch, each once however often it changes.
 *
 * Shards of this thread call at once. While a stream is broken, changes are lost: then, and when it is open
 * again, any key may have changed.
 *
 * Invariant: from when `open` has resolved to `close`, each change is told by `onKey`, or `onAll` is called
 * after it.
 * Tests: test/server/push/tracking.race.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'
import {
  type Deferred,
  deferred,
  type KeyspaceClient,
  type LocalEar,
  ShardStreams,
  STREAM_WAIT_MS,
  type TouchedItem,
} from '../../keyspace/serving/index.ts'

const WINDOW = 4
const AGAIN_MS = 100

/** What a feed is made with. */
export interface TouchFeedParts {
  readonly client: KeyspaceClient
  /** Where shards of this thread look for whom to call. */
  readonly ears: Map<string, LocalEar>
  /** A client, where it is named, or some one has changed a key; within a command on this thread. */
  onKey(key: ByteString, by: number): void
  /** Any key may have. */
  onAll(): void
}

/** The feed of a thread. */
export class TouchFeed {
  readonly #parts: TouchFeedParts
  readonly #ids: string[] = []
  /** Shards whose streams are open. */
  readonly #isOpen: boolean[] = []
  #isWanted = false
  #streams: ShardStreams<TouchedItem> | undefined
  #ready: Deferred<void> | undefined

  constructor(parts: TouchFeedParts) {
    this.#parts = parts
  }

  /** Resolves when all shards tell of changes. @throws SHL_SHARD_DOWN */
  open(): Promise<void> {
    this.#isWanted = true
    if (this.#streams === undefined) this.#start()
    return this.#ready!.promise
  }

  close(): void {
    this.#isWanted = false
    this.#stop()
  }

  #stop(): void {
    this.#streams?.close()
    this.#streams = undefined
    for (const id of this.#ids) this.#parts.ears.delete(id)
    this.#isOpen.length = 0
  }

  #start(): void {
    const { client } = this.#parts
    const { shardCount } = client.memory
    this.#ready = deferred()
    const streams = new ShardStreams<TouchedItem>({
      client,
      shards: Array.from({ length: shardCount }, (_, shard) => shard),
      open: (ref, shard) =>
        ref.stream('touched', { id: this.#newId(shard) }, { window: WINDOW, timeoutMs: STREAM_WAIT_MS }),
      onItem: (shard, item) => this.#onItem(shard, item),
      onBroken: (shard) => this.#onBroken(shard),
      onFailed: (error) => this.#onFailed(streams, error),
    })
    this.#streams = streams
    streams.start()
  }

  #newId(shard: number): string {
    const { client, ears, onKey, onAll } = this.#parts
    ears.delete(this.#ids[shard] ?? '')
    const id = client.newName()
    this.#ids[shard] = id
    ears.set(id, { push: () => {}, touched: (key, by) => (key === '' ? onAll() : onKey(key, by)) })
    return id
  }

  #onItem(shard: number, item: TouchedItem): undefined {
    const { client, onKey, onAll } = this.#parts
    if (item.type === 'keys') {
      for (const [i, key] of item.keys.entries()) onKey(key, item.by?.[i] ?? 0)
    } else if (item.type === 'all') onAll()
    else {
      this.#isOpen[shard] = true
      const { shardCount } = client.memory
      if (this.#isOpen.filter(Boolean).length === shardCount) this.#ready?.resolve()
      // What has changed since the last stream broke nobody has told.
      onAll()
    }
    return undefined
  }

  #onBroken(shard: number): void {
    if (this.#isOpen[shard] !== true) return
    this.#isOpen[shard] = false
    this.#parts.onAll()
  }

  /** A shard does not come back: it is tried for as long as somebody wants to know. */
  #onFailed(streams: ShardStreams<TouchedItem>, error: Error): void {
    if (this.#streams !== streams) return
    this.#ready?.reject(error)
    this.#stop()
    this.#parts.onAll()
    const again = (): void => {
      if (this.#isWanted && this.#streams === undefined) this.#start()
    }
    this.#parts.client.clock.after(AGAIN_MS, again, { unref: true })
  }
}

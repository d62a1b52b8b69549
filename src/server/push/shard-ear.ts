/**
 * What one thread hears of one shard: a stream for all of its clients, and the names that they listen to.
 *
 *     SUBSCRIBE ──► set(name, clients) ──► changed ──┬─ stream is open: `listen`, what has changed
 *                                                    └─ else: `hear`, all names, when it is opened
 *
 * A stream for each client would cost a hop for each message and client; one for each name would be opened
 * and closed all the time. So there is one for a thread and shard, opened with the first name, and what
 * clients do to names in one turn goes out in one message. Numbers of clients and not differences are told,
 * so that what is told twice does no harm.
 *
 * What a shard gives out while its stream is broken is lost. Then `onLost` says so: its clients are closed,
 * as they would be by a server that was started again, and know that they may have missed something.
 *
 * Invariants: (1) `synced` resolves when the shard has all that was set before; (2) after `onLost` the shard
 * is told of nobody whom `onLost` has closed.
 * Tests: test/server/push/subscriptions.race.test.ts
 */
import {
  type DeliveredMessage,
  type KeyspaceClient,
  type LocalEar,
  ShardStreams,
  STREAM_WAIT_MS,
  type SubscriptionItem,
  type SubscriptionKind,
  type WeighedName,
} from '../../keyspace/serving/index.ts'

/** Messages of a shard for one thread, and their bytes, that may wait there. */
const QUEUE_MAX = 65_536
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** Batches that may be on their way. */
const WINDOW = 4
const AGAIN_MS = 10
/** Names that are told at a time: more would hold both threads for long. */
const TELL_MAX = 4096

/** What an ear is made with. */
export interface ShardEarParts {
  readonly client: KeyspaceClient
  readonly shard: number
  /** Where shards of this thread look for whom to call. */
  readonly ears: Map<string, LocalEar>
  onMessage(message: DeliveredMessage): void
  /** Messages for these names may have been lost. */
  onLost(names: readonly WeighedName[]): void
}

interface Waiter {
  resolve(): void
  reject(error: Error): void
}

/** One shard, as a thread hears it. */
export class ShardEar {
  readonly #parts: ShardEarParts
  /** Names with clients. */
  readonly #wanted = new Map<string, WeighedName>()
  /** Names whose numbers the shard does not have yet. */
  readonly #changed = new Map<string, readonly [SubscriptionKind, string]>()
  readonly #waiters: Waiter[] = []
  /** Those who wait for the stream to open, with what it is opened with. */
  #openers: Waiter[] = []
  #streams: ShardStreams<SubscriptionItem> | undefined
  #id = ''
  #isOpen = false
  #isTelling = false
  #isSet = false
  #isClosed = false

  constructor(parts: ShardEarParts) {
    this.#parts = parts
  }

  /** So many clients of this thread listen to a name. */
  set(kind: SubscriptionKind, name: string, clients: number): void {
    const id = `${kind}:${name}`
    if (clients > 0) this.#wanted.set(id, [kind, name, clients])
    else this.#wanted.delete(id)
    this.#changed.set(id, [kind, name])
    this.#tellSoon()
  }

  /** Resolves when the shard has all that was set. @throws SHL_SHARD_DOWN */
  synced(): Promise<void> {
    if (this.#changed.size === 0 && !this.#isTelling && this.#openers.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#tellSoon()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#streams?.close()
    this.#parts.ears.delete(this.#id)
  }

  /** At the end of what runs now: other clients may listen meanwhile. */
  #tellSoon(): void {
    if (this.#isSet) return
    this.#isSet = true
    queueMicrotask(() => {
      this.#isSet = false
      this.#tell()
    })
  }

  #tell(): void {
    if (this.#isClosed || this.#isTelling) return
    if (this.#streams === undefined) {
      if (this.#wanted.size > 0) return this.#start()
      // It knows of none.
      this.#changed.clear()
    }
    if (this.#changed.size === 0) return settle(this.#waiters)
    if (!this.#isOpen) return
    void this.#tellChanges()
  }

  async #tellChanges(): Promise<void> {
    const told: [string, readonly [SubscriptionKind, string]][] = []
    for (const one of this.#changed) {
      told.push(one)
      if (told.length === TELL_MAX) break
    }
    for (const [id] of told) this.#changed.delete(id)
    // Whoever waits does so for all that there is.
    const waiters = this.#changed.size === 0 ? this.#waiters.splice(0) : []
    this.#isTelling = true
    const names = told.map(([id, [kind, name]]): WeighedName => [kind, name, this.#wanted.get(id)?.[2] ?? 0])
    const isTold = await this.#listen(names)
    this.#isTelling = false
    if (isTold) {
      settle(waiters)
      return this.#tellNext()
    }
    for (const [id, name] of told) this.#changed.set(id, name)
    this.#waiters.unshift(...waiters)
    this.#parts.client.clock.after(AGAIN_MS, () => this.#tell(), { unref: true })
  }

  /** What is left, when others have had their turn. */
  #tellNext(): void {
    if (this.#changed.size < TELL_MAX) return this.#tell()
    this.#parts.client.clock.after(0, () => this.#tell(), { unref: true })
  }

  /** False: it could not be told, or knows of no such stream. Then the stream will break, or has. */
  async #listen(names: readonly WeighedName[]): Promise<boolean> {
    const { client, shard } = this.#parts
    try {
      const ref = client.shardRefNow(shard) ?? (await client.shardRef(shard))
      return await ref.ask('listen', { id: this.#id, names }, { timeoutMs: client.timeoutMs })
    } catch {
      return false
    }
  }

  #start(): void {
    const { client, shard } = this.#parts
    this.#streams = new ShardStreams<SubscriptionItem>({
      client,
      shards: [shard],
      open: (ref) => {
        const names = this.#begin()
        const request = { id: this.#id, names, queueMax: QUEUE_MAX, queueBytesMax: QUEUE_BYTES_MAX }
        return ref.stream('hear', request, { window: WINDOW, timeoutMs: STREAM_WAIT_MS })
      },
      onItem: (_shard, item) => this.#onItem(item),
      onBroken: () => this.#onBroken(),
      onFailed: (error) => this.#onFailed(error),
    })
    this.#streams.start()
  }

  /** Names go out with the stream, and those that are too many for that as soon as it is open. */
  #begin(): readonly WeighedName[] {
    const { client, ears, onMessage } = this.#parts
    ears.delete(this.#id)
    this.#id = client.newName()
    ears.set(this.#id, { push: onMessage, touched: () => {} })
    const all = [...this.#wanted]
    this.#changed.clear()
    for (const [id, [kind, name]] of all.slice(TELL_MAX)) this.#changed.set(id, [kind, name])
    if (this.#changed.size === 0) this.#openers.push(...this.#waiters.splice(0))
    return all.slice(0, TELL_MAX).map(([, name]) => name)
  }

  #onItem(item: SubscriptionItem): undefined {
    if (item.type === 'open') {
      this.#isOpen = true
      settle(this.#openers)
      this.#tellSoon()
      return undefined
    }
    const { onMessage } = this.#parts
    for (const message of item.messages) onMessage(message)
    return undefined
  }

  #onBroken(): void {
    this.#waiters.unshift(...this.#openers)
    this.#openers = []
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#lose()
  }

  /** The shard does not come back, or this thread was too slow for it. */
  #onFailed(error: Error): void {
    this.#streams = undefined
    const waiters = [...this.#openers, ...this.#waiters.splice(0)]
    this.#openers = []
    for (const { reject } of waiters) reject(error)
    if (this.#isOpen) this.#lose()
    this.#isOpen = false
    this.#tellSoon()
  }

  #lose(): void {
    this.#parts.ears.delete(this.#id)
    this.#parts.onLost([...this.#wanted.values()])
  }
}

function settle(waiters: Waiter[]): void {
  for (const { resolve } of waiters.splice(0)) resolve()
}

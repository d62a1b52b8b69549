/**
 * Three shards that commit and are watched, without threads: the real hubs, and the real watch at the client,
 * with streams between them that take as long as a seed wants.
 */

import type { Random } from '../../src/base/index.ts'
import { ShardloomError, systemClock } from '../../src/base/index.ts'
import type { Commit } from '../../src/keyspace/engine/index.ts'
import type { HistoryLimits } from '../../src/keyspace/watch/change-history.ts'
import { CommitFeed } from '../../src/keyspace/watch/commit-feed.ts'
import type { KeyspaceWatch } from '../../src/keyspace/watch/keyspace-watch.ts'
import type { StreamClient } from '../../src/keyspace/watch/shard-streams.ts'
import { WatchHub } from '../../src/keyspace/watch/watch-hub.ts'
import type { ProgressRequest, WatchItem, WatchRequest } from '../../src/keyspace/watch/watch-messages.ts'
import {
  type KeyspaceChanges,
  type KeyspaceChangesLost,
  type WatchOptions,
  watchKeys,
} from '../../src/keyspace/watch/watch-options.ts'

/** What was committed: for comparison. */
export interface Written {
  readonly revision: number
  readonly keys: readonly string[]
}

const CLOCK = systemClock()

interface WorldClient extends StreamClient {
  readonly memory: { readonly shardCount: number; readonly revision: number }
}

/** No key is found: what is tested here is order. */
const NO_DATABASE = { table: { find: () => 0 }, nowMs: 0, touches: true }

class FakeShard {
  readonly engine: { onCommit: ((commit: Commit) => void) | undefined } = { onCommit: undefined }
  readonly hub: WatchHub
  readonly floors = new Map<number, number>()
  readonly transactions = new Set<number>()
  life = 0
  #abort = new AbortController()

  constructor(world: WatchWorld, limits: HistoryLimits) {
    this.hub = new WatchHub({
      feed: new CommitFeed(this.engine),
      clock: CLOCK,
      limits,
      keepMs: 60_000,
      database: () => NO_DATABASE as never,
      revision: () => world.revision,
      floor: () => Math.min(...this.floors.values(), Number.POSITIVE_INFINITY),
      transactions: () => this.transactions,
      owns: () => true,
      onRecording: (isRecording) => {
        world.recording += isRecording ? 1 : -1
      },
    })
  }

  commit(revision: number, keys: readonly string[], part?: Commit['part']): void {
    const changes = keys.map((key) => ({ db: 0, key, event: 'set' }))
    this.engine.onCommit?.({ revision, atMs: 0, effects: [], changes, ...(part && { part }) })
  }

  get lost(): AbortSignal {
    return this.#abort.signal
  }

  /** Its streams break; it goes on. */
  breakStreams(): void {
    this.#abort.abort()
    this.#abort = new AbortController()
  }

  /** It is gone. */
  crash(): void {
    this.#abort.abort()
    this.hub.close()
  }
}

export class WatchWorld {
  revision = 0
  recording = 0
  readonly written: Written[] = []
  readonly shards: FakeShard[]
  readonly #random: Random
  readonly #limits: HistoryLimits
  #lastTx = 0

  constructor(
    random: Random,
    shardCount = 3,
    limits: HistoryLimits = { recordsMax: 65_536, bytesMax: 2 ** 30 },
  ) {
    this.#random = random
    this.#limits = limits
    this.shards = Array.from({ length: shardCount }, () => new FakeShard(this, limits))
  }

  /** Lets others run for a while. */
  async pause(most = 8): Promise<void> {
    for (let i = this.#random.below(most); i >= 0; i--) await null
    // What waits for timers and the like has its turn now and then.
    if (this.#random.below(20) === 0) await new Promise((resolve) => setImmediate(resolve))
  }

  /** A command of one shard. */
  write(shard: number, keys: readonly string[]): number {
    const revision = ++this.revision
    this.written.push({ revision, keys })
    this.shards[shard]!.commit(revision, keys)
    return revision
  }

  /** A transaction over shards, as participants and coordinator do it, with pauses. */
  async transact(
    parts: readonly { readonly shard: number; readonly keys: readonly string[] }[],
  ): Promise<void> {
    const tx = ++this.#lastTx
    const shards = parts.map(({ shard }) => this.shards[shard]!)
    for (const one of shards) one.transactions.add(tx)
    const isOneRevision = this.recording > 0
    if (!isOneRevision) {
      for (const [i, { keys }] of parts.entries()) {
        await this.pause()
        // It began when nobody watched: nobody is to see a part of it.
        shards[i]!.commit(++this.revision, keys, { tx, isOneRevision: false })
        shards[i]!.transactions.delete(tx)
      }
      return
    }
    for (const one of shards) {
      await this.pause()
      one.floors.set(tx, this.revision)
    }
    await this.pause()
    const revision = ++this.revision
    const written = { revision, keys: parts.flatMap(({ keys }) => keys) }
    this.written.push(written)
    await Promise.all(
      parts.map(async ({ keys }, i) => {
        await this.pause(20)
        const one = shards[i]!
        // A shard that is gone commits nothing.
        if (!this.shards.includes(one)) written.keys = written.keys.filter((key) => !keys.includes(key))
        else if (keys.length > 0) one.commit(revision, keys, { tx, isOneRevision: true })
        one.floors.delete(tx)
        one.transactions.delete(tx)
        one.hub.afterTransaction()
      }),
    )
  }

  /** A shard is lost with its history, and started again. */
  crash(shard: number): void {
    const old = this.shards[shard]!
    this.shards[shard] = new FakeShard(this, this.#limits)
    old.crash()
  }

  #stream(shard: number, request: WatchRequest): AsyncIterator<WatchItem> {
    const cancel = new AbortController()
    const { lost, hub } = this.shards[shard]!
    const pause = (most: number): Promise<void> => this.pause(most)
    async function* read(): AsyncGenerator<WatchItem> {
      // Messages take their time, to each shard another one.
      await pause(30)
      const stream = hub.watch(request, AbortSignal.any([lost, cancel.signal]))
      try {
        for (;;) {
          const { done, value } = await stream.next()
          if (lost.aborted) throw shardDown(shard)
          if (done === true) return
          await pause(8)
          yield value
        }
      } finally {
        void stream.return()
      }
    }
    const items = read()
    return {
      next: () => items.next(),
      return: () => {
        cancel.abort()
        return items.return(undefined)
      },
    }
  }

  /** What watches need of a thread. */
  get client(): WorldClient {
    const world = this
    const refTo = (shard: number): unknown => ({
      stream: (_type: string, request: WatchRequest) => world.#stream(shard, request),
      async ask(_type: string, request: ProgressRequest) {
        const one = world.shards[shard]!
        await world.pause()
        one.hub.progress(request)
      },
    })
    return {
      clock: CLOCK,
      timeoutMs: 10_000,
      memory: {
        shardCount: world.shards.length,
        get revision() {
          return world.revision
        },
      },
      shardRef: async (shard: number) => refTo(shard) as never,
      shardRefNow: (shard: number) => refTo(shard) as never,
    }
  }

  watch(
    pattern: string | readonly string[],
    options: WatchOptions = {},
  ): KeyspaceWatch<KeyspaceChanges | KeyspaceChangesLost> {
    return watchKeys(this.client, pattern, options)
  }
}

function shardDown(shard: number): Error {
  return new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'the test wants it' })
}

/** By it the end of what is written is known. */
export const LAST_KEY = 'end'

/** What a watcher is told of a commit. */
export interface SeenCommit {
  readonly revision: number
  readonly keys: readonly string[]
}

/** Writes at random, by several callers at once. */
export async function writeAtRandom(world: WatchWorld, random: Random, count: number): Promise<void> {
  const caller = async (name: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await world.pause()
      const key = (): string => `${random.below(2) === 0 ? 'a' : 'b'}:${name}:${i}:${random.below(100)}`
      if (random.below(3) > 0) {
        world.write(random.below(world.shards.length), Array.from({ length: 1 + random.below(2) }, key))
        continue
      }
      const shards = [...world.shards.keys()].filter(() => random.below(3) > 0)
      await world.transact(
        shards.map((shard) => ({ shard, keys: Array.from({ length: random.below(3) }, key) })),
      )
    }
  }
  await Promise.all([caller(0), caller(1), caller(2)])
}

/** What a watcher of a prefix, and of the last key, is to be told of what was written above a revision. */
export function expectedOf(
  written: readonly Written[],
  since: number,
  prefix: string,
  upTo: number = Number.POSITIVE_INFINITY,
): SeenCommit[] {
  return [...written]
    .sort((a, b) => a.revision - b.revision)
    .filter(({ revision }) => revision > since && revision <= upTo)
    .map(({ revision, keys }) => ({
      revision,
      keys: keys.filter((key) => key === LAST_KEY || key.startsWith(prefix)).sort(),
    }))
    .filter(({ keys }) => keys.length > 0)
}

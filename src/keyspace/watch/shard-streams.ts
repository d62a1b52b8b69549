/**
 * One stream from each of several shards, opened again when a shard is started again.
 *
 * What comes is handed on shard by shard; a reader that is asked to waits before it takes more, and with it,
 * by the stream's credit, the shard. Whether a stream that broke is opened again its owner decides.
 *
 * Invariant: after `close` nothing is handed on.
 * Tests: test/keyspace/watch/keyspace-watch.test.ts, test/keyspace/watch/watch.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { type Clock, ShardloomError, toError } from '../../base/index.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'

/** Longest wait for an item; there is no such thing as an endless one. */
export const STREAM_WAIT_MS: number = 2 ** 31 - 1
/** Between two attempts to open a stream. */
const REOPEN_MS = 10

/** Failures by which a stream breaks although nothing is wrong with what was asked for. */
const BREAKS: readonly string[] = [
  'SHL_ACTOR_STOPPED',
  'SHL_ACTOR_NOT_FOUND',
  'SHL_THREAD_LOST',
  'SHL_SHARD_DOWN',
  'SHL_ASK_TIMEOUT',
  'SHL_MAILBOX_FULL',
  'SHL_RING_FULL',
]

/** What streams need of the client of their thread. */
export interface StreamClient {
  readonly clock: Clock
  /** How long a shard may be down. */
  readonly timeoutMs: number
  shardRef(shard: number): Promise<ActorRef<ShardMessages>>
  /** The ref if the shard runs, as far as is known. */
  shardRefNow(shard: number): ActorRef<ShardMessages> | undefined
}

/** What is done with streams. */
export interface ShardStreamsParts<Item> {
  readonly client: StreamClient
  readonly shards: readonly number[]
  open(ref: ActorRef<ShardMessages>, shard: number): AsyncIterator<Item>
  /** Takes an item; the next one is read when the promise, if there is one, has resolved. */
  onItem(shard: number, item: Item): Promise<void> | undefined
  /** A stream broke, and is opened again. */
  onBroken(shard: number): void
  /** A stream failed for good. */
  onFailed(error: Error): void
}

interface ServeState {
  /** Since when nothing has come although it was tried; undefined: it works. */
  brokenAtMs: number | undefined
}

/** Streams of several shards. */
export class ShardStreams<Item> {
  readonly #parts: ShardStreamsParts<Item>
  readonly #open = new Map<number, AsyncIterator<Item>>()
  #isClosed = false

  constructor(parts: ShardStreamsParts<Item>) {
    this.#parts = parts
  }

  /** Opens all: those of shards that run before it returns. */
  start(): void {
    for (const shard of this.#parts.shards) void this.#serve(shard)
  }

  /** Ends all. */
  close(): void {
    this.#isClosed = true
    for (const iterator of this.#open.values()) iterator.return?.().catch(() => undefined)
    this.#open.clear()
  }

  async #serve(shard: number): Promise<void> {
    const { client, onBroken, onFailed } = this.#parts
    const state: ServeState = { brokenAtMs: undefined }
    while (!this.#isClosed) {
      try {
        const ref = client.shardRefNow(shard) ?? (await client.shardRef(shard))
        if (this.#isClosed) return
        await this.#read(shard, ref, state)
        if (this.#isClosed) return
        onBroken(shard)
      } catch (thrown) {
        const error = toError(thrown)
        if (this.#isClosed) return
        const nowMs = client.clock.nowMs()
        state.brokenAtMs ??= nowMs
        const isBreak = error instanceof ShardloomError && BREAKS.includes(error.code)
        if (!isBreak || nowMs - state.brokenAtMs > client.timeoutMs) return onFailed(error)
        onBroken(shard)
        await new Promise<void>((resolve) => void client.clock.after(REOPEN_MS, resolve))
      }
    }
  }

  /** Reads a stream to its end. */
  async #read(shard: number, ref: ActorRef<ShardMessages>, state: ServeState): Promise<void> {
    const { open, onItem } = this.#parts
    const iterator = open(ref, shard)
    this.#open.set(shard, iterator)
    for (;;) {
      const { done, value } = await iterator.next()
      if (done === true || this.#isClosed) return
      state.brokenAtMs = undefined
      const room = onItem(shard, value)
      if (room !== undefined) await room
      if (this.#isClosed) return
    }
  }
}

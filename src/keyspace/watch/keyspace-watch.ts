/**
 * A watch, as a program holds it: the changes of all shards, in the order of their revisions.
 *
 *     shard 0 ── stream ──► ┐
 *     shard 1 ── stream ──► ├ merge ──► one item per revision ──► for await
 *     shard 2 ── stream ──► ┘   └ asks shards that lag how far they are
 *
 * The streams are opened at once, so that what this thread does next is seen. What a transaction changed on
 * several shards is one item, since it was committed at one revision, and no item goes out before every shard
 * is known to be beyond it. Shards are asked how far they are only when somebody waits for an item that is
 * there.
 *
 * Where changes were lost (the watcher was too slow, or a shard was started again and its history is gone)
 * the watch ends with an error, or says so in an item of its own and goes on: as was asked for.
 *
 * Slots that move change nothing: every shard is watched, and at each revision one of them owned the key.
 *
 * Invariants: (1) items come in the order of revisions; (2) every change since `start` that fits is in an
 * item, or within the range of a `lost`, or the watch ends with an error; (3) at most `BUFFER_MAX` records of
 * a shard, or `BUFFER_BYTES` of all, and one batch of each, wait here.
 * Cost: a hop from the shard, and one there and back to each shard that is idle.
 * Tests: test/keyspace/watch/keyspace-watch.test.ts, test/keyspace/watch/keyspace-watch.prop.test.ts,
 * test/keyspace/watch/watch.race.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { type ChangeRecord, type RecordedChange, recordBytes } from './change-record.ts'
import { type Deferred, deferred, Outlet } from './outlet.ts'
import { RevisionMerge } from './revision-merge.ts'
import { ShardStreams, STREAM_WAIT_MS, type StreamClient } from './shard-streams.ts'
import type { LostRange, WatchFilter, WatchItem, WatchRequest } from './watch-messages.ts'

/** Records of one shard that wait here; then its stream waits. */
const BUFFER_MAX = 1024
/** Bytes of all that waits here: streams wait then, but for those of shards of which nothing does. */
const BUFFER_BYTES = 4 * 1024 * 1024
/** Batches of a stream that may be on their way. */
const WINDOW = 4
/** A question that could not be asked is asked again after this time. */
const ASK_AGAIN_MS = 10

/** What a watch is made with, all checked. */
export interface WatchParts<Item> {
  readonly client: StreamClient
  readonly shardCount: number
  readonly filter: WatchFilter
  readonly since: number | undefined
  readonly values: boolean
  readonly queueMax: number
  readonly whenSlow: 'cut' | 'drop'
  readonly signal: AbortSignal | undefined
  /** The items that one revision makes. */
  shape(revision: number, changes: readonly RecordedChange[]): readonly Item[]
  /** The item that says what was lost. */
  lost(range: LostRange): Item
  /**
   * Called when there may be something to take, when it is further, and when it has failed: see `takeNow`.
   */
  onMoved?(): void
}

/** What is merged: the changes of a shard, or a mark that some are missing, which comes before them. */
interface Entry {
  readonly revision: number
  readonly record?: ChangeRecord
  readonly lost?: LostRange
}

/** What is known of a shard. */
interface WatchedShard {
  /** Of its stream; undefined: not opened. */
  id: number | undefined
  /** Whether it was ever opened. */
  wasOpened: boolean
  /** The history is gone: it is to be watched from now on. */
  hasLostPast: boolean
  /** Up to where its progress was asked for. */
  asked: number
  /** The place of the newest entry. */
  newest: number
  /** Lets its stream go on. */
  goOn: (() => void) | undefined
}

/** Iterates over changes; made by `keyspace.watch` and `keyspace.events`. */
export class KeyspaceWatch<Item> implements AsyncIterableIterator<Item, undefined> {
  /**
   * Resolves when the watch is in force on all shards, with the revision from which on everything is seen.
   * What this thread does after `watch` was called is seen in any case.
   */
  readonly ready: Promise<number>
  readonly #parts: WatchParts<Item>
  readonly #outlet: Outlet<Item>
  readonly #merge: RevisionMerge<Entry>
  readonly #streams: ShardStreams<WatchItem>
  readonly #shards: WatchedShard[]
  readonly #ready: Deferred<number>
  #unopened: number
  /** Transactions over several shards at or below it began before the watch. */
  #start: number
  /** Where a watch could begin, when it could not where it was to. */
  #oldest: number | undefined
  /** Of the records that wait to be merged. */
  #bytes = 0
  #out: Item[] = []
  #given = 0
  #failure: Error | undefined

  /** @internal */
  constructor(parts: WatchParts<Item>) {
    const { client, shardCount, signal, since } = parts
    this.#parts = parts
    this.#start = since ?? 0
    this.#given = since ?? 0
    this.#unopened = shardCount
    this.#merge = new RevisionMerge(shardCount)
    this.#shards = Array.from({ length: shardCount }, () => ({
      id: undefined,
      wasOpened: false,
      hasLostPast: false,
      asked: 0,
      newest: 0,
      goOn: undefined,
    }))
    this.#ready = deferred()
    this.ready = this.#ready.promise
    this.#outlet = new Outlet({ take: () => this.#take(), onClosed: () => this.#onClosed() }, signal)
    this.#streams = new ShardStreams({
      client,
      shards: this.#shards.map((_, shard) => shard),
      open: (ref, shard) =>
        ref.stream('watch', this.#request(shard), { window: WINDOW, timeoutMs: STREAM_WAIT_MS }),
      onItem: (shard, item) => this.#onItem(shard, item),
      onBroken: (shard) => {
        this.#shard(shard).id = undefined
      },
      onFailed: (error) => this.#fail(error),
    })
    if (this.#outlet.isClosed) this.#onClosed()
    else this.#streams.start()
  }

  /** Everything up to this revision was given: a later watch may go on from here with `since`. */
  get revision(): number {
    if (this.#out.length > 0 || this.#merge.count > 0) return this.#given
    return Math.max(this.#given, this.#merge.watermark)
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.next()
  }

  /**
   * The next item that is there; undefined: none, now. For who is called by `onMoved` and waits for nothing:
   * what it has not taken is not in `revision`. Throws when it has failed and all that there was is taken.
   */
  takeNow(): Item | undefined {
    if (this.#outlet.isClosed) return undefined
    const item = this.#take()
    if (item === undefined && this.#failure !== undefined) throw this.#failure
    return item
  }

  /**
   * Asks shards that have nothing to tell how far they are: soon `revision` is not below this one. Those that
   * have been asked, and have not answered, are not asked again.
   */
  askThrough(revision: number): void {
    if (this.#unopened > 0) return
    for (const [shard, { asked }] of this.#shards.entries()) {
      if (asked === 0 && this.#merge.watermarkOf(shard) < revision) this.#ask(shard, revision)
    }
  }

  /** Ends the watch. */
  return(): Promise<IteratorResult<Item, undefined>> {
    return this.#outlet.return()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #request(shard: number): WatchRequest {
    const { filter, values, queueMax, whenSlow, since } = this.#parts
    const { wasOpened, hasLostPast } = this.#shard(shard)
    let from = since
    if (hasLostPast) from = undefined
    else if (wasOpened) from = this.#merge.watermarkOf(shard)
    return { filter, values, queueMax, whenSlow, ...(from !== undefined && { since: from }) }
  }

  #onItem(shard: number, item: WatchItem): Promise<void> | undefined {
    const one = this.#shard(shard)
    if (item.type === 'open') {
      const isFirst = !one.wasOpened
      this.#onOpen(shard, item)
      // A stream without its past ends; that is not to be opened again before the others have said theirs.
      return isFirst && item.isCompacted ? new Promise(() => {}) : undefined
    }
    const entries: Entry[] = item.records.map((record) => ({ revision: record.revision, record }))
    this.#push(shard, item.lost, entries, item.through)
    if (item.through >= one.asked) one.asked = 0
    for (const record of item.records) this.#bytes += recordBytes(record)
    this.#wake()
    if (!this.#isFull(shard, 1)) return undefined
    return new Promise((resolve) => {
      one.goOn = resolve
    })
  }

  #onOpen(shard: number, { id, start, oldest, isCompacted }: WatchItem & { type: 'open' }): void {
    const one = this.#shard(shard)
    if (isCompacted) {
      if (one.wasOpened) {
        // It was started again: what it told nobody is gone.
        if (this.#parts.whenSlow === 'drop') one.hasLostPast = true
        else this.#fail(compactedError(this.#merge.watermarkOf(shard), oldest))
        return
      }
      this.#oldest = Math.max(this.#oldest ?? 0, oldest)
    } else {
      one.id = id
      one.asked = 0
      if (one.hasLostPast) {
        one.hasLostPast = false
        this.#push(shard, { from: this.#merge.watermarkOf(shard) + 1, to: start }, [], start)
      } else this.#push(shard, undefined, [], start)
    }
    if (one.wasOpened) return this.#wake()
    one.wasOpened = true
    this.#start = Math.max(this.#start, start)
    if (--this.#unopened > 0) return
    // The oldest of all shards: from there on none of them misses anything.
    if (this.#oldest !== undefined) return this.#fail(compactedError(this.#parts.since ?? 0, this.#oldest))
    this.#ready.resolve(this.#start)
    this.#wake()
  }

  /** Marks of what was lost stand half a step before the changes of their revision, and so alone. */
  #push(shard: number, lost: LostRange | undefined, entries: readonly Entry[], through: number): void {
    const one = this.#shard(shard)
    const all = [...entries]
    if (lost !== undefined) all.unshift({ revision: Math.max(lost.from - 0.5, one.newest + 0.25), lost })
    one.newest = all.at(-1)?.revision ?? one.newest
    this.#merge.push(shard, all, through)
  }

  #wake(): void {
    this.#outlet.wake()
    this.#parts.onMoved?.()
  }

  #take(): Item | undefined {
    for (;;) {
      const item = this.#out.shift()
      if (item !== undefined) return item
      const merged = this.#unopened > 0 ? undefined : this.#merge.take()
      if (merged === undefined) {
        this.#askLagging()
        return undefined
      }
      for (const [shard, { goOn }] of this.#shards.entries()) {
        if (goOn === undefined || this.#isFull(shard, 2)) continue
        this.#shard(shard).goOn = undefined
        goOn()
      }
      this.#given = Math.floor(merged.revision)
      this.#out.push(...this.#itemsOf(merged.entries))
    }
  }

  /** Whether a shard's stream is to wait. One of which nothing is here must not: others may wait for it. */
  #isFull(shard: number, times: 1 | 2): boolean {
    const count = this.#merge.countOf(shard)
    return count * times >= BUFFER_MAX || (count > 0 && this.#bytes * times > BUFFER_BYTES)
  }

  #itemsOf(entries: readonly Entry[]): readonly Item[] {
    const { shape, lost, since } = this.#parts
    const items: Item[] = []
    const changes: RecordedChange[] = []
    for (const { record, lost: range } of entries) {
      if (record !== undefined) this.#bytes -= recordBytes(record)
      if (range !== undefined) items.push(lost(range))
      // Another shard may have been asked too late for its part of this transaction.
      const isCutOff = since === undefined && record?.isShared === true && record.revision <= this.#start
      if (record !== undefined && !isCutOff) changes.push(...record.changes)
    }
    if (changes.length > 0) items.push(...shape(entries[0]?.revision ?? 0, changes))
    return items
  }

  #askLagging(): void {
    const lagging = this.#merge.lagging()
    if (lagging === undefined) return
    for (const shard of lagging.sources) this.#ask(shard, Math.ceil(lagging.revision))
  }

  #ask(shard: number, revision: number): void {
    const { client } = this.#parts
    const one = this.#shard(shard)
    const { id } = one
    if (id === undefined || one.asked >= revision) return
    one.asked = revision
    const ref = client.shardRefNow(shard)
    const again = (): void => {
      if (one.id !== id) return
      one.asked = 0
      client.clock.after(ASK_AGAIN_MS, () => this.#wake(), { unref: true })
    }
    if (ref === undefined) again()
    else ref.ask('watchProgress', { id, revision }).catch(again)
  }

  #fail(error: Error): void {
    this.#streams.close()
    this.#ready.reject(error)
    this.#failure = error
    this.#outlet.fail(error)
    this.#parts.onMoved?.()
  }

  #onClosed(): void {
    this.#streams.close()
    this.#out = []
    this.#ready.reject(new ShardloomError('SHL_STREAM_CANCELLED', { actor: 'keyspace', type: 'watch' }))
  }

  #shard(shard: number): WatchedShard {
    return this.#shards[shard] as WatchedShard
  }
}

function compactedError(since: number, oldest: number): ShardloomError {
  return new ShardloomError('SHL_WATCH_COMPACTED', { since, oldest })
}

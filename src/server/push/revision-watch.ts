/**
 * One WATCHREV: fed live, and with a stream of its own only while it is behind.
 *
 *               SINCE                              not behind the feed
 *     new ────────────────► in line ──► catching up ────────────────────► live ──► ended
 *      │                       ▲                                           │ ▲
 *      │                       └── its client leaves too much unread, or ◄──┘ │
 *      │ from now on               the feed has failed                         │
 *      └───────────────────────────────────────────────────────────────────────┘
 *
 * It joins the feed in the turn in which it has taken all that its own stream has, and that is at least as
 * much as the feed has given: what the feed gives from then on is above, or was seen and is left out. So
 * there is no gap and nothing comes twice, and nothing has to wait for the other.
 *
 * A client that does not read is not written to. What it has not taken stays in the history of the shards,
 * which all watchers share; when that is gone, its watch ends and says so.
 *
 * Invariant: its client was sent all that fits up to `seen`, once and in order, and nothing above it.
 * Tests: test/server/push/revision-feed.prop.test.ts, test/server/push/revision-watches.race.test.ts
 */
import { ShardloomError, type TimerHandle, toError } from '../../base/index.ts'
import type { ByteString } from '../../keyspace/engine/index.ts'
import { type Deferred, deferred, KeyspaceWatch } from '../../keyspace/serving/index.ts'
import type { WatchRequest } from '../catalog/index.ts'
import type { Session } from '../commands/server-command.ts'
import type { CatchUpLine, Latecomer } from './catch-up-line.ts'
import {
  type FeedClient,
  type FeedMember,
  type RevisionFeed,
  SharedCommit,
  WATCH_PARTS,
  type WatchedCommit,
  watchPush,
} from './revision-feed.ts'

/** Above it a client is not written to, until half of it is read. */
const UNREAD_BYTES_MAX = 1024 * 1024
/** A feed that could not be opened is tried again after this time. */
const AGAIN_MS = 100

/** What one is made with. */
export interface RevisionWatchParts {
  readonly client: FeedClient
  readonly session: Pick<Session, 'resp' | 'outputBytes' | 'push'>
  readonly request: WatchRequest
  readonly db: number
  readonly feed: RevisionFeed
  readonly line: CatchUpLine
  /** It has ended by itself, and its client was told. */
  onLost(error: Error): void
}

/** A watch. */
export class RevisionWatch implements FeedMember, Latecomer {
  readonly patterns: readonly ByteString[]
  readonly #parts: RevisionWatchParts
  #place: 'new' | 'line' | 'own' | 'live' | 'ended' = 'new'
  seen = 0
  /** The revision that its client was told last. */
  #told = 0
  #own: KeyspaceWatch<WatchedCommit> | undefined
  #isOpen = false
  #isAwaitingFeed = false
  isPaused = false
  #hasBegun = false
  readonly #begun: Deferred<void> = deferred()
  #progress: TimerHandle | undefined

  constructor(parts: RevisionWatchParts) {
    this.#parts = parts
    this.patterns = parts.request.names.map(({ pattern }) => pattern)
    parts.feed.want(this.patterns)
  }

  get hasRead(): boolean {
    return this.#parts.session.outputBytes < UNREAD_BYTES_MAX / 2
  }

  /** Begins; the revision above which everything will come. @throws SHL_WATCH_COMPACTED */
  async start(): Promise<number> {
    const { client, feed, line, request } = this.#parts
    if (request.since !== undefined) {
      this.seen = request.since
      this.#told = request.since
      this.#place = 'line'
      line.add(this)
      await this.#begun.promise
    } else {
      do {
        await feed.cover(this.patterns)
        if (this.#place === 'ended') await this.#begun.promise
        this.seen = client.memory.revision
      } while (!feed.join(this))
      this.#told = this.seen
      this.#place = 'live'
      this.#hasBegun = true
    }
    if (request.progressMs > 0) this.#tellProgressLater()
    return request.since ?? this.seen
  }

  /** Ends it. */
  end(): void {
    if (this.#place === 'ended') return
    const { feed, line } = this.#parts
    this.#place = 'ended'
    this.#progress?.cancel()
    line.delete(this)
    this.#closeOwn()
    feed.leave(this)
    feed.unwant(this.patterns)
    this.#begun.reject(new ShardloomError('SHL_STREAM_CANCELLED', { actor: 'keyspace', type: 'watch' }))
  }

  onCommit(commit: SharedCommit): void {
    if (commit.revision <= this.seen) return
    this.#push(commit)
    if (this.#place !== 'live' || !this.#isFull) return
    this.#parts.feed.leave(this)
    this.#place = 'line'
    this.#parts.line.add(this)
  }

  onFeedLost(revision: number): void {
    this.seen = Math.max(this.seen, revision)
    this.#place = 'line'
    this.#parts.line.add(this)
  }

  begin(): void {
    const { client, request, db } = this.#parts
    this.#place = 'own'
    const own: KeyspaceWatch<WatchedCommit> = new KeyspaceWatch<WatchedCommit>({
      ...WATCH_PARTS,
      client,
      shardCount: client.memory.shardCount,
      filter: { db, patterns: this.patterns },
      since: this.seen,
      values: request.values,
      onMoved: () => {
        if (own === this.#own) this.#catchUp()
      },
    })
    this.#own = own
    const opened = (): void => {
      if (own !== this.#own) return
      this.#isOpen = true
      this.#hasBegun = true
      this.#begun.resolve()
      this.#catchUp()
    }
    const failed = (thrown: unknown): void => {
      if (own === this.#own) this.#lose(toError(thrown))
    }
    own.ready.then(opened, failed)
  }

  goOn(): void {
    this.isPaused = false
    this.#catchUp()
  }

  giveWay(): void {
    this.#closeOwn()
    this.#place = 'line'
  }

  get #isFull(): boolean {
    return this.#parts.session.outputBytes > UNREAD_BYTES_MAX
  }

  #push(commit: SharedCommit): void {
    const { session, request } = this.#parts
    this.seen = commit.revision
    this.#told = commit.revision
    session.push(commit.for(request.id).in(session.resp))
  }

  #closeOwn(): void {
    void this.#own?.return()
    this.#own = undefined
    this.#isOpen = false
    this.isPaused = false
  }

  /** Takes what its own stream has, and joins the feed when it is not behind it. */
  #catchUp(): void {
    const own = this.#own
    if (own === undefined || !this.#isOpen || this.isPaused) return
    try {
      for (;;) {
        if (this.#isFull) {
          this.isPaused = true
          return this.#parts.line.paused()
        }
        const commit = own.takeNow()
        if (commit === undefined) break
        this.#push(new SharedCommit(commit))
        // What is sent may be too much for the connection.
        if (own !== this.#own) return
      }
    } catch (thrown) {
      return this.#lose(toError(thrown))
    }
    this.seen = Math.max(this.seen, own.revision)
    this.#joinFeed(own)
  }

  #joinFeed(own: KeyspaceWatch<WatchedCommit>): void {
    const { feed, line } = this.#parts
    if (feed.join(this)) {
      this.#place = 'live'
      this.#closeOwn()
      line.delete(this)
    } else if (feed.covers(this.patterns)) own.askThrough(feed.revision)
    else this.#awaitFeed()
  }

  #awaitFeed(): void {
    if (this.#isAwaitingFeed) return
    this.#isAwaitingFeed = true
    const { feed, client } = this.#parts
    const again = (): void => {
      this.#isAwaitingFeed = false
      this.#catchUp()
    }
    feed.cover(this.patterns).then(again, () => void client.clock.after(AGAIN_MS, again, { unref: true }))
  }

  /** Its own stream has failed. */
  #lose(error: Error): void {
    const { session, request, onLost } = this.#parts
    const { oldest, to } = error instanceof ShardloomError ? error.details : {}
    this.#begun.reject(error)
    this.end()
    if (!this.#hasBegun) return
    const revision = Number(oldest ?? to ?? this.seen)
    session.push(watchPush(request.id, 'watchrev-lost', revision).in(session.resp))
    onLost(error)
  }

  /** Tells how far it is, and asks the shards, now and then. */
  #tellProgressLater(): void {
    const { client, feed, session, request } = this.#parts
    const ask = (): void => {
      const from = this.#place === 'live' ? feed : this.#own
      from?.askThrough(client.memory.revision)
    }
    const tell = (): void => {
      if (this.#place === 'live') this.seen = Math.max(this.seen, feed.revision)
      if (this.seen > this.#told && !this.#isFull) {
        this.#told = this.seen
        session.push(watchPush(request.id, 'watchrev', this.seen, []).in(session.resp))
      }
      ask()
      later()
    }
    const later = (): void => {
      this.#progress = client.clock.after(request.progressMs, tell, { unref: true })
    }
    ask()
    later()
  }
}

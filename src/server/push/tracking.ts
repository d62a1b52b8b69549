/**
 * CLIENT TRACKING: telling clients that cache what they have read that it has changed.
 *
 * A read is remembered before it runs, and a change is told behind the replies that are still to come. So
 * what a client is told of last is never older than what it has cached:
 *
 *     read k ──► remembered ──► runs on its shard ───────────► reply ──► cached
 *                    a change before it runs: told behind the reply, and the copy goes for nothing
 *                                      a change after it ran: told behind the reply, as it must
 *
 * With REDIRECT the word takes another connection and may overtake the reply: a client must note reads that
 * are on their way, as with Redis.
 *
 * What a client's own command changed on this thread is told when the command is answered; what else changes
 * in one turn of the loop, at its end.
 *
 * Invariants: (1) a change to a key that a client may have cached is told, or that any key may have changed;
 * (2) the table has at most `tracking-table-max-keys` keys, shared out among the threads; (3) what waits for
 * a client that does not read is bounded.
 * Cost: nothing while nobody tracks. Then a look-up per change, and SET by the short way does without.
 * Tests: test/server/push/tracking.race.test.ts, test/server/push/push-redis.race.test.ts
 * Source: https://redis.io/docs/latest/develop/reference/client-side-caching/, Redis 7.0 tracking.c
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'
import type { LocalEar } from '../../keyspace/serving/index.ts'
import type {
  CommandAround,
  CommandEntry,
  ServerThread,
  Session,
  TrackingOptions,
} from '../commands/server-command.ts'
import { ConnectionState, type QueuedCommand } from '../connection/connection-state.ts'
import { Redirects } from './redirects.ts'
import { SharedPush } from './shared-push.ts'
import { TouchFeed } from './touch-feed.ts'
import { type PrefixNews, TrackingPrefixes } from './tracking-prefixes.ts'
import { TrackingTable } from './tracking-table.ts'

/** Shards that are emptied at once are so one after the other: they are waited for. */
const FLUSH_WAIT_MS = 5
/** And are one to a client that has read nothing in between. */
const SAME_FLUSH_MS = 100

/** A client with so much unread is told no keys any more, but once it has read half: any may have changed. */
const UNREAD_BYTES_MAX = 1024 * 1024
const UNREAD_LOOK_MS = 20

/** A client that tracks. */
interface Tracker {
  readonly session: Session
  options: TrackingOptions
  /** Whoever it has named does not exist any more. */
  isBroken: boolean
  /** It has too much unread. */
  isBehind: boolean
  /** Keys that its transaction reads for the first time, and after all that it writes. */
  readonly fresh: Set<ByteString>
  /** When it was told that any key may have changed, if it has read nothing since. */
  flushedMs: number
  readonly end: () => void
}

/** What INFO tells of it. */
export interface TrackingStats {
  readonly clients: number
  readonly keys: number
  readonly items: number
  readonly prefixes: number
}

/** The clients of a thread that track. */
export class Tracking implements CommandAround {
  readonly #thread: ServerThread
  readonly #feed: TouchFeed
  readonly #table = new TrackingTable()
  readonly #prefixes = new TrackingPrefixes()
  readonly #trackers = new Map<number, Tracker>()
  readonly #redirects: Redirects
  /** What is to be told at the end of what runs now. */
  #due: [client: number, key: ByteString][] = []
  #isFlushDue = false
  #isFlushWaiting = false
  #isSet = false
  #isEvicting = false
  /** The client whose command runs. */
  #running = 0

  constructor(thread: ServerThread, ears: Map<string, LocalEar>) {
    this.#thread = thread
    this.#feed = new TouchFeed({
      client: thread.client,
      ears,
      onKey: (key, by) => this.#onKey(key, by),
      onAll: () => {
        if (this.#trackers.size === 0 || this.#isFlushDue) return
        this.#isFlushDue = true
        this.#flushSoon()
      },
    })
    this.#redirects = new Redirects(thread, (client, redirect) => this.#onBroken(client, redirect))
    thread.parameters.onChange(['trackingTableMaxKeys'], () => this.#evict())
  }

  get stats(): TrackingStats {
    const { keys, items } = this.#table
    return { clients: this.#trackers.size, keys, items, prefixes: this.#prefixes.count }
  }

  /** Whether the client that it was redirected to is gone. */
  isBroken({ id }: Session): boolean {
    return this.#trackers.get(id)?.isBroken === true
  }

  /** Whether there is such a client, on any thread. */
  hasClient(id: number): Promise<boolean> {
    return this.#redirects.find(id)
  }

  /** Begins, or goes on with other options. Prefixes are added to those that it has. */
  async start(session: Session, options: TrackingOptions): Promise<void> {
    await this.#feed.open()
    // It may be gone by now.
    if (!this.#thread.sessions.has(session.id)) return this.#closeIfIdle()
    const before = this.#trackers.get(session.id)
    const given = options.isBroadcast && options.prefixes.length === 0 ? [''] : options.prefixes
    const prefixes = [...new Set([...(before?.options.prefixes ?? []), ...given])].sort()
    for (const prefix of prefixes) this.#prefixes.add(prefix, session.id)
    const kept = { ...options, prefixes }
    session.tracking = kept
    if (before === undefined) {
      const end = (): void => this.stop(session)
      this.#trackers.set(session.id, {
        session,
        options: kept,
        isBroken: false,
        isBehind: false,
        fresh: new Set(),
        flushedMs: 0,
        end,
      })
      session.onGone.add(end)
      session.around = this
    } else {
      before.options = kept
      before.isBroken = false
    }
    session.changed()
  }

  stop(session: Session): void {
    const tracker = this.#trackers.get(session.id)
    if (tracker === undefined) return
    for (const prefix of tracker.options.prefixes) this.#prefixes.remove(prefix, session.id)
    this.#trackers.delete(session.id)
    session.onGone.delete(tracker.end)
    session.tracking = undefined
    session.caching = undefined
    session.around = undefined
    session.changed()
    this.#closeIfIdle()
  }

  close(): void {
    this.#feed.close()
  }

  /** A client that tracks runs a command: what it reads is remembered. */
  before(session: Session, entry: CommandEntry, argv: readonly Argument[]): void {
    this.#tell()
    this.#running = session.id
    const tracker = this.#trackers.get(session.id)
    if (tracker === undefined) return
    tracker.fresh.clear()
    const { name } = entry
    const { caching } = session
    const transaction = name === 'exec' ? queuedOf(session) : undefined
    // What was said of the next command holds for all of a transaction.
    if (caching !== undefined && name !== 'multi' && !name.startsWith('client')) session.caching = undefined
    const { isBroadcast, mode } = tracker.options
    if (isBroadcast || (mode === 'optin' && caching !== true) || (mode === 'optout' && caching === false))
      return
    if (transaction === undefined) this.#remember(tracker, entry, argv)
    else {
      for (const { entry: queued, argv: words } of transaction) {
        if (queued.flags.has('readonly')) this.#remember(tracker, queued, words, tracker.fresh)
        else tracker.fresh.clear()
      }
    }
  }

  /** It has run, or is on its way. */
  after(): void {
    this.#running = 0
    this.#tell()
  }

  #remember(
    tracker: Tracker,
    { info, flags }: CommandEntry,
    argv: readonly Argument[],
    fresh?: Set<ByteString>,
  ): void {
    if (!flags.has('readonly') || flags.has('pubsub')) return
    const { session } = tracker
    for (const { index } of this.#thread.catalog.keysOf(info, argv)) {
      const key = byteString(argv[index]!)
      if (this.#table.add(key, session.id)) fresh?.add(key)
      tracker.flushedMs = 0
    }
    if (this.#table.keys > this.#keysMax) this.#evict()
  }

  get #keysMax(): number {
    const keysMax = this.#thread.parameters.get('trackingTableMaxKeys')
    return keysMax === 0 ? Number.POSITIVE_INFINITY : Math.ceil(keysMax / this.#thread.peers.count)
  }

  /** `named`: the client that has changed it, where a shard has said so. */
  #onKey(key: ByteString, named: number): void {
    const by = named === 0 ? this.#running : named
    if (this.#prefixes.count > 0) this.#prefixes.touch(key, by)
    for (const client of this.#table.take(key)) {
      const tracker = this.#trackers.get(client)
      if (tracker === undefined || tracker.options.isBroadcast) continue
      // What its transaction reads behind its own writes is as they have left it.
      const isOwn = tracker.options.noLoop ? client === by : client === named && tracker.fresh.has(key)
      if (!isOwn) this.#due.push([client, key])
      // Nothing is told, and it may have read the key since: then it wants to know of the next change.
      else this.#table.add(key, client)
    }
    if (this.#due.length > 0 || this.#prefixes.hasNews) this.#tellSoon()
  }

  #tellSoon(): void {
    if (this.#isSet) return
    this.#isSet = true
    queueMicrotask(() => this.#tell())
  }

  #flushSoon(): void {
    if (this.#thread.client.memory.shardCount === 1) return this.#tellSoon()
    this.#isFlushWaiting = true
    const end = (): void => {
      this.#isFlushWaiting = false
      this.#tell()
    }
    this.#thread.clock.after(FLUSH_WAIT_MS, end, { unref: true })
  }

  #tell(): void {
    this.#isSet = false
    if (this.#isFlushDue && !this.#isFlushWaiting) this.#tellAll()
    if (this.#due.length > 0) {
      const due = this.#due
      this.#due = []
      let last: ByteString | undefined
      let push: SharedPush | undefined
      for (const [client, key] of due) {
        const tracker = this.#trackers.get(client)
        if (tracker === undefined) continue
        if (push === undefined || key !== last) {
          push = new SharedPush(['invalidate', [key]])
          last = key
        }
        this.#send(tracker, [key], push)
      }
    }
    if (this.#prefixes.hasNews) for (const news of this.#prefixes.takeNews()) this.#broadcast(news)
  }

  #broadcast({ clients, changed }: PrefixNews): void {
    const all = [...changed.keys()]
    const push = new SharedPush(['invalidate', all])
    for (const client of clients) {
      const tracker = this.#trackers.get(client)
      if (tracker === undefined) continue
      const own = tracker.options.noLoop ? all.filter((key) => changed.get(key) !== client) : all
      if (own.length === all.length) this.#send(tracker, all, push)
      else if (own.length > 0) this.#send(tracker, own, new SharedPush(['invalidate', own]))
    }
  }

  /** Any key may have changed. */
  #tellAll(): void {
    this.#isFlushDue = false
    this.#table.clear()
    this.#due = []
    this.#prefixes.takeNews()
    const nowMs = this.#thread.nowMs()
    const push = new SharedPush(['invalidate', null])
    for (const tracker of this.#trackers.values()) {
      const isKnown = tracker.flushedMs > 0 && nowMs - tracker.flushedMs < SAME_FLUSH_MS
      if (isKnown && !tracker.options.isBroadcast) continue
      tracker.flushedMs = nowMs
      this.#send(tracker, null, push)
    }
  }

  #send(tracker: Tracker, keys: readonly ByteString[] | null, push: SharedPush, isLater = false): void {
    const { session, options, isBehind } = tracker
    if (isLater && this.#trackers.get(session.id) !== tracker) return
    if (options.redirect !== 0) this.#redirects.send(session.id, options.redirect, keys)
    // In version 2 of the protocol there is no way to tell it.
    else if (session.resp === 2 || isBehind) return
    // It may have been given what it waits for in this turn: then this is told behind the reply.
    else if (session.blockedIn !== undefined && !isLater) {
      this.#thread.clock.after(0, () => this.#send(tracker, keys, push, true), { unref: true })
    } else if (session.outputBytes <= UNREAD_BYTES_MAX) session.push(push.in(3))
    else {
      tracker.isBehind = true
      this.#catchUp(tracker)
    }
  }

  #catchUp(tracker: Tracker): void {
    const look = (): void => {
      const { session } = tracker
      if (this.#trackers.get(session.id) !== tracker) return
      if (session.outputBytes > UNREAD_BYTES_MAX / 2) return this.#catchUp(tracker)
      tracker.isBehind = false
      this.#send(tracker, null, new SharedPush(['invalidate', null]))
    }
    this.#thread.clock.after(UNREAD_LOOK_MS, look, { unref: true })
  }

  #onBroken(client: number, redirect: number): void {
    const tracker = this.#trackers.get(client)
    if (tracker?.options.redirect !== redirect) return
    tracker.isBroken = true
    const { session } = tracker
    if (session.resp === 3) session.push(new SharedPush(['tracking-redir-broken', redirect]).in(3))
  }

  /** Forgets keys beyond the limit, and says so; some at a time. */
  #evict(): void {
    if (this.#isEvicting) return
    const keysMax = this.#keysMax
    const isDone = this.#table.evict(keysMax, (key, clients) => {
      for (const client of clients) this.#due.push([client, key])
    })
    if (this.#due.length > 0) this.#tellSoon()
    if (isDone) return
    this.#isEvicting = true
    const goOn = (): void => {
      this.#isEvicting = false
      this.#evict()
    }
    this.#thread.clock.after(0, goOn, { unref: true })
  }

  #closeIfIdle(): void {
    if (this.#trackers.size > 0) return
    this.#feed.close()
    this.#table.clear()
    this.#due = []
  }
}

function queuedOf(session: Session): readonly QueuedCommand[] | undefined {
  return session instanceof ConnectionState ? session.transaction?.commands : undefined
}

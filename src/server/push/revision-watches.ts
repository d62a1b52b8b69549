/**
 * WATCHREV: the changes of keys to a client, in the order of their revisions, a commit at a time.
 *
 *     WATCHREV user:* SINCE 41 VALUES          ──►  :41
 *     ◄── > watchrev  43  [[0 user:7 set Ada string] [0 user:8 del _ none]]
 *     ◄── > watchrev  97  []                        nothing else up to here
 *     ◄── > watchrev-lost  120                      it ends: go on from what came last, or anew from here
 *
 * Who has which is told here. All of a database are given what is committed by one feed of the thread
 * (RevisionFeed), and each catches up by itself when it is behind (RevisionWatch).
 *
 * Invariants: (1) a client has at most `WATCHES_MAX`, each with at most `PATTERNS_MAX` patterns; (2) there is
 * a feed exactly while somebody wants it.
 * Tests: test/server/push/revision-watches.race.test.ts
 */
import { ShardloomError, toError } from '../../base/index.ts'
import {
  type Argument,
  type ByteString,
  ErrorReply,
  err,
  isLiteralPattern,
} from '../../keyspace/engine/index.ts'
import type { CommandInfo, WatchRequest } from '../catalog/index.ts'
import type { ServerThread, Session } from '../commands/server-command.ts'
import { errorReplyOf } from '../connection/error-reply.ts'
import { CatchUpLine } from './catch-up-line.ts'
import { RevisionFeed } from './revision-feed.ts'
import { RevisionWatch } from './revision-watch.ts'

const WATCHES_MAX = 128
/** Each is tried on every change; keys are looked up, and may be any number. */
const PATTERNS_MAX = 1024
const TOO_MANY_PATTERNS = err(`A watch may have ${PATTERNS_MAX} patterns at most`)

interface OwnedWatch {
  readonly session: Session
  readonly request: WatchRequest
  readonly info: CommandInfo
  readonly argv: readonly Argument[]
  readonly watch: RevisionWatch
  /** Ends it. */
  readonly end: () => void
}

/** The watches of a thread's clients. */
export class RevisionWatches {
  readonly #thread: ServerThread
  readonly #watches = new Map<Session, Map<ByteString, OwnedWatch>>()
  /** By database, and whether they have values. */
  readonly #feeds = new Map<string, RevisionFeed>()
  readonly #line: CatchUpLine

  constructor(thread: ServerThread) {
    this.#thread = thread
    this.#line = new CatchUpLine(thread.client.clock)
  }

  /** The revision above which everything will come. */
  async start(
    session: Session,
    request: WatchRequest,
    info: CommandInfo,
    argv: readonly Argument[],
  ): Promise<number | ErrorReply> {
    const own = this.#watches.get(session) ?? new Map<ByteString, OwnedWatch>()
    if (own.has(request.id)) return err('There is such a watch already: end it first, or give it an ID')
    if (own.size >= WATCHES_MAX) return err(`A client may have ${WATCHES_MAX} watches at most`)
    if (request.names.filter(({ pattern }) => !isLiteralPattern(pattern)).length > PATTERNS_MAX)
      return TOO_MANY_PATTERNS
    const owned = this.#make(session, request, info, argv)
    this.#watches.set(session, own)
    own.set(request.id, owned)
    session.onGone.add(owned.end)
    const started = owned.watch.start()
    if (!this.#thread.sessions.has(session.id)) owned.end()
    try {
      return await started
    } catch (thrown) {
      owned.end()
      const error = toError(thrown)
      if (!(error instanceof ShardloomError) || error.code !== 'SHL_WATCH_COMPACTED')
        return errorReplyOf(error)
      const { since, oldest } = error.details
      return new ErrorReply('COMPACTED', `the history begins later: since=${since} oldest=${oldest}`)
    }
  }

  /** Ends watches, all without names; how many there were. */
  stop(session: Session, names: readonly ByteString[]): number {
    const own = this.#watches.get(session)
    if (own === undefined) return 0
    const ended = [...own.values()].filter(({ request }) => names.length === 0 || names.includes(request.id))
    for (const { end } of ended) end()
    return ended.length
  }

  /** Rules of users have changed: who may not watch any more is closed. */
  recheck(): void {
    for (const [session, own] of [...this.#watches]) {
      const { user } = session
      const mayWatch = ({ info, argv }: OwnedWatch): boolean => user?.canRun(info, argv) === 'allowed'
      if (![...own.values()].every(mayWatch)) session.closeAfterReplies()
    }
  }

  #make(session: Session, request: WatchRequest, info: CommandInfo, argv: readonly Argument[]): OwnedWatch {
    const { db } = session
    const watch = new RevisionWatch({
      client: this.#thread.client,
      session,
      request,
      db,
      feed: this.#feedOf(db, request.values),
      line: this.#line,
      onLost: (error) => {
        this.#forget(owned)
        this.#thread.log('info', 'a watch was ended', { id: session.id, reason: error.message })
      },
    })
    const end = (): void => {
      this.#forget(owned)
      watch.end()
    }
    const owned: OwnedWatch = { session, request, info, argv, watch, end }
    return owned
  }

  #feedOf(db: number, values: boolean): RevisionFeed {
    const id = `${db}:${values}`
    const known = this.#feeds.get(id)
    if (known !== undefined) return known
    const feed = new RevisionFeed(this.#thread.client, db, values, () => this.#feeds.delete(id))
    this.#feeds.set(id, feed)
    return feed
  }

  #forget(owned: OwnedWatch): void {
    const { session, request, end } = owned
    session.onGone.delete(end)
    const own = this.#watches.get(session)
    if (own?.get(request.id) !== owned) return
    own.delete(request.id)
    if (own.size === 0) this.#watches.delete(session)
  }
}

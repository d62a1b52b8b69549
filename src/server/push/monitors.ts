/**
 * MONITOR: every command of every thread, as text, to the clients that asked for it.
 *
 * While no client of any thread monitors, no thread looks at its commands. Else each makes the lines of its
 * own, gives them to its monitors at the end of the turn, and sends them in batches to the threads that have
 * monitors. Lines of one thread are in its order; those of several can be put in order by their times.
 *
 * Invariant: what waits for another thread is bounded: beyond that lines are dropped, and a line says how
 * many. What waits for a client is bounded by its output limits.
 * Cost: nothing while nobody monitors; then every command takes the long way, and a line.
 * Tests: test/server/push/monitors.race.test.ts
 */
import { type Argument, byteString, databaseIndex } from '../../keyspace/engine/index.ts'
import type { CommandEntry, CommandObserver, ServerThread, Session } from '../commands/server-command.ts'
import { ConnectionState } from '../connection/connection-state.ts'
import { EncodedReply } from '../resp/index.ts'
import { monitorLine } from './monitor-line.ts'

/** Lines that are given to clients at a time, in bytes. */
const BATCH_BYTES = 256 * 1024
/** Lines that wait for another thread. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024
const TOPIC_WATCH = 'monitor.watch'
const TOPIC_HAS = 'monitor.has'
const TOPIC_LINES = 'monitor.lines'

/** Whether a thread has monitors. */
type MonitorNews = readonly [thread: number, hasAny: boolean]

/** The monitors of a thread, and what it tells those of others. */
export class Monitors {
  readonly #thread: ServerThread
  readonly #clients = new Map<Session, () => void>()
  /** Other threads that have monitors. */
  readonly #others = new Set<number>()
  readonly #observe: CommandObserver = (session, entry, argv) => this.#onCommand(session, entry, argv)
  #lines: string[] = []
  #bytes = 0
  #isSet = false
  /** What is for other threads. */
  #outbox: string[] = []
  #outboxBytes = 0
  #dropped = 0
  #isSending = false
  /** What other threads were told last. */
  #told: Promise<unknown> = Promise.resolve()

  constructor(thread: ServerThread) {
    this.#thread = thread
    const { topics, onJoin } = thread.peers
    topics.set(TOPIC_WATCH, (news: MonitorNews) => this.#onOther(news))
    topics.set(TOPIC_HAS, () => this.#news())
    topics.set(TOPIC_LINES, ([from, lines]: readonly [number, string]) => {
      if (from !== thread.id) this.#give([lines])
    })
    onJoin.add(() => void this.#onJoin())
  }

  /** Resolves when all threads tell of their commands. */
  async start(session: Session): Promise<void> {
    if (this.#clients.has(session) || !this.#thread.sessions.has(session.id)) return
    const end = (): void => this.#stop(session)
    this.#clients.set(session, end)
    session.isMonitor = true
    session.onGone.add(end)
    this.#watch()
    session.changed()
    if (this.#clients.size === 1) await this.#tellOthers()
    else await this.#told
  }

  #stop(session: Session): void {
    const end = this.#clients.get(session)
    if (end === undefined) return
    session.onGone.delete(end)
    session.isMonitor = false
    this.#clients.delete(session)
    this.#watch()
    session.changed()
    if (this.#clients.size === 0) void this.#tellOthers()
  }

  #tellOthers(): Promise<unknown> {
    const { peers } = this.#thread
    this.#told = this.#told.then(() => {
      return peers.ask(TOPIC_WATCH, this.#news())
    })
    return this.#told
  }

  #news(): MonitorNews {
    return [this.#thread.id, this.#clients.size > 0]
  }

  #onOther([thread, hasAny]: MonitorNews): void {
    if (thread === this.#thread.id) return
    if (hasAny) this.#others.add(thread)
    else this.#others.delete(thread)
    this.#watch()
  }

  /** Other threads have come or gone. Who has none any more has said so by itself. */
  async #onJoin(): Promise<void> {
    const news = await this.#thread.peers.ask<MonitorNews>(TOPIC_HAS)
    for (const one of news) if (one[1]) this.#onOther(one)
    for (const other of this.#others)
      if (!news.some(([thread]) => thread === other)) this.#others.delete(other)
    this.#watch()
  }

  /** Looks at commands, or does not. */
  #watch(): void {
    const { observers } = this.#thread
    const isWatching = observers.has(this.#observe)
    const isWanted = this.#clients.size + this.#others.size > 0
    if (isWatching === isWanted) return
    if (isWanted) observers.add(this.#observe)
    else observers.delete(this.#observe)
    this.#thread.changed()
  }

  #onCommand(session: Session, entry: CommandEntry, argv: readonly Argument[]): void {
    let { db } = session
    if (entry.name === 'exec' && session instanceof ConnectionState) {
      const { commands = [], hasFailed = true } = session.transaction ?? {}
      for (const queued of hasFailed ? [] : commands) {
        db = databaseAfter(db, queued.entry, queued.argv)
        this.#add(session, queued.entry, queued.argv, db)
      }
    }
    this.#add(session, entry, argv, databaseAfter(db, entry, argv))
  }

  #add(session: Session, { flags }: CommandEntry, argv: readonly Argument[], db: number): void {
    // Too much of what an administrator does is secret.
    if (flags.has('skip_monitor') || flags.has('admin')) return
    const line = `+${monitorLine(session, db, argv, this.#thread.wallMs())}\r\n`
    this.#lines.push(line)
    this.#bytes += line.length
    if (this.#bytes > BATCH_BYTES) return this.#flush()
    if (this.#isSet) return
    this.#isSet = true
    queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#isSet = false
    if (this.#bytes === 0) return
    const lines = this.#lines
    const bytes = this.#bytes
    this.#lines = []
    this.#bytes = 0
    this.#give(lines)
    if (this.#others.size === 0) return
    if (this.#outboxBytes > WAITING_BYTES_MAX) this.#dropped += lines.length
    else {
      this.#outbox.push(...lines)
      this.#outboxBytes += bytes
    }
    if (!this.#isSending) void this.#send()
  }

  async #send(): Promise<void> {
    const { id, peers } = this.#thread
    this.#isSending = true
    while (this.#outbox.length > 0) {
      const lines = this.#outbox
      if (this.#dropped > 0) lines.push(this.#droppedLine(this.#dropped))
      this.#outbox = []
      this.#outboxBytes = 0
      this.#dropped = 0
      await peers.ask(TOPIC_LINES, [id, lines.join('')]).catch(() => undefined)
    }
    this.#isSending = false
  }

  /** In the form of the others, for whoever reads them. */
  #droppedLine(count: number): string {
    const from = { address: `thread-${this.#thread.id}`, isUnix: false }
    return `+${monitorLine(from, 0, ['monitor', 'dropped', String(count)], this.#thread.wallMs())}\r\n`
  }

  #give(lines: readonly string[]): void {
    if (this.#clients.size === 0) return
    const reply = new EncodedReply([Buffer.from(lines.join(''), 'latin1')])
    for (const client of this.#clients.keys()) client.push(reply)
  }
}

/** Lines show the database in which a client is when the command has run. */
function databaseAfter(db: number, { name }: CommandEntry, argv: readonly Argument[]): number {
  if (name === 'reset') return 0
  if (name !== 'select') return db
  const index = databaseIndex(byteString(argv[1] ?? ''))
  return typeof index === 'number' ? index : db
}

/**
 * A client's state, without its socket: who it is, what it has selected and queued, what it waits in.
 *
 * Whether a request may take the short way is one property, `isPlain`, that is found anew whenever something
 * changes that it depends on: it is read for each request.
 *
 * Tests: test/server/connection/pipeline.prop.test.ts
 */
import type { Argument, ByteString, ErrorReply } from '../../keyspace/engine/index.ts'
import type {
  InlineRun,
  KeyspaceMemory,
  LentArguments,
  MOVED,
  WatchedKey,
} from '../../keyspace/serving/index.ts'
import type { AclUser } from '../acl/index.ts'
import type {
  CommandAround,
  CommandEntry,
  ReplyMode,
  ServerThread,
  Session,
  TrackingOptions,
} from '../commands/server-command.ts'
import {
  NO_REPLY,
  type ReplyWriter,
  type RequestLimits,
  type ServerReply,
  SeveralReplies,
  strangerLimits,
} from '../resp/index.ts'
import type { CommandIndex } from '../thread/command-index.ts'
import type { Stretch } from '../thread/stretch.ts'
import type { AnswerDeadlines } from './answer-deadlines.ts'
import { requestBytes } from './client-line.ts'
import type { ClientMemory, WeighedClient } from './client-memory.ts'
import type { Postponed } from './client-pause.ts'
import type { ReplyQueue } from './reply-queue.ts'

/** What the server knows of a client when it connects. */
export interface ConnectionFacts {
  readonly id: number
  readonly address: string
  readonly localAddress: string
  readonly isTls: boolean
  readonly isUnix: boolean
  readonly certificateUser: string | undefined
}

/** A thread, as its connections see it. */
export interface HostThread extends ServerThread {
  readonly commands: CommandIndex
  readonly memory: KeyspaceMemory
  readonly stretch: Stretch
  readonly limits: RequestLimits
  makeWriter(): ReplyWriter
  endStretch(): Promise<void> | undefined
  /** `maxmemory-clients`. */
  readonly clientMemory: ClientMemory
  readonly answers: AnswerDeadlines
  onClosed(connection: ConnectionState, reason: string): void
  /** All was answered, and the client may still be sending: it is closed soon. */
  linger(connection: Session): void
  /** A command has run, here or on another thread: counts and times it. */
  onRan(
    session: Session,
    entry: CommandEntry,
    argv: readonly Argument[],
    startMs: number,
    reply: unknown,
    isElsewhere?: boolean,
  ): void
  /** A command was answered with an error, or refused with one. */
  noteError(entry: CommandEntry | undefined, reply: ErrorReply, isRefused?: boolean): void
  /** The user that a new client has without a word; undefined: it must authenticate. */
  firstUser(facts: ConnectionFacts): AclUser | undefined
  /** Hard and soft bounds of what waits to be sent: true when the client is to be closed. */
  isOverOutput(session: Session, bytes: number): boolean
}

/** A command that MULTI has queued. */
export interface QueuedCommand {
  readonly entry: CommandEntry
  readonly argv: readonly Argument[]
}

/**
 * Whether a command may change something: then it waits for the end of any pause. As in Redis, whose replicas
 * hear of messages, sending one does as well.
 */
export function mayChange({ flags, spec }: CommandEntry): boolean {
  return flags.has('write') || spec?.channelAt !== undefined
}

/** What a client takes that says nothing; and a key, channel or prefix that it names. */
const CLIENT_BYTES = 8 * 1024
const NAME_BYTES = 128
/** What an argument takes besides its bytes. */
const QUEUED_ARGUMENT_BYTES = 32

/** A transaction that is being put together. */
export interface OpenTransaction {
  readonly commands: QueuedCommand[]
  /** What they take, about. */
  bytes: number
  hasFailed: boolean
  /** Whether one of them may change something. */
  mayWrite: boolean
}

/** A client. */
export abstract class ConnectionState implements Session, Postponed, WeighedClient {
  readonly id: number
  readonly thread: HostThread
  readonly address: string
  readonly localAddress: string
  readonly isTls: boolean
  readonly isUnix: boolean
  readonly certificateUser: string | undefined
  readonly createdMs: number
  readonly facts: ConnectionFacts
  readonly onGone: Set<() => void> = new Set()
  /** What a reply that is not written is. */
  readonly nothing: typeof NO_REPLY = NO_REPLY
  resp: 2 | 3 = 2
  db = 0
  name: ByteString = ''
  libName: ByteString = ''
  libVersion: ByteString = ''
  user: AclUser | undefined
  replyMode: ReplyMode = 'on'
  noEvict = false
  noTouch = false
  weight = 0
  lastUsedMs: number
  lastCommand = ''
  commands = 0
  bytesIn = 0
  bytesOut = 0
  channelCount = 0
  patternCount = 0
  shardedCount = 0
  isPostponed = false
  /** The request that waits for the end of a pause, or has waited. */
  held: readonly Argument[] | undefined
  isMonitor = false
  /** It has sent its last byte. */
  hasEnded = false
  /** Commands of the server that MULTI has queued run. */
  isInExec = false
  tracking: TrackingOptions | undefined
  caching: boolean | undefined
  around: CommandAround | undefined
  /** Whether requests may take the short way. */
  isPlain = false
  transaction: OpenTransaction | undefined
  readonly watched: Map<string, WatchedKey> = new Map()
  #blockedIn: string | undefined
  #endWait: ((withError: boolean) => void) | undefined

  constructor(thread: HostThread, facts: ConnectionFacts) {
    this.thread = thread
    this.facts = facts
    this.id = facts.id
    this.address = facts.address
    this.localAddress = facts.localAddress
    this.isTls = facts.isTls
    this.isUnix = facts.isUnix
    this.certificateUser = facts.certificateUser
    this.createdMs = thread.wallMs()
    this.lastUsedMs = thread.nowMs()
    this.user = thread.firstUser(facts)
  }

  abstract readonly replies: ReplyQueue
  /** The client is gone. */
  abstract get isClosed(): boolean
  abstract get queryBytes(): number
  abstract get outputBytes(): number
  abstract push(reply: ServerReply): void
  abstract close(reason: string): void
  abstract closeAfterReplies(reason?: string): void
  abstract answer(reply: ServerReply | typeof NO_REPLY): void
  abstract alone(work: Promise<ServerReply | typeof NO_REPLY>): void
  abstract later(
    entry: CommandEntry,
    slot: number,
    argv: readonly Argument[],
    work: Promise<ServerReply | typeof NO_REPLY | typeof MOVED>,
  ): void
  abstract sendRemote(entry: CommandEntry, slot: number, argv: readonly Argument[]): void
  abstract sendLent(entry: CommandEntry, slot: number, lent: LentArguments): boolean
  /** Resolves when all requests on their way to other threads are answered; undefined: there are none. */
  abstract whenRemoteAnswered(): Promise<void> | undefined
  abstract localShard(slot: number): InlineRun | undefined
  abstract setLimits(limits: RequestLimits): void
  abstract goOnAfterPause(): void

  /** Its id for shards, where it hears of changes and they may be its own; 0: it need not be known. */
  get namedAs(): number {
    return this.tracking === undefined ? 0 : this.id
  }

  get queued(): number {
    return this.transaction?.commands.length ?? -1
  }

  /** Queues a command of a transaction; false: that would be more than one client may have us keep. */
  queue(transaction: OpenTransaction, command: QueuedCommand): boolean {
    for (const arg of command.argv) transaction.bytes += arg.length + QUEUED_ARGUMENT_BYTES
    if (transaction.bytes + this.queryBytes > this.thread.limits.requestBytesMax) return false
    transaction.commands.push(command)
    transaction.mayWrite ||= mayChange(command.entry)
    return true
  }

  get watchedKeys(): number {
    return this.watched.size
  }

  get blockedIn(): string | undefined {
    return this.#blockedIn
  }

  /** What it has us keep, about. */
  get memoryBytes(): number {
    const listened = this.channelCount + this.patternCount + this.shardedCount
    const names = listened + this.watched.size + (this.tracking?.prefixes.length ?? 0)
    return CLIENT_BYTES + this.queryBytes + this.outputBytes + this.queuedBytes + names * NAME_BYTES
  }

  get queuedBytes(): number {
    return this.transaction?.bytes ?? 0
  }

  /** Whether it listens to channels: in version 2 of the protocol it may do little else then. */
  get isSubscribed(): boolean {
    return this.channelCount + this.patternCount + this.shardedCount > 0
  }

  /** A request waits for the end of CLIENT PAUSE, and what comes behind it waits with it. */
  postpone(argv: readonly Argument[]): void {
    this.held = argv
    this.isPostponed = true
    this.thread.pause.postpone(this)
  }

  /** What waits for the end of a pause does not run any more. */
  protected giveUpHeld(): void {
    if (!this.isPostponed) return
    this.thread.pause.forget(this)
    this.isPostponed = false
    this.held = undefined
  }

  protected get heldBytes(): number {
    return this.held === undefined ? 0 : requestBytes(this.held)
  }

  authenticate(user: AclUser): void {
    this.user = user
    this.changed()
  }

  changed(): void {
    const { thread, user } = this
    this.setLimits(user === undefined ? strangerLimits(thread.limits) : thread.limits)
    this.isPlain =
      user?.isUnrestricted === true &&
      this.transaction === undefined &&
      this.replyMode === 'on' &&
      this.tracking === undefined &&
      this.caching === undefined &&
      !this.isMonitor &&
      !(this.isSubscribed && this.resp === 2) &&
      thread.observers.size === 0 &&
      thread.pause.state === undefined
  }

  reset(): void {
    this.transaction = undefined
    this.watched.clear()
    this.db = 0
    this.resp = 2
    this.name = ''
    this.replyMode = 'on'
    this.isMonitor = false
    this.tracking = undefined
    this.caching = undefined
    this.noEvict = false
    this.noTouch = false
    this.endOpen()
    this.user = this.thread.firstUser(this.facts)
    this.changed()
  }

  /** Ends what commands have left open: subscriptions, watches, monitors. */
  endOpen(): void {
    for (const end of [...this.onGone]) end()
    this.onGone.clear()
    this.channelCount = 0
    this.patternCount = 0
    this.shardedCount = 0
  }

  /** No transaction is open, and no key is watched. */
  forgetTransaction(): void {
    this.transaction = undefined
    this.watched.clear()
    this.changed()
  }

  /** It waits in a command, until `end` is called. */
  beginWait(command: string, end: (withError: boolean) => void): void {
    this.#blockedIn = command
    this.#endWait = end
  }

  endedWait(): void {
    this.#blockedIn = undefined
    this.#endWait = undefined
  }

  unblock(withError: boolean): boolean {
    const end = this.#endWait
    end?.(withError)
    return end !== undefined
  }

  /** The client is gone. */
  protected endWaits(withError: boolean): void {
    this.#endWait?.(withError)
    this.giveUpHeld()
    this.endOpen()
  }

  /** The reply, or nothing where CLIENT REPLY says so. */
  muted(reply: ServerReply | typeof NO_REPLY): ServerReply | typeof NO_REPLY {
    if (this.replyMode === 'on' || reply === NO_REPLY || reply instanceof SeveralReplies) return reply
    return this.takeMute() ? NO_REPLY : reply
  }

  /** Whether the present reply is not written. */
  takeMute(): boolean {
    if (this.replyMode === 'on') return false
    if (this.replyMode === 'skip') {
      this.replyMode = 'on'
      this.changed()
    }
    return true
  }

  /** Closes a client that leaves too much unread. */
  checkOutput(bytes: number): void {
    if (!this.thread.isOverOutput(this, bytes)) return
    this.close('it has left too much unread')
  }
}

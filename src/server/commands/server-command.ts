/**
 * What the server's own commands are, and what their handlers see: a client's session, and its thread.
 *
 * Commands of the keyspace run on a shard; those here concern a connection, a thread or the server. A handler
 * may answer later, and its client's later requests wait for it, as they would behind any command.
 *
 * Tests: test/server/commands/table.test.ts
 */
import type { Clock } from '../../base/index.ts'
import type { Argument, ByteString, CommandSpec, ErrorReply, Reply } from '../../keyspace/engine/index.ts'
import type { Keyspace, KeyspaceClient } from '../../keyspace/serving/index.ts'
import type { AclStore, AclUser } from '../acl/index.ts'
import type { CommandCatalog, CommandInfo, ServerCommandSpec } from '../catalog/index.ts'
import type { ClientPause } from '../connection/client-pause.ts'
import type { ParameterStore } from '../parameters/index.ts'
import type { CommandTimes } from '../report/command-times.ts'
import type { NO_REPLY, ServerReply } from '../resp/index.ts'
import type { Peers } from '../thread/peers.ts'

/** What a handler gives: a reply, none (it has written by itself), or one that comes later. */
export type CommandResult = ServerReply | typeof NO_REPLY | Promise<ServerReply | typeof NO_REPLY>

/** A command of the server. */
export interface ServerCommand extends ServerCommandSpec {
  run(session: Session, argv: readonly Argument[]): CommandResult
}

/** A command, and what a thread has counted of it. */
export interface CommandEntry {
  readonly name: string
  readonly info: CommandInfo
  readonly arity: number
  /** Set for commands of the keyspace. */
  readonly spec: CommandSpec | undefined
  /** Its row in the keyspace's table; -1: it is of the server. */
  readonly row: number
  /** Whether it always has just one key, its first argument, and is answered at once. */
  readonly isOneKey: boolean
  readonly hot: number
  /** Whether it takes O(1) or O(log n) for each of its arguments. */
  readonly isFast: boolean
  readonly server: ServerCommand | undefined
  /** Subcommands by name, of a container. */
  readonly subcommands: ReadonlyMap<string, CommandEntry> | undefined
  readonly flags: ReadonlySet<string>
  /** Whether the audit log tells of it: then it does not take the short way. */
  isAudited: boolean
  calls: number
  failed: number
  rejected: number
  usec: number
  /** How long it took; null: it is not timed; undefined: it was never called. See `ThreadWatch`. */
  times: CommandTimes | null | undefined
  /** Calls by the short way: all, those by the last one that was timed, and at which the next one is. */
  shortCalls: number
  sampledAt: number
  sampleAt: number
}

/** Which of a client's replies are written: `skip` leaves out the next one. */
export type ReplyMode = 'on' | 'off' | 'skip'

/** What CLIENT TRACKING was told. */
export interface TrackingOptions {
  /** The id of the client that is told in its place; 0: itself. */
  readonly redirect: number
  readonly isBroadcast: boolean
  readonly prefixes: readonly ByteString[]
  readonly mode: 'default' | 'optin' | 'optout'
  readonly noLoop: boolean
}

/** One client's state, as commands of the server see it. */
export interface Session {
  /** Unique over all threads, and growing. */
  readonly id: number
  readonly thread: ServerThread
  resp: 2 | 3
  db: number
  name: ByteString
  libName: ByteString
  libVersion: ByteString
  /** Undefined until it is authenticated. */
  user: AclUser | undefined
  replyMode: ReplyMode
  /** `CLIENT NO-EVICT` and `CLIENT NO-TOUCH`. */
  noEvict: boolean
  noTouch: boolean
  readonly address: string
  readonly localAddress: string
  readonly isTls: boolean
  readonly isUnix: boolean
  /** The user that the client's certificate stands for. */
  readonly certificateUser: string | undefined
  readonly createdMs: number
  lastUsedMs: number
  /** The last command, as `client|list`. */
  lastCommand: string
  readonly commands: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Bytes that wait to be parsed, and to be sent. */
  readonly queryBytes: number
  readonly outputBytes: number
  /** Of commands that MULTI has queued; and all that it has us keep, about. */
  readonly queuedBytes: number
  readonly memoryBytes: number
  /** Channels, patterns and sharded channels that it listens to: how many. */
  channelCount: number
  patternCount: number
  shardedCount: number
  /** Whether it listens to any. */
  readonly isSubscribed: boolean
  /** Commands queued by MULTI; -1: it is in no transaction. */
  readonly queued: number
  readonly watchedKeys: number
  /** The command that it waits in; undefined: it waits for nothing. */
  readonly blockedIn: string | undefined
  /** Its command waits for the end of CLIENT PAUSE. */
  isPostponed: boolean
  isMonitor: boolean
  tracking: TrackingOptions | undefined
  /** What CLIENT CACHING said of the next command. */
  caching: boolean | undefined
  /** Told of each of its commands, the short way excepted. */
  around: CommandAround | undefined
  /** Called when the client is gone: whatever a command has left open for it ends then. */
  readonly onGone: Set<() => void>
  /** Writes something that no request asked for, behind what was answered. */
  push(reply: ServerReply): void
  /** Ends a wait: true when it was waiting. */
  unblock(withError: boolean): boolean
  /** Starts or forgets what an authenticated client starts with. */
  authenticate(user: AclUser): void
  /** As if it had just connected. */
  reset(): void
  /** Closes at once. */
  close(reason: string): void
  /** Closes when what was answered has been written. */
  closeAfterReplies(reason?: string): void
  /** To be called when something has changed that decides whether commands may take the short way. */
  changed(): void
}

/** What is counted on a thread, since it began or since CONFIG RESETSTAT. */
export interface ThreadCounters {
  connections: number
  rejectedConnections: number
  commands: number
  bytesIn: number
  bytesOut: number
  errors: number
  authFailures: number
  aclDenied: number
  slowReaders: number
  /** Closed because of `maxmemory-clients`. */
  evictedClients: number
}

/** Sees each audited command before it runs, or when it is refused. */
export type AuditObserver = (
  session: Session,
  entry: CommandEntry,
  argv: readonly Argument[],
  denial: ErrorReply | undefined,
) => void

/** Sees the commands of one client before each runs, and when it has run or is on its way. */
export interface CommandAround {
  before(session: Session, entry: CommandEntry, argv: readonly Argument[]): void
  after(session: Session): void
}

/** Sees each command before it runs: for MONITOR, the audit log, tracking. */
export type CommandObserver = (session: Session, entry: CommandEntry, argv: readonly Argument[]) => void

/** Sees each command when it has run, if it took time: for SLOWLOG, LATENCY. */
export type TimeObserver = (
  session: Session,
  entry: CommandEntry,
  argv: readonly Argument[],
  durationMs: number,
  reply: unknown,
  /** Whether it ran on another thread: the time is that until its reply was here. */
  isElsewhere: boolean,
) => void

/** Takes a command of the short way that was timed; its arguments are made only for that. */
export type SampleObserver = (
  session: Session,
  entry: CommandEntry,
  argumentsOf: () => readonly Argument[],
  startMs: number,
  isElsewhere?: boolean,
) => void

/** How much a line of the log matters. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The server on one thread. */
export interface ServerThread {
  /** The thread's number. */
  readonly id: number
  readonly clock: Clock
  readonly keyspace: Keyspace
  readonly client: KeyspaceClient
  readonly catalog: CommandCatalog
  readonly parameters: ParameterStore
  readonly acl: AclStore
  readonly peers: Peers
  readonly sessions: ReadonlyMap<number, Session>
  readonly counters: ThreadCounters
  readonly commands: {
    readonly all: readonly CommandEntry[]
    get(name: string): CommandEntry | undefined
  }
  /** Facts of the whole server that do not change. */
  readonly facts: ServerFacts
  /** Errors by their first word, as INFO errorstats counts them. */
  readonly errors: Map<string, number>
  /** While one is set no command takes the short way. */
  readonly observers: Set<CommandObserver>
  readonly timers: Set<TimeObserver>
  sampled: SampleObserver
  /** Called when the thread serves no more. */
  readonly onEnd: Set<() => void>
  /** For commands that are marked `isAudited`; undefined: there is no audit log. */
  audit: AuditObserver | undefined
  /** Told of a session that has begun, or ended. */
  readonly onSession: Set<(session: Session, isNew: boolean) => void>
  /** Numbers that grow over all threads. */
  readonly ids: { slowCommand(): number }
  /** CLIENT PAUSE. */
  readonly pause: ClientPause
  /** Milliseconds of the monotonic clock. */
  nowMs(): number
  wallMs(): number
  /** Asks the main thread for something; see `hub.ts`. False: nobody there does it. */
  request(what: string, content: unknown): Promise<boolean | number>
  /** Runs a command of the keyspace for nobody in particular. */
  call(argv: readonly Argument[], db?: number): Promise<Reply>
  /** To be called when observers, users or parameters have changed: sessions look anew. */
  changed(): void
  /** Writes to the server's log. */
  log(level: LogLevel, event: string, details?: object): void
}

/** What is known of the server as a whole. */
export interface ServerFacts {
  /** 40 hexadecimal digits, as of a Redis server. */
  readonly runId: string
  readonly nodeId: string
  readonly version: string
  readonly startedWallMs: number
  /** All addresses that are listened at, as text. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly host: string
  readonly tlsPort: number
  readonly unixPath: string | undefined
  readonly configFile: string | undefined
  /** The threads that serve, in the order of `Peers`. */
  readonly threads: readonly number[]
  readonly isDurable: boolean
}

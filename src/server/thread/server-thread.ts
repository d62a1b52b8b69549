/**
 * The server on one thread: its clients, its commands, and what all of them share.
 *
 * Clients live on the threads of the shards. A request for a shard of the thread runs here at once; what
 * other threads have to know of, or to say to, goes through `Peers`.
 *
 * Invariant: between two turns of the event loop no shard of this thread is left begun (`endStretch`).
 * Tests: test/server/serve.race.test.ts
 */
import type { Socket } from 'node:net'
import type { Clock, TimerHandle } from '../../base/index.ts'
import { commandTable } from '../../keyspace/commands/index.ts'
import {
  type Argument,
  ErrorReply,
  OUT_OF_MEMORY,
  type Reply,
  VALUE_BYTES_MAX,
} from '../../keyspace/engine/index.ts'
import type { InlineRun, Keyspace, KeyspaceClient, KeyspaceMemory } from '../../keyspace/serving/index.ts'
import type { AclStore, AclUser } from '../acl/index.ts'
import { CommandCatalog } from '../catalog/index.ts'
import type {
  CommandEntry,
  CommandObserver,
  LogLevel,
  SampleObserver,
  ServerCommand,
  ServerFacts,
  Session,
  ThreadCounters,
  TimeObserver,
} from '../commands/server-command.ts'
import { AnswerDeadlines } from '../connection/answer-deadlines.ts'
import { ClientMemory } from '../connection/client-memory.ts'
import { ClientPause } from '../connection/client-pause.ts'
import { Connection } from '../connection/connection.ts'
import type { ConnectionFacts, HostThread } from '../connection/connection-state.ts'
import { Deadlines } from '../listen/index.ts'
import type { ParameterStore } from '../parameters/index.ts'
import { ReplyWriter, type RequestLimits, SlabPool } from '../resp/index.ts'
import { CommandIndex } from './command-index.ts'
import type { NextIds } from './next-ids.ts'
import { OutputLimits } from './output-limits.ts'
import type { Peers } from './peers.ts'
import { Stretch } from './stretch.ts'

const SWEEP_MS = 1000
/** Has a thread look at its clients: see `ClientMemory`. */
const EVICT_TOPIC = 'client.evict'
/** How long a client that was answered for the last time may take to end its side. */
const LINGER_MS = 1000

/** What a thread's server is made of. */
export interface ServerThreadParts {
  readonly id: number
  readonly clock: Clock
  readonly keyspace: Keyspace
  readonly memory: KeyspaceMemory
  readonly localShards: ReadonlyMap<number, InlineRun>
  readonly parameters: ParameterStore
  readonly acl: AclStore
  readonly catalog: CommandCatalog
  readonly commands: readonly ServerCommand[]
  readonly peers: Peers
  readonly facts: ServerFacts
  /** Its place among those that serve, and what `ClientMemory` shares with them. */
  readonly place: number
  readonly weights: SharedArrayBuffer
  readonly ids: NextIds
  log(level: LogLevel, event: string, details?: object): void
  request(what: string, content: unknown): Promise<boolean | number>
}

/** The commands of a server: the keyspace's and its own. */
export function catalogOf(commands: readonly ServerCommand[]): CommandCatalog {
  const own = new Set(commands.map(({ name }) => name))
  return new CommandCatalog(
    commandTable.rows.filter(({ name }) => !own.has(name)),
    commands,
  )
}

/** The server on one thread. */
export class ServerThread implements HostThread {
  readonly id: number
  readonly clock: Clock
  readonly keyspace: Keyspace
  readonly client: KeyspaceClient
  readonly memory: KeyspaceMemory
  readonly catalog: CommandCatalog
  readonly parameters: ParameterStore
  readonly acl: AclStore
  readonly peers: Peers
  readonly facts: ServerFacts
  readonly commands: CommandIndex
  readonly stretch: Stretch
  readonly sessions: Map<number, Connection> = new Map()
  readonly errors: Map<string, number> = new Map()
  readonly observers: Set<CommandObserver> = new Set()
  readonly timers: Set<TimeObserver> = new Set()
  readonly onEnd: Set<() => void> = new Set()
  sampled: SampleObserver = () => undefined
  audit: HostThread['audit']
  readonly onSession: Set<(session: Session, isNew: boolean) => void> = new Set()
  readonly counters: ThreadCounters = {
    connections: 0,
    rejectedConnections: 0,
    commands: 0,
    bytesIn: 0,
    bytesOut: 0,
    errors: 0,
    authFailures: 0,
    aclDenied: 0,
    slowReaders: 0,
    evictedClients: 0,
  }
  readonly ids: NextIds
  readonly pause: ClientPause
  readonly clientMemory: ClientMemory
  readonly answers: AnswerDeadlines
  limits: RequestLimits
  readonly #parts: ServerThreadParts
  readonly #slabs = new SlabPool()
  readonly #output: OutputLimits
  /** Clients that have been answered, and have not ended their side. */
  readonly #lingering: Deadlines<Session>
  #sweep: TimerHandle | undefined
  #isClosing = false

  constructor(parts: ServerThreadParts) {
    this.#parts = parts
    this.id = parts.id
    this.clock = parts.clock
    this.keyspace = parts.keyspace
    this.client = parts.keyspace.client
    this.memory = parts.memory
    this.catalog = parts.catalog
    this.parameters = parts.parameters
    this.acl = parts.acl
    this.peers = parts.peers
    this.facts = parts.facts
    this.ids = parts.ids
    this.commands = new CommandIndex(parts.catalog, parts.commands)
    this.stretch = new Stretch(parts.localShards)
    this.limits = limitsOf(parts.parameters)
    this.#output = new OutputLimits(parts.parameters, parts.clock)
    this.pause = new ClientPause(parts.clock, () => this.changed())
    this.clientMemory = this.#makeClientMemory()
    this.answers = new AnswerDeadlines(parts.clock, parts.parameters.get('commandTimeoutMs'))
    this.#lingering = new Deadlines(parts.clock, LINGER_MS, (late) => late.close('it was answered'))
    parts.parameters.onChange([], () => {
      this.limits = limitsOf(parts.parameters)
      this.changed()
    })
    this.#sweepLater()
  }

  /** Takes a client that has connected. */
  accept(socket: Socket, facts: ConnectionFacts): Connection {
    const connection = new Connection(this, socket, facts)
    this.sessions.set(connection.id, connection)
    this.counters.connections++
    connection.changed()
    for (const listen of this.onSession) listen(connection, true)
    return connection
  }

  onClosed(connection: Connection, reason: string): void {
    this.#lingering.done(connection)
    if (!this.sessions.delete(connection.id)) return
    this.#output.forget(connection)
    this.clientMemory.forget(connection)
    for (const listen of this.onSession) listen(connection, false)
    this.log('debug', 'client closed', { id: connection.id, address: connection.address, reason })
  }

  linger(connection: Session): void {
    // Who is silent has read its replies, or will read them from the machine.
    if (this.clock.nowMs() - connection.lastUsedMs > LINGER_MS) connection.close('it was answered')
    else this.#lingering.add(connection)
  }

  /** Answers what has come, takes nothing new, and closes. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    for (const connection of [...this.sessions.values()]) {
      // Who waits for a key is told nothing: it asks the next server.
      if (connection.blockedIn !== undefined) connection.unblock(true)
      connection.closeAfterReplies()
    }
    const endMs = this.clock.nowMs() + timeoutMs
    while (this.sessions.size + this.#lingering.size > 0 && this.clock.nowMs() < endMs) {
      await new Promise<void>((resolve) => void this.clock.after(5, resolve))
    }
    this.close()
  }

  close(): void {
    this.#isClosing = true
    this.#sweep?.cancel()
    this.pause.close()
    this.answers.close()
    for (const end of this.onEnd) end()
    for (const connection of [...this.sessions.values()]) connection.close('the server stops')
  }

  makeWriter(): ReplyWriter {
    return new ReplyWriter(this.#slabs)
  }

  endStretch(): Promise<void> | undefined {
    return this.stretch.end()
  }

  nowMs(): number {
    return this.clock.nowMs()
  }

  wallMs(): number {
    return this.clock.wallMs()
  }

  call(argv: readonly Argument[], db = 0): Promise<Reply> {
    return this.client.callRaw(argv, { db })
  }

  request(what: string, content: unknown): Promise<boolean | number> {
    return this.#parts.request(what, content)
  }

  changed(): void {
    for (const session of this.sessions.values()) session.changed()
  }

  log(level: LogLevel, event: string, details?: object): void {
    this.#parts.log(level, event, details)
  }

  onRan(
    session: Session,
    entry: CommandEntry,
    argv: readonly Argument[],
    startMs: number,
    reply: unknown,
    isElsewhere = false,
  ): void {
    const durationMs = this.clock.nowMs() - startMs
    entry.usec += durationMs * 1000
    if (reply instanceof ErrorReply) this.noteError(entry, reply)
    for (const observe of this.timers) observe(session, entry, argv, durationMs, reply, isElsewhere)
  }

  noteError(entry: CommandEntry | undefined, { code }: ErrorReply, isRefused = false): void {
    if (entry !== undefined) {
      if (isRefused) entry.rejected++
      else if (code === OUT_OF_MEMORY.code) {
        // A shard has refused it, before it ran.
        entry.calls--
        entry.rejected++
      } else entry.failed++
    }
    this.counters.errors++
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1)
  }

  firstUser({ certificateUser }: ConnectionFacts): AclUser | undefined {
    if (certificateUser !== undefined) {
      const user = this.acl.getUser(certificateUser)
      if (user?.isEnabled === true) return user
    }
    const user = this.acl.defaultUser
    return user.isEnabled && user.isPasswordFree ? user : undefined
  }

  isOverOutput(session: Session, bytes: number): boolean {
    if (!this.#output.isOver(session, bytes)) return false
    this.counters.slowReaders++
    this.log('warn', 'client closed for leaving its replies unread', {
      id: session.id,
      address: session.address,
      bytes,
    })
    return true
  }

  #makeClientMemory(): ClientMemory {
    const { place, weights, parameters, clock, peers } = this.#parts
    const memory = new ClientMemory(weights, place, {
      clock,
      clients: { [Symbol.iterator]: () => this.sessions.values() },
      askOthers: () => peers.ask(EVICT_TOPIC),
      onEvicted: ({ id, address, weight }: Connection) => {
        this.counters.evictedClients++
        this.log('warn', 'client closed, as clients take too much memory', { id, address, bytes: weight })
      },
    })
    const setLimit = (): void =>
      memory.setLimit(parameters.get('maxMemoryClients'), parameters.get('maxMemory'))
    peers.topics.set(EVICT_TOPIC, () => memory.evictAsAsked())
    parameters.onChange(['maxMemoryClients', 'maxMemory'], setLimit)
    setLimit()
    return memory
  }

  /** Closes who has been idle for too long. */
  #sweepLater(): void {
    if (this.#isClosing) return
    this.#sweep = this.clock.after(
      SWEEP_MS,
      () => {
        this.#sweepIdle()
        this.#sweepLater()
      },
      { unref: true },
    )
  }

  #sweepIdle(): void {
    const nowMs = this.clock.nowMs()
    const timeoutMs = this.parameters.get('timeout') * 1000
    for (const session of [...this.sessions.values()]) {
      session.checkOutput(session.outputBytes)
      const isHeld = session.blockedIn !== undefined || session.isPostponed
      const isWaiting = isHeld || session.isSubscribed || session.isMonitor
      if (timeoutMs > 0 && !isWaiting && nowMs - session.lastUsedMs > timeoutMs) session.close('it was idle')
    }
  }
}

function limitsOf(parameters: ParameterStore): RequestLimits {
  return {
    argumentsMax: parameters.get('maxArguments'),
    // A longer one could be no key and no value.
    argumentBytesMax: Math.min(parameters.get('protoMaxBulkLen'), VALUE_BYTES_MAX),
    inlineBytesMax: 64 * 1024,
    requestBytesMax: parameters.get('clientQueryBufferLimit'),
  }
}

/**
 * The client of one server, behind the typed faces: calls in, over a few connections, answers out.
 *
 *     call ──► cache? ──► circuit closed? room? ──► lane of its keys ──► connection ──► reply
 *                                    waits: ──► a connection of its own
 *
 * Tests: test/client/remote-keyspace.test.ts, test/client/remote-client.faults.test.ts
 */
import { type Clock, type Random, ShardloomError } from '../base/index.ts'
import { blockTimeoutMs, commandTable } from '../keyspace/commands/index.ts'
import { type Argument, byteString, ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import {
  type CallOptions,
  type CommandClient,
  type Convert,
  hashSlotOf,
  replyError,
} from '../keyspace/remoting/index.ts'
import type { ClientEvent, ClientMetrics } from './client-event.ts'
import type { ClientSettings } from './connect-options.ts'
import { closedError } from './connection-errors.ts'
import { Connector } from './connector.ts'
import { ExclusivePool } from './exclusive-pool.ts'
import { Lane, type LaneParts } from './lane.ts'
import { LaneChooser } from './lane-chooser.ts'
import { dropOrphan } from './lock-orphan.ts'
import { type LoneCommand, NOT_SENT, runAlone } from './lone-call.ts'
import { ReadCache } from './read-cache.ts'
import { type CallParts, RemoteCall } from './remote-call.ts'
import { type CommandProfile, profileOf } from './retry-rules.ts'
import { wireArgument } from './wire-values.ts'

/** How one call differs from others. */
export interface RemoteCallOptions extends CallOptions {
  /** How long it may take. */
  readonly timeoutMs?: number | undefined
}

/** What comes from outside. */
export interface ClientWorld {
  readonly clock: Clock
  readonly random: Random
  /** Unlike that of any other client. */
  readonly name: string
}

const MULTI: CommandProfile = { name: 'multi', spec: undefined, rule: 'never', kind: 'plain' }
const OWN_CONNECTION = 'belongs to a connection of its own: use session(), subscribe() or watch()'

/** A client. */
export class RemoteClient implements CommandClient {
  readonly settings: ClientSettings
  readonly clock: Clock
  readonly connector: Connector
  readonly pool: ExclusivePool
  /** Streams that are open: they end with the client. */
  readonly streams = new Set<{ return(): Promise<unknown> }>()
  readonly #world: ClientWorld
  readonly #lanes: readonly Lane[]
  readonly #chooser: LaneChooser
  readonly #cache: ReadCache | undefined
  /** Calls that may not overtake, nor be overtaken: see `lane-chooser.ts`. */
  #held: RemoteCall[] = []
  readonly #calls = new Map<RemoteCall, Lane | undefined>()
  #onEmpty: (() => void) | undefined
  #isClosed = false
  #names = 0
  #callCount = 0
  #retries = 0

  constructor(settings: ClientSettings, world: ClientWorld) {
    this.settings = settings
    this.#world = world
    this.clock = world.clock
    const { clock, random } = world
    const tell = (event: ClientEvent): void => this.#tell(event)
    const connector = new Connector({ settings, clock, random, tell })
    this.connector = connector
    this.pool = new ExclusivePool({ connector, clock, max: settings.exclusiveMax })
    const { retriesMax, cache } = settings
    this.#cache = cache && new ReadCache(cache, { clock, tell, address: settings.address.shown })
    this.#lanes = Array.from({ length: settings.connections }, (_, i) => {
      const wish = this.#cache?.wish ?? { purpose: 'commands' as const }
      const onChange: LaneParts['onChange'] = (connection) => this.#cache?.onConnection(i, connection)
      return new Lane({ connector, clock, retriesMax, wish, tell, onChange, onIdle: () => this.#goOn() })
    })
    this.#chooser = new LaneChooser(this.#lanes)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  call<T>(
    argv: readonly Argument[],
    options: RemoteCallOptions,
    convert: Convert<T>,
    settle: (value: T) => void,
    fail: (error: Error) => void,
  ): void {
    const onReply = (reply: Reply): void => {
      if (reply instanceof ErrorReply) return fail(replyError(reply, byteString(argv[0] ?? '')))
      try {
        settle(convert(reply))
      } catch (error) {
        fail(error as Error)
      }
    }
    this.#start(argv, options, onReply, fail)
  }

  callRaw(argv: readonly Argument[], options: RemoteCallOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => this.#start(argv, options, resolve, reject))
  }

  /** Runs commands between MULTI and EXEC: the replies of all of them, with those two. */
  callAll(commands: readonly (readonly Argument[])[], options: RemoteCallOptions): Promise<readonly Reply[]> {
    const all = [['MULTI'], ...commands.map((argv) => argv.map(wireArgument)), ['EXEC']]
    const slots = commands.map((argv) => slotsOf(profileOf(argv), argv))
    // One that concerns any key makes the whole wide.
    const isWide = slots.some((some) => some.length === 0)
    for (const argv of commands) this.written(argv)
    return new Promise((resolve, reject) => {
      const settle: CallParts['settle'] = (_, replies) => {
        for (const argv of commands) this.written(argv)
        resolve(replies)
      }
      this.#send(MULTI, all, isWide ? [] : slots.flat(), options, settle, reject)
    })
  }

  async callWaiting(argv: readonly Argument[], waitMs: number, end: AbortSignal): Promise<Reply> {
    const name = profileOf(argv).name
    const args = argv.map(wireArgument)
    this.checkOpen(name)
    const patienceMs = waitMs + this.settings.timeoutMs
    try {
      const reply = await this.runAlone({ name, args, waitMs, patienceMs, end })
      return reply === NOT_SENT ? null : reply
    } catch (error) {
      // Before it is asked for again: else that would wait for this.
      const isOurs = (owner: string): boolean => owner.startsWith(`${this.#world.name}.`)
      if (isUnknown(error)) await dropOrphan((one) => this.callRaw(one), argv, isOurs).catch(() => undefined)
      throw error
    }
  }

  /** Runs a command on a connection of its own. */
  runAlone(command: LoneCommand): Promise<Reply | typeof NOT_SENT> {
    const { pool, clock, settings } = this
    const { timeoutMs, retriesMax, address } = settings
    const run = (argv: readonly string[]): Promise<Reply> => this.callRaw(argv)
    return runAlone({ pool, clock, timeoutMs, retriesMax, address: address.shown, run }, command)
  }

  /** Slots may move between the shards of a server, and nobody here would know. */
  isTogether(slot: number, other: number): boolean {
    return slot === other
  }

  newName(): string {
    return `${this.#world.name}.${(++this.#names).toString(36)}`
  }

  /** Something was changed by other ways than a call. */
  written(argv: readonly Argument[]): void {
    this.#cache?.written(profileOf(argv), argv)
  }

  /** Waits for about so long: between half of it and all. */
  pause(ms: number): Promise<void> {
    const drawnMs = ms / 2 + (this.#world.random.next() * ms) / 2
    return new Promise((resolve) => void this.clock.after(drawnMs, resolve))
  }

  get metrics(): ClientMetrics {
    return {
      pending: this.#calls.size,
      connections: this.connector.connections.size,
      connectionsMax: this.settings.connections + this.settings.exclusiveMax,
      circuit: this.connector.circuit,
      calls: this.#callCount,
      retries: this.#retries,
      ...this.connector.counts,
      cache: this.#cache?.metrics,
    }
  }

  /** Takes no calls any more, and settles when those under way are: all of them, by the deadline. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const stream of [...this.streams]) void stream.return()
    if (this.#calls.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.clock.after(timeoutMs, resolve)
        this.#onEmpty = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    for (const lane of this.#lanes) lane.close()
    this.pool.close()
    this.#cache?.close()
    this.connector.close()
    // Those that were sent have failed by the end of their connections, a moment from now.
    for (const call of [...this.#calls.keys()])
      if (!call.isSent) call.fail(this.#closedError(call.profile.name))
  }

  #start(
    argv: readonly Argument[],
    options: RemoteCallOptions,
    settle: (reply: Reply) => void,
    fail: (error: Error) => void,
  ): void {
    const profile = profileOf(argv)
    if (profile.kind === 'blocking') return void this.#wait(profile, argv, options).then(settle, fail)
    if (profile.kind === 'session') {
      return settle(new ErrorReply('ERR', `'${profile.name}' ${OWN_CONNECTION}`))
    }
    const cache = this.#cache
    const read = cache?.read(profile, argv)
    if (read?.reply !== undefined) return settle(read.reply)
    const slots = slotsOf(profile, argv)
    const command = argv.map(wireArgument)
    if (read !== undefined) {
      const onReply = (reply: Reply): void => settle(read.keep(reply))
      return this.#send(profile, [...read.before, command], slots, options, onReply, fail)
    }
    const isWrite = cache?.written(profile, argv) === true
    const onReply = (reply: Reply): void => {
      if (isWrite) cache?.written(profile, argv)
      settle(reply)
    }
    this.#send(profile, [command], slots, options, isWrite ? onReply : settle, fail)
  }

  #send(
    profile: CommandProfile,
    commands: CallParts['commands'],
    slots: readonly number[],
    { signal, timeoutMs = this.settings.timeoutMs }: RemoteCallOptions,
    settle: CallParts['settle'],
    fail: (error: Error) => void,
  ): void {
    const { pendingMax, address } = this.settings
    const refused = this.#refusal(profile.name, signal)
    if (refused !== undefined) return fail(refused)
    if (this.#calls.size >= pendingMax) {
      return fail(new ShardloomError('SHL_KEYSPACE_BUSY', { pending: this.#calls.size, pendingMax }))
    }
    this.#callCount++
    const silenceMs = this.settings.timeoutMs
    const limits = { timeoutMs, silenceMs, signal }
    const parts = { profile, commands, slots, address: address.shown, ...limits, settle, fail }
    const call = new RemoteCall(
      parts,
      this.clock,
      () => this.#onSettled(call),
      () => this.connector.lastFailure,
    )
    this.#calls.set(call, undefined)
    if (this.#held.length > 0) this.#held.push(call)
    else if (!this.#assign(call)) this.#held.push(call)
  }

  #assign(call: RemoteCall): boolean {
    const chosen = this.#chooser.choose(call.slots)
    if (chosen === undefined) return false
    const lane = this.#lanes[chosen] as Lane
    this.#calls.set(call, lane)
    lane.take(call)
    return true
  }

  /** A lane is empty: what was held may go. */
  #goOn(): void {
    while (this.#held.length > 0) {
      const call = this.#held[0] as RemoteCall
      if (!call.isSettled && !this.#assign(call)) return
      this.#held.shift()
    }
  }

  #onSettled(call: RemoteCall): void {
    const lane = this.#calls.get(call)
    this.#calls.delete(call)
    lane?.done()
    if (this.#calls.size === 0) this.#onEmpty?.()
  }

  async #wait(
    profile: CommandProfile,
    argv: readonly Argument[],
    options: RemoteCallOptions,
  ): Promise<Reply> {
    const { name } = profile
    const { timeoutMs } = this.settings
    const { signal } = options
    this.checkOpen(name, signal)
    this.#cache?.written(profile, argv)
    const waitMs = options.waitMs ?? waitOf(profile, argv)
    const patienceMs = options.timeoutMs ?? timeoutMs
    const args = argv.map(wireArgument)
    const reply = await this.runAlone({ name, args, waitMs, patienceMs, end: signal })
    this.#cache?.written(profile, argv)
    // What came just before the end is no less there for it.
    if (signal?.aborted !== true || (reply !== NOT_SENT && reply !== null)) return reply as Reply
    throw this.#aborted(name, signal)
  }

  /** @throws SHL_CONNECTION_CLOSED, SHL_CIRCUIT_OPEN, SHL_ASK_ABORTED */
  checkOpen(command: string, signal?: AbortSignal): void {
    const refused = this.#refusal(command, signal)
    if (refused !== undefined) throw refused
  }

  #refusal(command: string, signal: AbortSignal | undefined): ShardloomError | undefined {
    if (this.#isClosed) return this.#closedError(command)
    if (signal?.aborted === true) return this.#aborted(command, signal)
    // While there is a connection, there is no need for another.
    return this.#lanes.some((lane) => lane.connection !== undefined) ? undefined : this.connector.refusal()
  }

  #aborted(type: string, signal: AbortSignal): ShardloomError {
    const details = { actor: this.settings.address.shown, type, isSent: false }
    return new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal.reason })
  }

  #closedError(command: string): ShardloomError {
    return closedError(this.settings.address.shown, command)
  }

  #tell(event: ClientEvent): void {
    if (event.type === 'retried') this.#retries++
    this.settings.onEvent(event)
  }
}

/** Whether nobody knows what became of a call. */
function isUnknown(error: unknown): boolean {
  return error instanceof ShardloomError && error.details['isSent'] === true
}

/** Hash slots of the keys; none: it may concern any key. */
function slotsOf({ spec }: CommandProfile, argv: readonly Argument[]): readonly number[] {
  if (spec === undefined || spec.flags.includes('all_shards')) return []
  return commandTable.keysOf(spec, argv).map(({ index }) => hashSlotOf(byteString(argv[index]!)))
}

/** How long a command says that it waits. */
function waitOf({ spec }: CommandProfile, argv: readonly Argument[]): number {
  if (spec === undefined || spec.group === 'lock') return Number.POSITIVE_INFINITY
  try {
    const at = spec.keys?.keynum === undefined ? argv.length - 1 : 1
    const waitMs = blockTimeoutMs(byteString(argv[at] ?? ''))
    return waitMs === 0 ? Number.POSITIVE_INFINITY : waitMs
  } catch {
    // The server says what is wrong with it.
    return 0
  }
}

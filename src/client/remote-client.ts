/**
 * The client of one server, behind the typed faces: calls in, over a few connections, answers out.
 *
 *     call ──► cache? ──► circuit closed? room? ──► lane of its keys ──► connection ──► reply
 *                                    waits: ──► a connection of its own
 *
 * The end: calls are refused from then on; streams end, waits are given up in order, and what is under way
 * has some time. What gives something back is let through for as long: a lock that was waited for with
 * others.
 *
 * Tests: test/client/remote-keyspace.test.ts, test/client/remote-client.faults.test.ts,
 * test/client/remote-client.end.test.ts
 */
import { type Clock, type Random, ShardloomError } from '../base/index.ts'
import { commandTable } from '../keyspace/commands/index.ts'
import { type Argument, byteString, ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import { type CommandClient, type Convert, hashSlotOf, replyError } from '../keyspace/remoting/index.ts'
import type { RemoteCallOptions } from './call-limits.ts'
import type { ClientEvent, ClientMetrics } from './client-event.ts'
import type { ClientSettings } from './connect-options.ts'
import { closedError } from './connection-errors.ts'
import { Connector } from './connector.ts'
import { ExclusivePool } from './exclusive-pool.ts'
import { Lane, type LaneParts } from './lane.ts'
import { LaneChooser } from './lane-chooser.ts'
import type { UnblockParts } from './lone-call.ts'
import { ReadCache } from './read-cache.ts'
import { type CallParts, RemoteCall } from './remote-call.ts'
import { RemoteWaits } from './remote-waits.ts'
import { type CommandProfile, profileOf } from './retry-rules.ts'
import { wireArgument } from './wire-values.ts'

/** What comes from outside. */
export interface ClientWorld {
  readonly clock: Clock
  readonly random: Random
  /** Unlike that of any other client. */
  readonly name: string
}

const MULTI: CommandProfile = { name: 'multi', spec: undefined, rule: 'never', kind: 'plain' }
/** What gives something back. */
const GIVES_BACK: ReadonlySet<string> = new Set(['lock.release', 'lease.fail'])
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
  readonly #waits: RemoteWaits
  /** Aborts when the client begins to close. */
  readonly #closing = new AbortController()
  /** What is under way on connections of its own. */
  #alone = 0
  #onQuiet: (() => void) | undefined
  #closed: Promise<void> | undefined
  #isOver = false
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
    this.#waits = new RemoteWaits({
      ...{ ...this.unblocking, pool: this.pool, retriesMax, closing: this.closing },
      isOurs: (owner) => owner.startsWith(`${world.name}.`),
      run: (argv) => this.callRaw(argv, { isAside: true }),
    })
  }

  /** Aborts when the client begins to close. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** What it takes to end a wait. */
  get unblocking(): UnblockParts {
    const { clock, settings } = this
    const { address, timeoutMs } = settings
    const unblock: UnblockParts['unblock'] = (argv, ms) =>
      this.callRaw(argv, { timeoutMs: ms, isAside: true })
    return { clock, address: address.shown, timeoutMs, unblock }
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

  callWaiting(argv: readonly Argument[], waitMs: number, end: AbortSignal): Promise<Reply> {
    return this.during(async () => {
      this.checkOpen(profileOf(argv).name)
      return this.#waits.forLock(argv, waitMs, end)
    })
  }

  /** Does what the end of the client waits for. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#alone++
    try {
      return await run()
    } finally {
      this.#alone--
      this.#onLess()
    }
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
  close(timeoutMs: number): Promise<void> {
    this.#closed ??= this.#close(timeoutMs)
    return this.#closed
  }

  async #close(timeoutMs: number): Promise<void> {
    for (const stream of [...this.streams]) void stream.return()
    this.#closing.abort()
    const endMs = this.clock.nowMs() + timeoutMs
    while (this.#isBusy) {
      const leftMs = Math.max(0, endMs - this.clock.nowMs())
      await new Promise<void>((resolve) => {
        const timer = this.clock.after(leftMs, resolve)
        this.#onQuiet = () => {
          timer.cancel()
          // Whoever was answered may have something to give back.
          this.clock.after(0, resolve)
        }
      })
      if (leftMs === 0) break
    }
    this.#onQuiet = undefined
    this.#isOver = true
    for (const lane of this.#lanes) lane.close()
    this.pool.close()
    this.#cache?.close()
    this.connector.close()
    // Those that were sent have failed by the end of their connections, a moment from now.
    for (const call of [...this.#calls.keys()])
      if (!call.isSent) call.fail(this.#closedError(call.profile.name))
  }

  get #isBusy(): boolean {
    return this.#calls.size > 0 || this.#alone > 0
  }

  #onLess(): void {
    if (!this.#isBusy) this.#onQuiet?.()
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
    // Its order does not matter: nobody waits for it, nor it for others.
    const slots = options.isAside === true ? [0] : slotsOf(profile, argv)
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
    { signal, timeoutMs = this.settings.timeoutMs, isAside = false }: RemoteCallOptions,
    settle: CallParts['settle'],
    fail: (error: Error) => void,
  ): void {
    const { pendingMax, address } = this.settings
    const refused = this.#refusal(profile.name, signal, isAside || GIVES_BACK.has(profile.name))
    if (refused !== undefined) return fail(refused)
    if (this.#calls.size >= pendingMax) {
      return fail(
        new ShardloomError('SHL_KEYSPACE_BUSY', { pending: this.#calls.size, pendingMax, isSent: false }),
      )
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
    this.#onLess()
  }

  async #wait(
    profile: CommandProfile,
    argv: readonly Argument[],
    options: RemoteCallOptions,
  ): Promise<Reply> {
    this.checkOpen(profile.name, options.signal)
    this.#cache?.written(profile, argv)
    const reply = await this.during(() => this.#waits.any(profile, argv, options))
    this.#cache?.written(profile, argv)
    return reply
  }

  /** @throws SHL_CONNECTION_CLOSED, SHL_CIRCUIT_OPEN, SHL_ASK_ABORTED */
  checkOpen(command: string, signal?: AbortSignal): void {
    const refused = this.#refusal(command, signal)
    if (refused !== undefined) throw refused
  }

  #refusal(command: string, signal: AbortSignal | undefined, mayBeLate = false): ShardloomError | undefined {
    if (this.#isOver || (this.closing.aborted && !mayBeLate)) return this.#closedError(command)
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

/** Hash slots of the keys; none: it may concern any key. */
function slotsOf({ spec }: CommandProfile, argv: readonly Argument[]): readonly number[] {
  if (spec === undefined || spec.flags.includes('all_shards')) return []
  return commandTable.keysOf(spec, argv).map(({ index }) => hashSlotOf(byteString(argv[index]!)))
}

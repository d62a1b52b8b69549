/**
 * Serves the keyspace of a runtime to clients of the Redis protocol: one server per thread that has shards,
 * and what they have in common.
 *
 * The servers are children of a supervisor, so that a thread that is lost gets another, with the parameters
 * and users as they are by then; its clients have to connect again.
 *
 * Tests: test/server/serve.race.test.ts
 */
import { randomBytes } from 'node:crypto'
import { type ActorRef, describeReason, isAbnormal } from '../actor/index.ts'
import { invalidOption, orLate, ShardloomError, systemClock, toError } from '../base/index.ts'
import type { KeyspaceRuntime } from '../keyspace/index.ts'
import { type ChildDriver, driverChild, type RunningChild, type SupervisionTree } from '../supervise/index.ts'
import { RateCells } from './acl/index.ts'
import { alignKeyspace } from './align-keyspace.ts'
import { checkAuditFile } from './audit/index.ts'
import { checkSelectors } from './catalog/index.ts'
import { settleUsers } from './commands/first-users.ts'
import type { ServerFacts } from './commands/server-command.ts'
import { serverCommands } from './commands/table.ts'
import { ClientMemory } from './connection/client-memory.ts'
import { type HubOptions, hubActor } from './hub.ts'
import {
  addressText,
  type BoundAddress,
  ConnectionLimit,
  type ListenAddress,
  type Listener,
  openListener,
  readTlsFiles,
  type TlsMaterial,
  tcpAddresses,
} from './listen/index.ts'
import { ServerMembers } from './members.ts'
import { type ParameterOptions, ParameterStore } from './parameters/index.ts'
import { TLS_LABEL } from './thread/acceptor.ts'
import type { HubMessages } from './thread/hub-messages.ts'
import { NextIds } from './thread/next-ids.ts'
import type { ServerArgs, ServerMessages, SharedState } from './thread/server-actor.ts'
import { catalogOf } from './thread/server-thread.ts'

const SERVER_MODULE = new URL('./thread/server-actor.js', import.meta.url)
const START_MS = 30_000
/** Whoever changes them while it serves has them read at once. */
const TLS_OPTIONS = [
  ...(['tlsCertFile', 'tlsKeyFile', 'tlsKeyFilePass', 'tlsCaCertFile', 'tlsCaCertDir'] as const),
  ...(['tlsAuthClients', 'tlsProtocols', 'tlsCiphers', 'tlsCiphersuites', 'tlsPreferServerCiphers'] as const),
] as const
/** Beyond the time to drain, before a thread that does not answer is not waited for. */
const ANSWER_MS = 500
/** The version of Redis whose commands and replies are spoken. */
const REDIS_VERSION = '7.2.0'
const ID_BYTES = 20

/** Options of `serve`: parameters by their names in camel case, and what a program adds. */
export interface ServeOptions extends ParameterOptions, HubOptions {
  /** Values that were read elsewhere, in the place of parameters by name. */
  readonly parameters?: ParameterStore
}

/** A server that runs. */
export class RespServer {
  readonly #parts: ServerParts
  #closed: Promise<void> | undefined

  /** @internal Use `serve`. */
  constructor(parts: ServerParts) {
    this.#parts = parts
  }

  /** The first address that is listened at. */
  get address(): { readonly host: string; readonly port: number } {
    const found = this.bound.find((one) => one.type === 'tcp')
    return found?.type === 'tcp' ? { host: found.host, port: found.port } : { host: '', port: 0 }
  }

  /** All addresses that are listened at, as text. */
  get addresses(): readonly string[] {
    return this.bound.map((one) => `${addressText(one)}${one.label === TLS_LABEL ? ' (TLS)' : ''}`)
  }

  /** The same as data; the label `tls` says which of them speak TLS. */
  get bound(): readonly BoundAddress[] {
    return this.#parts.listener.addresses
  }

  /** What a person should know of how it listens. */
  get notes(): readonly string[] {
    return this.#parts.listener.notes
  }

  /** What does not change while it runs. */
  get facts(): ServerFacts {
    return this.#parts.facts
  }

  /** Reads its files again: users, certificates; writes anew that of the audit log. @throws what is wrong */
  async reload(): Promise<void> {
    const { members, hub } = this.#parts
    await hub.ask('request', { what: 'reopen', content: undefined })
    await this.reloadTls()
    await members.eldest?.ask('answer', { topic: 'acl.reload', content: undefined })
  }

  /** @internal Reads certificates and keys, for the connections to come. @throws SHL_TLS_UNUSABLE */
  async reloadTls(): Promise<void> {
    const { members, parameters, onLog } = this.#parts
    const tls = readTls(parameters, onLog)
    if (tls === undefined) return
    for (const ref of members.refs) await ref?.ask('tls', tls)
  }

  /** @internal How long clients may take to be answered. */
  get drainMs(): number {
    return this.#parts.parameters.get('drainTimeoutMs')
  }

  /** Takes nobody new, answers what has come, and closes; within the time. */
  close({ timeoutMs = this.drainMs }: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(timeoutMs)
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeoutMs: number): Promise<void> {
    const { members, listener, tree, hub } = this.#parts
    const clock = systemClock()
    const endMs = clock.nowMs() + timeoutMs
    const drained = members.refs.map((ref) =>
      ref?.ask('drain', timeoutMs, { timeoutMs: timeoutMs + ANSWER_MS }),
    )
    await Promise.allSettled(drained)
    await listener.close()
    // A thread that hangs keeps its supervisor for as long as that gives it: nobody waits for it here.
    const ended = tree.stop().then(() => hub.stop())
    const leftMs = Math.max(ANSWER_MS, endMs - clock.nowMs())
    await orLate(
      clock,
      ended.catch(() => undefined),
      leftMs,
      undefined,
    )
  }
}

interface ServerParts {
  readonly members: ServerMembers
  readonly hub: ActorRef<HubMessages>
  readonly listener: Listener
  readonly tree: SupervisionTree
  readonly facts: ServerFacts
  readonly parameters: ParameterStore
  readonly onLog: ServeOptions['onLog']
}

/**
 * Serves the keyspace of a runtime until `close`.
 *
 * @throws SHL_KEYSPACE_OFF, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_LISTEN_FAILED
 */
export async function serve(runtime: KeyspaceRuntime, options: ServeOptions = {}): Promise<RespServer> {
  const { onLog, onShutdown, configFile, rewriteConfig, parameters: read, ...given } = options
  const parameters = read ?? ParameterStore.ofServer(given)
  // Says so when there is none.
  const { keyspace } = runtime
  await alignKeyspace(runtime, parameters)
  checkAuditFile(parameters.get('auditLogFile'))
  const catalog = catalogOf(serverCommands)
  checkSelectors(parameters.get('auditLogCommands'), catalog)
  let users = await settleUsers(parameters, catalog)
  // What a thread begins with; those that run let it in, with what was changed meanwhile.
  const known = (): SharedState => ({ parameters: parameters.snapshot(), users })
  const threads = runtime.sharedThreads.length > 0 ? [...runtime.sharedThreads] : [0]
  // Before anything is open that would have to be closed.
  const tls = readTls(parameters, onLog)
  const listener = await openListener(addressesOf(parameters), threads.length)
  const facts = factsOf(listener, parameters, threads, keyspace.client.isDurable, configFile)
  const hub = (await runtime.spawn(
    hubActor(
      {
        ...{ onLog, onShutdown, configFile, rewriteConfig },
        changeKeyspace: (change) => runtime.changeKeyspace(change),
        checkParameters(changes) {
          const changed = ParameterStore.from(parameters.snapshot())
          changed.apply(changes)
          readTls(changed, undefined)
        },
        onUsers: (changed) => {
          users = changed
        },
      },
      parameters,
    ),
  )) as ActorRef<HubMessages>
  const counts = { clients: ConnectionLimit.buffer(threads.length), ids: NextIds.buffer() }
  const rates = RateCells.buffer()
  const weights = ClientMemory.buffer(threads.length)
  const members = new ServerMembers(threads, systemClock())
  const tree = await runtime.supervise({ id: 'server', restarts: { intensity: 10, periodMs: 10_000 } })
  const parts = { members, hub, listener, tree, facts, parameters, onLog }
  const server = new RespServer(parts)
  parameters.onChange(TLS_OPTIONS, () => {
    server.reloadTls().catch((error: unknown) => onLog?.('error', toError(error).message, undefined))
  })
  try {
    await Promise.all(
      threads.map((_, place) => {
        const args = { place, facts, counts, rates, weights, hub, tls }
        const limits = { startMs: START_MS }
        return tree.add(driverChild(`server-${place}`, driverOf(runtime, parts, args, known), limits))
      }),
    )
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}

function driverOf(
  runtime: KeyspaceRuntime,
  { members, listener, parameters, onLog, facts }: ServerParts,
  args: Omit<ServerArgs, keyof SharedState>,
  known: () => SharedState,
): ChildDriver {
  const { place } = args
  let lives = 0
  return {
    async start(signal): Promise<RunningChild> {
      const isFirst = lives++ === 0
      const thread = isFirst
        ? facts.threads[place]!
        : await members.threadFor(place, () => runtime.sharedThreads)
      // What a thread that was lost had counted.
      new ConnectionLimit(args.counts.clients, place, 0).forget(place)
      const tls = lives === 1 ? args.tls : readTls(parameters, onLog)
      const ref = (await runtime.spawnOn(thread, {
        module: SERVER_MODULE.href,
        exportName: 'serverActor',
        args: { ...args, ...known(), tls },
        name: `server-${place}`,
        mailbox: undefined,
        placement: undefined,
      })) as ActorRef<ServerMessages>
      if (signal.aborted) {
        runtime.sendStop(ref, 'kill')
        throw new ShardloomError('SHL_ASK_ABORTED', { actor: `server-${place}`, type: 'start' })
      }
      try {
        await members.enter(place, ref)
        await ref.ask('listen', listener.grant(place), { timeoutMs: START_MS })
      } catch (error) {
        void members.leave(place, ref)
        runtime.sendStop(ref, 'kill')
        throw error
      }
      return {
        ended: runtime.watch(ref, { unref: true }).then((reason) => {
          void members.leave(place, ref)
          if (!isAbnormal(reason)) return undefined
          const what = { actor: `server-${place}`, reason: describeReason(reason) }
          return new ShardloomError('SHL_ACTOR_STOPPED', { ...what, type: 'serve' })
        }),
        drain: () => runtime.sendStop(ref, 'drain'),
        stop: () => runtime.sendStop(ref, 'stop'),
        kill: () => runtime.sendStop(ref, 'kill'),
      }
    },
  }
}

/** Where to listen. A port 0 is any that is free, unless there is another way in. */
function addressesOf(parameters: ParameterStore): readonly ListenAddress[] {
  const [port, tlsPort, path] = [
    parameters.get('port'),
    parameters.get('tlsPort'),
    parameters.get('unixSocket'),
  ]
  const [bind, backlog, mode] = [
    parameters.get('bind'),
    parameters.get('tcpBacklog'),
    parameters.get('unixSocketPerm'),
  ]
  if (port > 0 && port === tlsPort) invalidOption('serve.tlsPort', tlsPort, 'another port than that of port')
  const addresses: ListenAddress[] = []
  if (port > 0 || (tlsPort === 0 && path === '')) addresses.push(...tcpAddresses(bind, port, backlog))
  if (tlsPort > 0) addresses.push(...tcpAddresses(bind, tlsPort, backlog, TLS_LABEL))
  if (path !== '') addresses.push({ type: 'unix', path, backlog, ...(mode > 0 && { mode }) })
  return addresses
}

function factsOf(
  listener: Listener,
  parameters: ParameterStore,
  threads: readonly number[],
  isDurable: boolean,
  configFile: string | undefined,
): ServerFacts {
  const tcp = listener.addresses.find((one) => one.type === 'tcp' && one.label !== TLS_LABEL)
  return {
    runId: randomBytes(ID_BYTES).toString('hex'),
    nodeId: randomBytes(ID_BYTES).toString('hex'),
    version: REDIS_VERSION,
    startedWallMs: systemClock().wallMs(),
    addresses: listener.addresses.map(addressText),
    port: tcp?.type === 'tcp' ? tcp.port : 0,
    host: tcp?.type === 'tcp' ? tcp.host : '',
    tlsPort: parameters.get('tlsPort'),
    unixPath: parameters.get('unixSocket') || undefined,
    configFile,
    threads,
    isDurable,
  }
}

/** Certificate and key; undefined: no port speaks TLS. @throws SHL_TLS_UNUSABLE */
function readTls(parameters: ParameterStore, onLog: ServeOptions['onLog']): TlsMaterial | undefined {
  if (parameters.get('tlsPort') === 0) return undefined
  const { material, report } = readTlsFiles({
    certFile: parameters.get('tlsCertFile'),
    keyFile: parameters.get('tlsKeyFile'),
    keyPassphrase: parameters.get('tlsKeyFilePass'),
    caFile: parameters.get('tlsCaCertFile'),
    caDir: parameters.get('tlsCaCertDir'),
    clientCertificates: parameters.get('tlsAuthClients'),
    protocols: parameters.get('tlsProtocols'),
    ciphers: parameters.get('tlsCiphers'),
    cipherSuites: parameters.get('tlsCiphersuites'),
    preferServerCiphers: parameters.get('tlsPreferServerCiphers'),
  })
  for (const warning of report.warnings) onLog?.('warn', warning, undefined)
  return material
}

/**
 * The actor that serves on one thread: it accepts, answers its peers, and drains.
 *
 * Reentrant, because what it is asked may take time. It holds no client's request: those run in the callbacks
 * of their sockets.
 * Tests: test/server/serve.race.test.ts
 */
import {
  type ActorContext,
  type ActorDefinition,
  type ActorRef,
  contextHost,
  defineActor,
} from '../../actor/index.ts'
import {
  type InlineRun,
  KEYSPACE_SERVICE,
  type Keyspace,
  LOCAL_SHARDS_SERVICE,
  localEars,
} from '../../keyspace/serving/index.ts'
import {
  AclStore,
  CertificateUsers,
  type CertificateUsersOptions,
  LOGGED_NAME_BYTES,
  RateCells,
} from '../acl/index.ts'
import type { ServerFacts } from '../commands/server-command.ts'
import { serverCommands } from '../commands/table.ts'
import { clientLine } from '../connection/client-line.ts'
import type { PauseState } from '../connection/client-pause.ts'
import { ConnectionState } from '../connection/connection-state.ts'
import type { ListenGrant, TlsMaterial } from '../listen/index.ts'
import { ParameterStore, type StoreSnapshot } from '../parameters/index.ts'
import { Acceptor, type AcceptorCounts } from './acceptor.ts'
import type { HubMessages } from './hub-messages.ts'
import { NextIds } from './next-ids.ts'
import { installParts } from './parts.ts'
import { type PeerMessages, Peers, type TopicMessage } from './peers.ts'
import { catalogOf, ServerThread } from './server-thread.ts'

const ASK_MS = 10_000

/** What a thread's server is started with. */
export interface ServerArgs {
  /** This thread's place among those that serve. */
  readonly place: number
  readonly parameters: StoreSnapshot
  readonly users: string
  readonly facts: ServerFacts
  readonly counts: AcceptorCounts
  /** See `RateCells`. */
  readonly rates: SharedArrayBuffer
  /** See `ClientMemory`. */
  readonly weights: SharedArrayBuffer
  /** Undefined: no port speaks TLS. */
  readonly tls: TlsMaterial | undefined
  readonly hub: ActorRef<HubMessages>
}

/** What the actor holds. */
export interface ServerState {
  readonly thread: ServerThread
  readonly acceptor: Acceptor
  readonly peers: Peers
}

/** What all threads have alike. */
export interface SharedState {
  readonly parameters: StoreSnapshot
  readonly users: string
  /** CLIENT PAUSE, by the monotonic clock, which is that of all threads. */
  readonly pause?: PauseState | undefined
}

/** What a thread's server takes. */
export interface ServerMessages extends PeerMessages {
  /** All that serve by now, the same list everywhere; `self` is the place in it of whoever gets it. */
  join(
    state: unknown,
    message: {
      readonly refs: readonly ActorRef<PeerMessages>[]
      readonly self: number
      /** The place of who hands out changes. */
      readonly first: number
    },
  ): void
  /** To who hands out changes: lets one in that has been started, between two changes. */
  admit(
    state: unknown,
    message: {
      readonly refs: readonly ActorRef<ServerMessages>[]
      readonly self: number
      readonly newcomer: number
    },
  ): Promise<void>
  /** Takes what the others have. */
  restore(state: unknown, shared: SharedState): void
  /** Other certificates, for the connections to come. */
  tls(state: unknown, material: TlsMaterial): void
  listen(state: unknown, grant: ListenGrant): Promise<void>
  drain(state: unknown, timeoutMs: number): Promise<void>
}

const receive: {
  [K in keyof ServerMessages]: (
    state: ServerState & { readonly place: number },
    content: Parameters<ServerMessages[K]>[1],
  ) => ReturnType<ServerMessages[K]>
} = {
  join: ({ peers }, { refs, self, first }) => peers.join(refs, self, first),
  admit: ({ peers, thread }, { refs, self, newcomer }) =>
    peers.between(async () => {
      const { parameters, acl, pause } = thread
      const shared = { parameters: parameters.snapshot(), users: acl.snapshot(), pause: pause.state }
      await refs[newcomer]!.ask('restore', shared)
      const told = refs.map((ref, place) =>
        place === self
          ? peers.join(refs, self, self)
          : ref.ask('join', { refs, self: place, first: self }, { timeoutMs: ASK_MS }),
      )
      await Promise.allSettled(told)
    }),
  restore: ({ thread }, { parameters, users, pause }) => {
    thread.parameters.restore(parameters)
    thread.acl.apply(users)
    thread.pause.set(pause)
    thread.changed()
  },
  tls: ({ acceptor }, material) => acceptor.setTls(material),
  listen: ({ acceptor }, grant) => acceptor.listen(grant),
  answer: ({ peers }, message: TopicMessage) => peers.answer(message),
  change: ({ peers }, message: TopicMessage) => peers.handOut(message),
  async drain({ acceptor, thread }, timeoutMs) {
    acceptor.close()
    await thread.drain(timeoutMs)
  },
}

/** Whom certificates stand for. */
function certificatesOf(parameters: ParameterStore): CertificateUsersOptions {
  return {
    clientsUser: parameters.get('tlsAuthClientsUser') === 'cn' ? 'CN' : 'off',
    users: parameters.get('tlsAuthClientsMap'),
  }
}

export const serverActor: ActorDefinition<ServerState, ServerArgs, ServerMessages> = defineActor<
  ServerState,
  ServerArgs,
  ServerMessages
>({
  name: 'server',
  reentrant: true,
  onError: () => 'resume',
  init(ctx: ActorContext, args: ServerArgs) {
    const host = contextHost(ctx)
    const { services, clock } = host
    const keyspace = services.get(KEYSPACE_SERVICE) as Keyspace
    const known = services.get(LOCAL_SHARDS_SERVICE) as Map<number, InlineRun> | undefined
    const localShards = known ?? new Map<number, InlineRun>()
    if (known === undefined) services.set(LOCAL_SHARDS_SERVICE, localShards)
    const parameters = ParameterStore.from(args.parameters)
    const catalog = catalogOf(serverCommands)
    const acl = new AclStore({
      catalog,
      clock,
      place: args.place,
      rates: new RateCells(args.rates),
      certificates: certificatesOf(parameters),
      clientInfo: (client) =>
        client instanceof ConnectionState ? clientLine(client, 0, LOGGED_NAME_BYTES) : '',
      pubsubDefault: parameters.get('aclPubsubDefault'),
      log: {
        entriesMax: parameters.get('aclLogMaxLen'),
        firstId: args.place,
        idStep: args.facts.threads.length,
      },
    })
    acl.apply(args.users)
    parameters.onChange(['tlsAuthClientsUser', 'tlsAuthClientsMap'], () => {
      acl.certificates = new CertificateUsers(certificatesOf(parameters))
    })
    const peers = new Peers(ASK_MS)
    const thread = new ServerThread({
      id: ctx.thread,
      clock,
      keyspace,
      memory: keyspace.client.memory,
      localShards,
      parameters,
      acl,
      catalog,
      commands: serverCommands,
      peers,
      facts: args.facts,
      place: args.place,
      weights: args.weights,
      ids: new NextIds(args.counts.ids),
      log: (level, event, details) => void args.hub.tell('log', { level, event, details }),
      request: (what, content) => args.hub.ask('request', { what, content }),
    })
    const acceptor = new Acceptor(thread, args.place, args.counts, args.tls)
    installParts(thread, args.hub, args.place, localEars(services))
    return { thread, acceptor, peers, place: args.place }
  },
  receive: receive as never,
  onStop({ acceptor, thread }) {
    acceptor.close()
    thread.close()
  },
})

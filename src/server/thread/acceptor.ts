/**
 * Takes connections on one thread: counts them, refuses those that may not come, and hands what they send to
 * their clients.
 *
 * All sockets of a thread read into one buffer, since a read is handed over before the next one begins.
 *
 * Invariants: 1. A client is counted from before it is served until after it is closed. 2. Ids are unique
 * over threads, and grow in the order in which clients were accepted.
 * Tests: test/server/robust/limits.race.test.ts, test/server/serve.race.test.ts
 */
import type { Socket } from 'node:net'
import { type Clock, LimitedLines } from '../../base/index.ts'
import type { Connection } from '../connection/connection.ts'
import type { ConnectionFacts } from '../connection/connection-state.ts'
import {
  acceptOn,
  type BoundAddress,
  ConnectionLimit,
  type ListenGrant,
  onceClosed,
  readInto,
  type ThreadListener,
  TlsAcceptor,
  type TlsMaterial,
} from '../listen/index.ts'
import { NextIds } from './next-ids.ts'
import type { ServerThread } from './server-thread.ts'

/** What all threads count together. */
export interface AcceptorCounts {
  /** See `ConnectionLimit`. */
  readonly clients: SharedArrayBuffer
  /** The last ids that were given: `NextIds`. */
  readonly ids: SharedArrayBuffer
}

/** The label of sockets that speak TLS. */
export const TLS_LABEL = 'tls'
/** A stranger needs no password to fail at this: on each thread. */
const FAILED_HANDSHAKES = {
  event: 'a connection did not come to speak TLS',
  moreEvent: 'more connections did not come to speak TLS',
  linesMax: 10,
  spanMs: 60_000,
}
const READ_BYTES = 256 * 1024
const TOO_MANY = '-ERR max number of clients reached\r\n'
const PROTECTED =
  '-DENIED Shardloom runs in protected mode: no password is set for the default user, so that only clients ' +
  'of the same machine are served. Set a password with requirepass or an ACL file, or, if you know that ' +
  "nobody else can reach this port, turn it off with 'CONFIG SET protected-mode no' from this machine, or " +
  'with protected-mode no in the configuration.\r\n'

/** The listener of a thread. */
export class Acceptor {
  readonly #thread: ServerThread
  readonly #clock: Clock
  readonly #limit: ConnectionLimit
  readonly #ids: NextIds
  readonly #failed: LimitedLines
  #tls: TlsAcceptor | undefined
  readonly #buffer = new Uint8Array(READ_BYTES)
  #listener: ThreadListener | undefined

  constructor(
    thread: ServerThread,
    seat: number,
    { clients, ids }: AcceptorCounts,
    tls: TlsMaterial | undefined,
  ) {
    this.#thread = thread
    this.#clock = thread.clock
    const { parameters } = thread
    this.#limit = new ConnectionLimit(clients, seat, parameters.get('maxClients'))
    this.#ids = new NextIds(ids)
    const warn = (event: string, details: object): void => thread.log('warn', event, details)
    this.#failed = new LimitedLines(thread.clock, warn, FAILED_HANDSHAKES)
    parameters.onChange(['maxClients'], () => {
      this.#limit.totalMax = parameters.get('maxClients')
    })
    if (tls !== undefined) this.setTls(tls)
  }

  /** Takes certificates, for the connections to come. */
  setTls(material: TlsMaterial): void {
    if (this.#tls !== undefined) return this.#tls.replace(material)
    const thread = this.#thread
    this.#tls = new TlsAcceptor(material, {
      allowHalfOpen: true,
      onSecure: (socket, certificate) => {
        const name = certificate && thread.acl.userOfCertificate(certificate)?.name
        this.#serve(socket, { ...this.#factsOf(socket, TLS_ADDRESS), certificateUser: name }, true)
      },
      onFailed: (reason, remoteAddress) => {
        this.#limit.leave()
        thread.counters.rejectedConnections++
        this.#failed.note({ reason, address: remoteAddress })
      },
    })
  }

  /** Accepts from now on. @throws SHL_LISTEN_FAILED */
  async listen(grant: ListenGrant): Promise<void> {
    const thread = this.#thread
    this.#listener = await acceptOn(grant, (socket, address) => this.#onSocket(socket, address), {
      clock: this.#clock,
      // What a client has asked for is answered, also when it has said that it will ask no more.
      allowHalfOpen: true,
      onError: (error) => thread.log('warn', 'a connection could not be accepted', { reason: error.message }),
    })
  }

  /** Accepts nobody any more. */
  close(): void {
    this.#listener?.close()
    this.#listener = undefined
  }

  /** Clients of all threads. */
  get clients(): number {
    return this.#limit.total
  }

  #onSocket(socket: Socket, address: BoundAddress): void {
    if (address.type === 'tcp' && this.#isProtected(socket)) return this.#refuse(socket, PROTECTED)
    if (!this.#limit.enter()) return this.#refuse(socket, TOO_MANY)
    const keepAliveMs = this.#thread.parameters.get('tcpKeepalive') * 1000
    // Silence, after which it is probed.
    if (address.type === 'tcp' && keepAliveMs > 0) socket.setKeepAlive(true, keepAliveMs)
    if (address.label === TLS_LABEL) {
      if (this.#tls !== undefined) return this.#tls.accept(socket)
      this.#limit.leave()
      return this.#refuse(socket, '')
    }
    this.#serve(socket, this.#factsOf(socket, address), false)
  }

  #serve(accepted: Socket, facts: ConnectionFacts, isStream: boolean): void {
    let connection: Connection | undefined
    const socket = isStream
      ? accepted
      : readInto(accepted, this.#buffer, (bytes, length) => connection?.onBytes(bytes, 0, length))
    const served = this.#thread.accept(socket, facts)
    connection = served
    if (isStream) socket.on('data', (chunk: Buffer) => served.onBytes(chunk, 0, chunk.length))
    socket.on('end', () => served.onEnd())
    socket.on('drain', () => served.onDrain())
    socket.on('error', () => served.close('its socket has failed'))
    onceClosed(socket, () => {
      this.#limit.leave()
      served.close('its socket is closed')
    })
  }

  #factsOf(socket: Socket, address: BoundAddress): ConnectionFacts {
    const id = this.#ids.client()
    const isUnix = address.type === 'unix'
    return {
      id,
      address: isUnix ? `${address.path}:0` : hostAndPort(socket.remoteAddress, socket.remotePort),
      localAddress: isUnix ? `${address.path}:0` : hostAndPort(socket.localAddress, socket.localPort),
      isTls: address.label === TLS_LABEL,
      isUnix,
      certificateUser: undefined,
    }
  }

  /** Whether the client comes from elsewhere, and nobody would have to say who they are. */
  #isProtected(socket: Socket): boolean {
    const { parameters, acl } = this.#thread
    if (!parameters.get('protectedMode') || !acl.defaultUser.isPasswordFree) return false
    return !isLoopback(socket.remoteAddress ?? '')
  }

  #refuse(socket: Socket, text: string): void {
    this.#thread.counters.rejectedConnections++
    socket.on('error', () => undefined)
    socket.end(text)
    // Whoever does not take it is not waited for.
    this.#clock.after(REFUSAL_MS, () => socket.destroy(), { unref: true })
  }
}

const REFUSAL_MS = 1000
const TLS_ADDRESS: BoundAddress = { type: 'tcp', host: '', port: 0, label: TLS_LABEL }

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.')
}

function hostAndPort(host = '?', port = 0): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

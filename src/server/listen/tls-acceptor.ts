/**
 * Speaks TLS with clients that a thread has accepted.
 *
 * A `tls.Server` that never listens, and is handed accepted sockets: Node documents that for its event
 * `connection`. A `TLSSocket` made by hand would leave the checks of the client's certificate to us. Material
 * is replaced without a restart: connections that exist keep theirs, the next ones get the new.
 *
 * `optional` is taken as Redis takes it: a client may come without a certificate, but not with a bad one.
 *
 * Invariants: (1) each socket comes to exactly one of `onSecure` and `onFailed`, the latter with the reason
 * and no secrets, once it is closed or about to be; (2) a certificate that is handed over has been verified.
 *
 * Cost: one timer of Node's per handshake. `TLSSocket` has no `onread`: it is read by `data` events.
 * Tests: test/server/listen/tls-acceptor.test.ts, test/server/listen/tls-acceptor.race.test.ts
 */
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { TlsMaterial } from './tls-files.ts'

/** What of a verified certificate tells who the client is. */
export interface PeerCertificateFacts {
  /** `CN` of its subject; several, where it has several. */
  readonly commonName: string | readonly string[] | undefined
  /** `DNS:a.example, URI:spiffe://b`. */
  readonly subjectAltName: string | undefined
  /** `AB:CD:…` */
  readonly fingerprint256: string
}

export interface TlsAcceptorOptions {
  /** A client that has not finished its handshake by then is closed. Default: 10 s. */
  readonly handshakeMs?: number
  /** Whether a client that ends its side may still be answered. Default: false. */
  readonly allowHalfOpen?: boolean
  /** Takes a connection: encrypted, verified where that is asked for, and not yet read. */
  onSecure(socket: TLSSocket, certificate: PeerCertificateFacts | undefined): void
  /** Is told of a connection that came to nothing. */
  onFailed?(reason: string, remoteAddress: string | undefined): void
}

const HANDSHAKE_MS = 10_000

/** The TLS of one thread. */
export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions
  #material: TlsMaterial
  #server: Server

  constructor(material: TlsMaterial, options: TlsAcceptorOptions) {
    this.#options = options
    this.#material = material
    this.#server = this.#make()
  }

  /** Begins the handshake on a socket as it was accepted, paused. */
  accept(socket: Socket): void {
    // Without a listener an error of the raw socket would end the process; its `close` follows.
    socket.on('error', () => undefined)
    this.#server.emit('connection', socket)
  }

  /** Takes new material, for the connections to come. */
  replace(material: TlsMaterial): void {
    this.#material = material
    this.#server = this.#make()
  }

  #make(): Server {
    const { cert, key, passphrase, ca, clientCertificates } = this.#material
    const { minVersion, maxVersion, ciphers, honorCipherOrder } = this.#material
    const server = createServer({
      cert,
      key,
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(ca === undefined ? {} : { ca: [...ca] }),
      requestCert: clientCertificates !== 'no',
      rejectUnauthorized: clientCertificates === 'yes',
      minVersion,
      maxVersion,
      ciphers,
      honorCipherOrder,
      handshakeTimeout: this.#options.handshakeMs ?? HANDSHAKE_MS,
      allowHalfOpen: this.#options.allowHalfOpen ?? false,
    })
    server.on('secureConnection', (socket) => this.#secured(socket, clientCertificates !== 'no'))
    server.on('tlsClientError', (error, socket) => {
      // Which certificate was refused is in the socket; the error only says that it was closed.
      const refused = socket.authorizationError
      this.#fail(socket, refused ? `certificate refused: ${refused}` : reasonOf(error))
    })
    return server
  }

  #secured(socket: TLSSocket, isAsked: boolean): void {
    const certificate = isAsked ? socket.getPeerCertificate() : undefined
    const isGiven = certificate !== undefined && Object.keys(certificate).length > 0
    if (isGiven && !socket.authorized) {
      this.#fail(socket, `certificate refused: ${socket.authorizationError}`)
      return
    }
    this.#options.onSecure(
      socket,
      isGiven
        ? {
            commonName: certificate.subject?.CN,
            subjectAltName: certificate.subjectaltname,
            fingerprint256: certificate.fingerprint256,
          }
        : undefined,
    )
  }

  #fail(socket: TLSSocket, reason: string): void {
    const { remoteAddress } = socket
    socket.on('error', () => undefined)
    socket.destroy()
    this.#options.onFailed?.(reason, remoteAddress)
  }
}

/** A code where there is one: words of OpenSSL name the place in its source. */
function reasonOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' ? 'closed during the handshake' : (code ?? error.message)
}

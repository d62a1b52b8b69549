/**
 * A connection to a server: commands go out at once, replies come back in their order.
 *
 * Small on purpose: no pool, no retries. Somebody sits at the other end, who wants to know that a connection
 * was lost and not that it was mended behind their back. A reply that will never come is `undefined`, so that
 * a loss is an outcome and no exception. A push comes between replies and belongs to none; after a command
 * that makes the connection a stream, everything that comes goes to one listener.
 *
 * Tests: test/cli/connection/resp-connection.test.ts
 */
import { readFileSync } from 'node:fs'
import { isIP, connect as netConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { ReplyDecoder, type RespValue } from '../../server/resp/index.ts'
import type { AddressOptions } from './address-options.ts'
import { errorTextOf } from './reading.ts'

type Listener = (value: RespValue) => void

/** What a greeting came to: what the server said against it, in the order of saying. */
export interface Greeting {
  readonly complaints: readonly string[]
}

/** One socket, and who waits for what it says. */
export class RespConnection {
  readonly #socket: Socket
  readonly #decoder = new ReplyDecoder()
  readonly #waiting: {
    readonly resolve: (value: RespValue | undefined) => void
    readonly takesPush: boolean
  }[] = []
  #listener: Listener | undefined
  #isLost = false
  /** A push that no reply belongs to. */
  onPush: Listener = () => undefined
  /** Told once, also when `close` was called. */
  onLost: () => void = () => undefined

  /** Connects; rejects with what Node says. */
  static connect(address: AddressOptions): Promise<RespConnection> {
    return new Promise((resolve, reject) => {
      const socket = openSocket(address)
      const ready = address.isTls ? 'secureConnect' : 'connect'
      socket.once('error', reject)
      socket.once(ready, () => {
        socket.off('error', reject)
        resolve(new RespConnection(socket))
      })
    })
  }

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay()
    socket.setKeepAlive(true)
    socket.on('data', (bytes) => this.#take(bytes))
    // What is wrong is told by `close`, which follows.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#lose())
  }

  /** What the other end sent that is not the protocol. */
  get failure(): string | undefined {
    return this.#decoder.failure
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Sends a command; words are bytes as Latin-1. `takesPush`: the next push is its reply. */
  call(argv: readonly string[], takesPush = false): Promise<RespValue | undefined> {
    if (this.#isLost) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#waiting.push({ resolve, takesPush })
      this.#socket.write(commandBytes(argv))
    })
  }

  /** Sends a command after which everything that comes goes to `listener`, until the connection ends. */
  stream(argv: readonly string[], listener: Listener): void {
    this.#listener = listener
    if (!this.#isLost) this.#socket.write(commandBytes(argv))
  }

  /** Everything that comes goes to `listener` from now on; undefined: to those who wait for it. */
  listen(listener: Listener | undefined): void {
    this.#listener = listener
  }

  /** Sends bytes as they are; false: wait for `drained` before the next. */
  send(bytes: Uint8Array): boolean {
    return this.#isLost || this.#socket.write(bytes)
  }

  /** When what was sent has left. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      const socket = this.#socket
      if (this.#isLost || !socket.writableNeedDrain) return resolve()
      const end = (): void => {
        socket.off('drain', end).off('close', end)
        resolve()
      }
      socket.on('drain', end).on('close', end)
    })
  }

  close(): void {
    this.#socket.destroy()
    this.#lose()
  }

  #take(bytes: Uint8Array): void {
    this.#decoder.feed(bytes)
    for (;;) {
      const value = this.#decoder.next()
      if (this.#isLost) return
      if (value === undefined) {
        // What follows could be anything.
        if (this.failure !== undefined) this.close()
        return
      }
      if (this.#listener !== undefined) this.#listener(value)
      else if (value.type === 'push' && this.#waiting[0]?.takesPush !== true) this.onPush(value)
      else this.#waiting.shift()?.resolve(value)
    }
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined)
    this.onLost()
  }
}

/** Says who we are, which protocol we speak, and which database we mean. */
export async function greet(connection: RespConnection, address: AddressOptions): Promise<Greeting> {
  const { user, password, resp, db } = address
  const complaints: string[] = []
  const say = async (argv: readonly string[], what: string): Promise<void> => {
    const refusal = errorTextOf(await connection.call(argv))
    if (refusal !== undefined) complaints.push(`${what} failed: ${refusal}`)
  }
  if (password !== undefined) {
    await say(['AUTH', ...(user === undefined ? [] : [bytesOf(user)]), bytesOf(password)], 'AUTH')
  }
  if (resp !== undefined) await say(['HELLO', String(resp)], `HELLO ${resp}`)
  if (db !== 0) await say(['SELECT', String(db)], `SELECT ${db}`)
  return { complaints }
}

/** Text as bytes in Latin-1, as commands are sent. */
export function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Where a server is, as a prompt shows it. */
export function addressText({ host, port, path }: AddressOptions): string {
  if (path !== undefined) return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A command on the wire. */
export function commandBytes(argv: readonly string[]): Uint8Array {
  const parts = argv.map((word) => `$${word.length}\r\n${word}\r\n`)
  return Buffer.from(`*${argv.length}\r\n${parts.join('')}`, 'latin1')
}

/** Opens a socket. Throws when a file of a certificate cannot be read. */
function openSocket(address: AddressOptions): Socket {
  const { host, port, path, isTls, isInsecure, certFile, keyFile, caFile, serverName } = address
  const place = path === undefined ? { host, port } : { path }
  if (!isTls) return netConnect(place)
  const name = serverName ?? (path === undefined && isIP(host) === 0 ? host : undefined)
  return tlsConnect({
    ...place,
    rejectUnauthorized: !isInsecure,
    ...(certFile === undefined ? {} : { cert: readFileSync(certFile) }),
    ...(keyFile === undefined ? {} : { key: readFileSync(keyFile) }),
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
    ...(name === undefined ? {} : { servername: name }),
  })
}

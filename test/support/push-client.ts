/**
 * A client that is sent things without asking: what was pushed is told apart from replies, and can be waited
 * for. It speaks version 3 of the protocol; values are strings, numbers, null and lists of them.
 */
import { connect, type Socket } from 'node:net'
import { afterEach } from 'vitest'
import { ReplyDecoder, type RespValue, withoutAttributes } from '../../src/server/resp/index.ts'
import { request } from './server.ts'

/** A reply, or a push, as simple as can be: errors are `-ERR …`, sets and maps are lists. */
export type Plain = string | number | boolean | null | readonly Plain[]

const DEADLINE_MS = 10_000

interface Waiter<T> {
  resolve(value: T): void
  reject(error: Error): void
}

/** A connection. */
export class PushClient {
  /** What was pushed and not taken. */
  readonly pushes: (readonly Plain[])[] = []
  readonly socket: Socket
  isClosed = false
  readonly #decoder = new ReplyDecoder()
  readonly #replies: Waiter<Plain>[] = []
  #changed: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay()
    socket.on('data', (bytes: Buffer) => {
      this.#decoder.feed(bytes)
      for (let value = this.#decoder.next(); value !== undefined; value = this.#decoder.next())
        this.#take(value)
      this.#wake()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      for (const { reject } of this.#replies.splice(0)) reject(new Error('the server closed the connection'))
      this.#wake()
    })
  }

  static async connect(port: number, resp: 2 | 3 = 3): Promise<PushClient> {
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const client = new PushClient(socket)
    if (resp === 3) await client.call('HELLO', 3)
    return client
  }

  call(...argv: readonly (string | number)[]): Promise<Plain> {
    return this.pipeline([argv]).then(([reply]) => reply as Plain)
  }

  /** Sends requests in one piece. */
  pipeline(requests: readonly (readonly (string | number)[])[]): Promise<Plain[]> {
    const replies = requests.map(
      () => new Promise<Plain>((resolve, reject) => void this.#replies.push({ resolve, reject })),
    )
    this.socket.write(Buffer.concat(requests.map((argv) => request(...argv))))
    return Promise.all(replies)
  }

  /** The same for what is answered by pushes, or not at all. */
  send(...argv: readonly (string | number)[]): void {
    this.socket.write(request(...argv))
  }

  /** Resolves when something holds; it is looked at whenever something has come. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const endMs = performance.now() + DEADLINE_MS
    while (!holds()) {
      if (performance.now() > endMs)
        throw new Error(`never: ${what}; ${JSON.stringify(this.pushes).slice(0, 500)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50)
        this.#changed.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** The next pushes, so many; they are taken. */
  async take(count = 1): Promise<(readonly Plain[])[]> {
    await this.until(() => this.pushes.length >= count || this.isClosed, `${count} pushes`)
    return this.pushes.splice(0, count)
  }

  /** Subscribes, or the like, and takes the confirmations. */
  async confirm(...argv: readonly (string | number)[]): Promise<(readonly Plain[])[]> {
    this.send(...argv)
    return this.take(Math.max(1, argv.length - 1))
  }

  close(): void {
    this.socket.destroy()
  }

  #take(value: RespValue): void {
    if (value.type === 'push') this.pushes.push(plain(value) as readonly Plain[])
    else if (this.#replies.length > 0) this.#replies.shift()!.resolve(plain(value))
    else throw new Error(`nobody has asked for ${JSON.stringify(value)}`)
  }

  #wake(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}

/** Clients of a test file's server; they are closed after each test. */
export function clientsOf(server: () => { readonly port: number }): {
  connect(resp?: 2 | 3): Promise<PushClient>
  several(count: number): Promise<PushClient[]>
} {
  const open: PushClient[] = []
  afterEach(() => {
    for (const client of open.splice(0)) client.close()
  })
  const connectOne = async (resp: 2 | 3 = 3): Promise<PushClient> => {
    const client = await PushClient.connect(server().port, resp)
    open.push(client)
    return client
  }
  return {
    connect: connectOne,
    several: (count) => Promise.all(Array.from({ length: count }, () => connectOne())),
  }
}

function plain(given: RespValue): Plain {
  const value = withoutAttributes(given)
  switch (value.type) {
    case 'status':
    case 'string':
    case 'verbatim':
      return value.text
    case 'error':
      return `-${value.text}`
    case 'integer':
    case 'double':
    case 'bigNumber':
      return Number(value.value)
    case 'boolean':
      return value.value
    case 'null':
      return null
    case 'map':
      return value.flat.map(plain)
    case 'attribute':
      return null
    default:
      return value.items.map(plain)
  }
}

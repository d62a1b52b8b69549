/**
 * A client that may be as rude as it likes: it sends bytes, reads when it wants to, ends one side, resets.
 *
 * Replies come as values: text, numbers, null, arrays; a reply that is an error begins with `-`.
 */
import { connect, type Socket } from 'node:net'
import { HASH_SLOTS, hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { ReplyDecoder, type RespValue } from '../../../src/server/resp/index.ts'
import { request } from '../server.ts'

/** A reply. */
export type WireValue = string | number | null | readonly WireValue[]

/** What a request is made of. */
export type Words = readonly (string | number)[]

interface Waiter {
  resolve(value: WireValue): void
  reject(error: Error): void
}

export interface WireOptions {
  readonly host?: string
  readonly localAddress?: string
}

/** One connection. */
export class WireClient {
  readonly socket: Socket
  /** Resolves when the server has ended its side, or the connection is gone. */
  readonly ended: Promise<void>
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
  receivedBytes = 0
  /** Replies that nobody has asked for yet. */
  readonly replies: WireValue[] = []
  readonly #decoder = new ReplyDecoder()
  readonly #waiting: Waiter[] = []
  #hasEnded = false

  static connect(port: number, { host = '127.0.0.1', localAddress }: WireOptions = {}): Promise<WireClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host, allowHalfOpen: true, ...(localAddress && { localAddress }) })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new WireClient(socket))
      })
    })
  }

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay()
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => this.#onBytes(bytes))
    this.ended = new Promise((resolve) => {
      socket.once('end', resolve)
      socket.once('close', () => resolve())
    })
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()))
    void this.ended.then(() => {
      this.#hasEnded = true
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error('the server has ended the connection'))
    })
  }

  /** Bytes of a reply that is not whole. */
  get cutBytes(): number {
    return this.#decoder.pendingBytes
  }

  /** Sends requests, in one piece. */
  send(...commands: readonly Words[]): void {
    this.socket.write(Buffer.concat(commands.map((argv) => request(...argv))))
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes)
  }

  /** The next reply. */
  next(): Promise<WireValue> {
    const reply = this.replies.shift()
    if (reply !== undefined) return Promise.resolve(reply)
    if (this.#hasEnded) return Promise.reject(new Error('the server has ended the connection'))
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }))
  }

  /** So many replies. */
  async take(count: number): Promise<WireValue[]> {
    const taken: WireValue[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** All replies until the server ends the connection. */
  async rest(): Promise<WireValue[]> {
    await this.ended
    return this.replies.splice(0)
  }

  async call(...argv: Words): Promise<WireValue> {
    this.send(argv)
    return this.next()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Sends nothing more; reads on. */
  end(): void {
    this.socket.end()
  }

  /** As a process that is killed with something unread. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #onBytes(bytes: Buffer): void {
    this.receivedBytes += bytes.length
    this.#decoder.feed(bytes)
    for (let value = this.#decoder.next(); value !== undefined; value = this.#decoder.next()) {
      const waiter = this.#waiting.shift()
      if (waiter === undefined) this.replies.push(wireValue(value))
      else waiter.resolve(wireValue(value))
    }
    if (this.#decoder.failure !== undefined) throw new Error(`no reply: ${this.#decoder.failure}`)
  }
}

function wireValue(value: RespValue): WireValue {
  switch (value.type) {
    case 'error':
      return `-${value.text}`
    case 'integer':
      return Number(value.value)
    case 'null':
      return null
    case 'array':
    case 'set':
    case 'push':
      return value.items.map(wireValue)
    case 'map':
      return value.flat.map(wireValue)
    case 'status':
    case 'string':
    case 'verbatim':
    case 'double':
      return value.text
    case 'attribute':
      return wireValue(value.reply)
    default:
      return String(value.value)
  }
}

/** Opens clients, and closes them all. */
export class WireClients {
  readonly #port: number
  readonly #open: WireClient[] = []

  constructor(port: number) {
    this.#port = port
  }

  async one(options: WireOptions = {}): Promise<WireClient> {
    const client = await WireClient.connect(this.#port, options)
    this.#open.push(client)
    return client
  }

  several(count: number): Promise<WireClient[]> {
    return Promise.all(Array.from({ length: count }, () => this.one()))
  }

  close(): void {
    for (const client of this.#open.splice(0)) client.destroy()
  }
}

/** Keys of a shard, when slots lie as they do at first. */
export function keysOf(shard: number, shards: number, count = 1): string[] {
  const keys: string[] = []
  for (let i = 0; keys.length < count; i++) {
    if (Math.floor((hashSlotOf(`k${i}`) * shards) / HASH_SLOTS) === shard) keys.push(`k${i}`)
  }
  return keys
}

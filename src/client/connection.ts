/**
 * One connection, from its handshake to its end: it is never revived, a new one takes its place.
 *
 * Below it is a client of `@redis/client`, which speaks RESP3, pipelines, and knows TLS and sockets. What it
 * could do besides (reconnect, keep what was not sent, answer from a cache) it is told to leave, because
 * here it must be known of each command whether it left, and clocks and chance are given by argument.
 *
 *     open ──► handshake: HELLO 3, AUTH, SELECT ──► own commands ──► ready ──► end, once
 *
 * It does not keep the process alive: calls that wait do that, by their deadlines. `hold` does, for streams.
 *
 * Invariants: (1) each command that was given settles once, at the latest with the end; (2) after the end
 * nothing is written, so that what was not written by then never will be; (3) `onEnd` is called once.
 * Cost: one promise per command, and one mark.
 * Tests: test/client/connection.test.ts
 */
import { createClient } from '@redis/client'
import { type Clock, ShardloomError, toError } from '../base/index.ts'
import { ErrorReply, type Reply } from '../keyspace/engine/index.ts'
import type { ServerAddress } from './address.ts'
import type { ConnectionPurpose } from './client-event.ts'
import type { ClientTlsOptions } from './connect-options.ts'
import { reasonOf } from './connection-errors.ts'
import { SentMark } from './sent-mark.ts'
import { errorOfWire, isWireError, replyOfWire, WIRE_TYPES, type WireArgument } from './wire-values.ts'

/** What a connection is made of. */
export interface ConnectionParts {
  readonly address: ServerAddress
  readonly tls: ClientTlsOptions
  readonly name: string
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly purpose: ConnectionPurpose
  /** Commands that are sent before it is given out. */
  readonly setup: readonly (readonly string[])[]
  /** What the server says unasked; true: it was meant for this one. */
  onPush(push: readonly unknown[]): boolean
}

/** One message of a channel: the bytes. */
export type MessageListener = (message: Buffer, channel: Buffer) => void

type Library = ReturnType<typeof createClient>

/** A connection that is open, or was. */
export class Connection {
  readonly purpose: ConnectionPurpose
  readonly address: string
  /** What the commands of `setup` answered. */
  readonly setupReplies: Reply[] = []
  /** Commands without an answer. */
  pending = 0
  readonly #library: Library
  readonly #clock: Clock
  readonly #onEnds: ((error: Error) => void)[] = []
  #error: Error | undefined
  #heardMs: number
  /** Since when there is something to answer. */
  #askedMs = 0

  private constructor(parts: ConnectionParts) {
    this.purpose = parts.purpose
    this.address = parts.address.shown
    this.#clock = parts.clock
    this.#heardMs = parts.clock.nowMs()
    this.#library = createLibrary(parts)
    this.#library.on('error', (error: unknown) => this.end(toError(error)))
    this.#library._getQueue().addPushHandler((push) => {
      this.#heardMs = this.#clock.nowMs()
      return parts.onPush(push)
    })
    this.#library.unref()
  }

  /** @throws SHL_CONNECTION_FAILED; its `isRefused` says whether it was the server that said no */
  static async open(parts: ConnectionParts): Promise<Connection> {
    const connection = new Connection(parts)
    const { clock, connectTimeoutMs } = parts
    let late = (): void => undefined
    const isLate = new Promise<never>((_, reject) => {
      const details = { actor: parts.address.shown, type: 'connect', timeoutMs: connectTimeoutMs }
      late = () => reject(new ShardloomError('SHL_ASK_TIMEOUT', details))
    })
    // An attempt alone keeps no process alive.
    const timer = clock.after(connectTimeoutMs, () => late(), { unref: true })
    try {
      await Promise.race([connection.#open(parts.setup), isLate])
      return connection
    } catch (error) {
      // The library may only say that it was ended: why, it has said before.
      const reason = connection.error ?? toError(error)
      connection.end(reason)
      throw failure(parts.address.shown, reason)
    } finally {
      timer.cancel()
    }
  }

  /** Why it has ended; undefined: it has not. */
  get error(): Error | undefined {
    return this.#error
  }

  /** When something came from the server last. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** How long the server has said nothing to what it was asked; 0: it was asked nothing. */
  get silentMs(): number {
    return this.pending === 0 ? 0 : this.#clock.nowMs() - Math.max(this.#heardMs, this.#askedMs)
  }

  /** A mark for a command that is to be given to `send`. */
  mark(): SentMark {
    return new SentMark(() => this.#error !== undefined)
  }

  /** Sends a command. Refusals are replies; rejects when the connection has ended before the answer. */
  send(args: readonly WireArgument[], mark: SentMark): Promise<Reply> {
    if (this.pending++ === 0) this.#askedMs = this.#clock.nowMs()
    return this.#library.sendCommand<never>(args, { typeMapping: WIRE_TYPES, abortSignal: mark }).then(
      (value) => {
        this.pending--
        this.#heardMs = this.#clock.nowMs()
        return replyOfWire(value)
      },
      (error: unknown) => {
        this.pending--
        if (!isWireError(error)) throw error
        this.#heardMs = this.#clock.nowMs()
        return errorOfWire(error)
      },
    )
  }

  /** Sends commands one behind the other, with nothing between them. */
  sendAll(commands: readonly (readonly WireArgument[])[], marks: readonly SentMark[]): Promise<Reply[]> {
    return Promise.all(commands.map((args, i) => this.send(args, marks[i] as SentMark)))
  }

  /** Messages of channels come to `listener` from when this resolves, or a moment before. */
  async subscribe(
    kind: 'channels' | 'patterns' | 'sharded',
    name: string,
    listener: MessageListener,
  ): Promise<void> {
    const heard: MessageListener = (message, channel) => {
      this.#heardMs = this.#clock.nowMs()
      listener(message, channel)
    }
    if (kind === 'patterns') await this.#library.pSubscribe(name, heard, true)
    else if (kind === 'sharded') await this.#library.sSubscribe(name, heard, true)
    else await this.#library.subscribe(name, heard, true)
    this.#heardMs = this.#clock.nowMs()
  }

  /** Is called with the reason when it ends, or has ended. */
  onEnd(callback: (error: Error) => void): void {
    if (this.#error !== undefined) callback(this.#error)
    else this.#onEnds.push(callback)
  }

  /** Keeps the process alive until `unhold`. */
  hold(): void {
    this.#library.ref()
  }

  unhold(): void {
    this.#library.unref()
  }

  /** Ends it at once: what waits for an answer is rejected. */
  end(reason: Error): void {
    if (this.#error !== undefined) return
    this.#error = reason
    // The library may be in the middle of telling us: it rejects what waits, and so does this, once.
    this.#library.destroy()
    for (const callback of this.#onEnds.splice(0)) callback(reason)
  }

  async #open(setup: readonly (readonly string[])[]): Promise<void> {
    await this.#library.connect()
    for (const args of setup) {
      const reply = await this.send(args, this.mark())
      if (reply instanceof ErrorReply) throw new RefusedSetup(reply.text)
      this.setupReplies.push(reply)
    }
  }
}

/** The server has refused what a connection begins with. */
class RefusedSetup extends Error {
  readonly isRefused = true
}

function failure(address: string, error: Error): ShardloomError {
  const isRefused = error instanceof RefusedSetup || isWireError(error)
  const details = { address, command: 'connect', reason: reasonOf(error), isRefused, isSent: false }
  return new ShardloomError('SHL_CONNECTION_FAILED', details, { cause: error })
}

function createLibrary({
  address,
  tls,
  name,
  connectTimeoutMs,
}: ConnectionParts): ReturnType<typeof createClient> {
  const common = { connectTimeout: connectTimeoutMs, reconnectStrategy: false as const }
  const { host, port, path, isTls } = address
  const socket =
    path !== undefined
      ? { ...common, path, tls: false as const }
      : isTls
        ? { ...common, ...tls, host, port, tls: true as const }
        : { ...common, host, port }
  return createClient({
    RESP: 3,
    socket,
    ...(address.username !== undefined && { username: address.username }),
    ...(address.password !== undefined && { password: address.password }),
    database: address.db,
    name,
    clientInfoTag: 'shardloom',
    maintNotifications: 'disabled',
    disableOfflineQueue: true,
    // Deadlines are ours: one timer per call, not one signal per command.
    commandOptions: { timeout: 0 },
  })
}

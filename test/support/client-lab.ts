/**
 * Clients over the network for tests, and a proxy that does to them what networks do.
 *
 * What a test opens is closed after it, whatever happened.
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Clock, seededRandom, systemClock, type TimerHandle } from '../../src/base/index.ts'
import type { ClientEvent } from '../../src/client/client-event.ts'
import { type ConnectOptions, clientSettings } from '../../src/client/connect-options.ts'
import { RemoteClient } from '../../src/client/remote-client.ts'
import { RemoteKeyspace } from '../../src/client/remote-keyspace.ts'

const UNTIL_MS = 5000

/** Closes it after the test. */
export function closeLater<T extends { close(): Promise<unknown> | undefined }>(one: T): T {
  onTestFinished(async () => void (await one.close()))
  return one
}

let names = 0

/** A keyspace at a port, with what it told of its connections. */
export function testKeyspace(
  port: number,
  options: ConnectOptions = {},
  clock: Clock = systemClock(),
): { readonly keyspace: RemoteKeyspace; readonly client: RemoteClient; readonly events: ClientEvent[] } {
  const events: ClientEvent[] = []
  const settings = clientSettings(`shardloom://127.0.0.1:${port}/0`, {
    ...options,
    onEvent: (event) => events.push(event),
  })
  const world = { clock, random: seededRandom(++names), name: `test-${names}` }
  const client = new RemoteClient(settings, world)
  const keyspace = new RemoteKeyspace(client)
  closeLater({ close: () => client.close(0) })
  return { keyspace, client, events }
}

/** The clock of the machine, which can be made faster, with what waits by it. */
export function hastyClock(): Clock & { hurry(times: number): void } {
  const clock = systemClock()
  const waiting = new Set<() => void>()
  let speed = 1
  let sinceMs = clock.nowMs()
  let passedMs = 0
  const nowMs = (): number => passedMs + (clock.nowMs() - sinceMs) * speed
  return {
    nowMs,
    wallMs: () => clock.wallMs(),
    after(delayMs, task, options) {
      const endMs = nowMs() + delayMs
      const wait = (): TimerHandle => clock.after((endMs - nowMs()) / speed, run, options)
      const again = (): void => {
        timer.cancel()
        timer = wait()
      }
      const run = (): void => {
        waiting.delete(again)
        task()
      }
      let timer = wait()
      waiting.add(again)
      return {
        cancel() {
          waiting.delete(again)
          timer.cancel()
        },
      }
    },
    hurry(times) {
      passedMs = nowMs()
      sinceMs = clock.nowMs()
      speed = times
      for (const again of waiting) again()
    },
  }
}

/** What the proxy does with bytes. */
export type ProxyMode = 'pass' | 'swallowRequests' | 'swallowReplies' | 'swallowAll' | 'refuse'

/** Between clients and a server. */
export class FaultProxy {
  mode: ProxyMode = 'pass'
  /** Milliseconds that replies take longer. */
  delayMs = 0
  /** Connections so far. */
  count = 0
  /** Bytes that came from clients. */
  requestBytes = 0
  /** Is given what clients send, before it goes on. */
  onRequest: ((bytes: Buffer) => void) | undefined
  /** Answers in the place of the server; undefined: the server is to answer. */
  answer: ((request: string) => string | undefined) | undefined
  readonly #server: Server
  readonly #said = new WeakMap<Socket, string>()
  readonly #pairs = new Set<readonly [Socket, Socket]>()

  private constructor(server: Server) {
    this.#server = server
  }

  static start(targetPort: number): Promise<FaultProxy> {
    return new Promise((resolve) => {
      const server = createServer((client) => proxy.#accept(client, targetPort))
      const proxy: FaultProxy = new FaultProxy(server)
      server.listen(0, '127.0.0.1', () => resolve(closeLater(proxy)))
    })
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Open connections. */
  get open(): number {
    return this.#pairs.size
  }

  /** Cuts every connection. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy()
  }

  /** Says something to all clients that have said this. */
  say(text: string, toWhomSaid: string): void {
    for (const [client] of this.#pairs) if (this.#said.get(client)?.includes(toWhomSaid)) client.write(text)
  }

  /** Waits until a client has said this. */
  heard(what: string): Promise<void> {
    const isSaid = (): boolean => [...this.#pairs].some(([one]) => this.#said.get(one)?.includes(what))
    return until(isSaid, `a client has said ${what}`)
  }

  /** Takes nothing more from clients, whose sockets fill up. */
  stall(): void {
    for (const [client] of this.#pairs) client.pause()
  }

  /** Says goodbye to clients, and goes on to listen to them. */
  halfClose(): void {
    for (const [client] of this.#pairs) client.end()
  }

  close(): Promise<unknown> {
    this.cut()
    return new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket, port: number): void {
    this.count++
    if (this.mode === 'refuse') return void client.destroy()
    const server = createConnection(port, '127.0.0.1')
    const pair = [client, server] as const
    this.#pairs.add(pair)
    client.on('data', (bytes) => {
      this.requestBytes += bytes.length
      this.onRequest?.(bytes)
      this.#said.set(client, (this.#said.get(client) ?? '').slice(-4096) + bytes.toString('latin1'))
      const own = this.answer?.(bytes.toString('latin1'))
      if (own !== undefined) return void client.write(own)
      if (this.mode !== 'swallowRequests' && this.mode !== 'swallowAll') server.write(bytes)
    })
    server.on('data', (bytes) => {
      const pass = (): void => {
        if (this.mode !== 'swallowReplies' && this.mode !== 'swallowAll') client.write(bytes)
      }
      if (this.delayMs === 0) pass()
      else setTimeout(pass, this.delayMs)
    })
    for (const [one, other] of [pair, [server, client] as const]) {
      one.on('error', () => undefined)
      one.on('close', () => {
        other.destroy()
        this.#pairs.delete(pair)
      })
    }
  }
}

/** The error that a promise rejects with, its code first. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<{ readonly code: string; readonly details: Record<string, unknown>; readonly message: string }> {
  try {
    const value = await promise
    throw new TypeError(`it did not fail: ${String(value)}`)
  } catch (error) {
    if (error instanceof TypeError) throw error
    return error as never
  }
}

/** Waits until `holds` does; fails after five seconds. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + UNTIL_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`never: ${what}`)
    await sleep(2)
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/**
 * Two ways to open a listening socket: in a helper process, which sends it back as a handle that nobody
 * polls, or here and just for a look, where threads cannot be given sockets.
 *
 * Tests: test/server/listen/listener.test.ts
 */
import { createServer } from 'node:net'
import type { Clock } from '../../base/index.ts'
import { type SocketHandle, SocketOpener } from './descriptor-helper.ts'
import type { OpenRequest } from './helper-source.ts'

/** A way to open a socket. */
export interface Opener {
  tcp(request: OpenRequest): Promise<{ handle: SocketHandle | undefined; port: number } | { code: string }>
  unix(request: OpenRequest): Promise<{ handle: SocketHandle | undefined } | { code: string }>
  close(): Promise<void>
}

/** Opens in a helper: one for all sockets of TCP, and one for each file, which ends with it. */
export class HelperOpener implements Opener {
  readonly #clock: Clock
  #tcp: SocketOpener | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async tcp(request: OpenRequest): Promise<{ handle: SocketHandle; port: number } | { code: string }> {
    this.#tcp ??= new SocketOpener(this.#clock)
    return this.#tcp.open(request)
  }

  async unix(request: OpenRequest): Promise<{ handle: SocketHandle } | { code: string }> {
    const opener = new SocketOpener(this.#clock)
    try {
      return await opener.open(request)
    } finally {
      await opener.close()
    }
  }

  async close(): Promise<void> {
    await this.#tcp?.close()
  }
}

/** Opens, looks which port it is, and closes: a thread will listen there by itself. */
export class Prober implements Opener {
  tcp(request: OpenRequest): Promise<{ handle: undefined; port: number } | { code: string }> {
    return new Promise((resolve) => {
      const server = createServer()
      server.on('error', (error: NodeJS.ErrnoException) => resolve({ code: error.code ?? error.message }))
      server.listen({ ...request, exclusive: true }, () => {
        const address = server.address()
        const port = typeof address === 'object' && address !== null ? address.port : 0
        server.close(() => resolve({ handle: undefined, port }))
      })
    })
  }

  unix(request: OpenRequest): Promise<{ handle: undefined } | { code: string }> {
    return this.tcp(request)
  }

  async close(): Promise<void> {
    // It holds nothing.
  }
}

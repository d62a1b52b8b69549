/**
 * The HTTP server: `/work?n=200` renders a tile, `/health` says `ok`. Who renders is given to it.
 *
 * A client that goes away takes its work back, by an `AbortSignal`. Work that is refused for want of room is
 * answered with 503 and when to try again.
 *
 * Tests: test/examples/http-offload.test.ts
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ShardloomError } from 'shardloom'
import type { Tile } from './mandelbrot.ts'

const SIZE_DEFAULT = 200
const SIZE_MAX = 2000
const RETRY_AFTER_SECONDS = '1'

/** Renders a tile, here or elsewhere. */
export type Render = (size: number, signal: AbortSignal) => Promise<Tile | undefined>

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Takes no more requests, and resolves when those under way are answered. */
  stop(): Promise<void>
}

/** Starts the server on this machine's own address; port 0 takes a free one. */
export async function startServer(render: Render, port: number): Promise<RunningServer> {
  const underWay = new Set<Promise<unknown>>()
  const server = createServer((request, response) => {
    const closed = once(response, 'close')
    underWay.add(closed)
    void closed.finally(() => underWay.delete(closed))
    void handle(render, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return { url: `http://127.0.0.1:${bound}`, port: bound, stop: () => stopServer(server, underWay) }
}

async function handle(render: Render, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/health') return send(response, 200, { status: 'ok' })
  if (url.pathname !== '/work') return send(response, 404, { error: 'there are /work and /health' })
  const size = Number(url.searchParams.get('n') ?? SIZE_DEFAULT)
  if (!Number.isInteger(size) || size < 1 || size > SIZE_MAX) {
    return send(response, 400, { error: `n must be a whole number of 1..${SIZE_MAX}` })
  }
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    send(response, 200, await render(size, gone.signal))
  } catch (error) {
    if (gone.signal.aborted) return
    if (error instanceof ShardloomError && error.retryable) {
      response.setHeader('Retry-After', RETRY_AFTER_SECONDS)
      send(response, 503, { error: error.code })
    } else {
      send(response, 500, { error: (error as Error).message })
    }
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (response.destroyed) return
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(`${JSON.stringify(body ?? null)}\n`)
}

/** A connection that is kept open, or was never used, must not hold up the end: what is answered is cut. */
async function stopServer(server: Server, underWay: ReadonlySet<Promise<unknown>>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await Promise.all(underWay)
  server.closeAllConnections()
  await closed
}

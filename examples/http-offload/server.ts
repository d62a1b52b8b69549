/**
 * The HTTP server: `/work?n=200` renders a tile, `/session` shows who is asking, `/health` says `ok`.
 *
 * Who renders is given to it. With a keyspace it keeps sessions there, renders each tile once, and limits how
 * much each client may ask for: by its session, and by its address how many sessions it may begin, so that
 * throwing the cookie away is no way around.
 *
 * A client that goes away takes its work back, by an `AbortSignal`. Work that is refused for want of room is
 * answered with 503, and a client that asks for too much with 429, both with when to try again.
 *
 * Tests: test/examples/http-offload.test.ts, test/examples/http-keyspace.test.ts
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Keyspace, ShardloomError } from 'shardloom'
import { type Session, Sessions } from './sessions.ts'
import { type Render, renderText, TileCache } from './tiles.ts'

const SIZE_DEFAULT = 200
const SIZE_MAX = 2000
const RETRY_AFTER_MS = 1000
const MS_PER_SECOND = 1000

/** How often something may happen: evenly, with some at once on top. */
export interface RateLimit {
  readonly burst: number
  readonly count: number
  readonly periodMs: number
}

/** What is served, and how it is kept. */
export interface Site {
  readonly render: Render
  /** Without it every tile is rendered, and clients have neither sessions nor limits. */
  readonly keyspace?: Keyspace
  /** How long a session lives that is not used. Default half an hour. */
  readonly sessionTtlMs?: number
  /** How long a tile is kept. Default one minute. */
  readonly tileTtlMs?: number
  /** What one session may ask for. Default 50 a second, 20 at once. */
  readonly requestLimit?: RateLimit
  /** How many sessions one address may begin. Default 60 a minute, 30 at once. */
  readonly sessionLimit?: RateLimit
}

const SITE_DEFAULTS = {
  sessionTtlMs: 30 * 60_000,
  tileTtlMs: 60_000,
  requestLimit: { burst: 20, count: 50, periodMs: 1000 },
  sessionLimit: { burst: 30, count: 60, periodMs: 60_000 },
}

/** A server that listens. */
export interface RunningServer {
  readonly url: string
  readonly port: number
  /** Takes no more requests, and resolves when those under way are answered. */
  stop(): Promise<void>
}

/** What a site keeps in its keyspace. */
interface Kept {
  readonly keyspace: Keyspace
  readonly sessions: Sessions
  readonly tiles: TileCache
  readonly requestLimit: RateLimit
  readonly sessionLimit: RateLimit
}

/** Starts the server on this machine's own address; port 0 takes a free one. */
export async function startServer(site: Site, port: number): Promise<RunningServer> {
  const kept = keep(site)
  const underWay = new Set<Promise<unknown>>()
  const server = createServer((request, response) => {
    const closed = once(response, 'close')
    underWay.add(closed)
    void closed.finally(() => underWay.delete(closed))
    void answer(site.render, kept, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const bound = (server.address() as AddressInfo).port
  return { url: `http://127.0.0.1:${bound}`, port: bound, stop: () => stopServer(server, underWay) }
}

function keep(site: Site): Kept | undefined {
  const { keyspace, render } = site
  if (keyspace === undefined) return undefined
  const { sessionTtlMs, tileTtlMs, requestLimit, sessionLimit } = { ...SITE_DEFAULTS, ...site }
  const sessions = new Sessions(keyspace, sessionTtlMs)
  return { keyspace, sessions, tiles: new TileCache(keyspace, render, tileTtlMs), requestLimit, sessionLimit }
}

/** Answers a request, whatever happens on the way. */
async function answer(
  render: Render,
  kept: Kept | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  try {
    await route(render, kept, request, response, gone.signal)
  } catch (error) {
    if (gone.signal.aborted) return
    if (!(error instanceof ShardloomError)) return send(response, 500, { error: (error as Error).message })
    if (error.retryable) sayWhen(response, RETRY_AFTER_MS)
    send(response, error.retryable ? 503 : 500, { error: error.code })
  }
}

async function route(
  render: Render,
  kept: Kept | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (url.pathname === '/health') return send(response, 200, { status: 'ok' })
  if (url.pathname !== '/work' && url.pathname !== '/session') {
    return send(response, 404, { error: 'there are /work, /session and /health' })
  }
  const session = kept && (await admit(kept, request, response))
  if (kept !== undefined && session === undefined) return
  if (url.pathname === '/session') return answerSession(kept, session, request, response)
  const size = Number(url.searchParams.get('n') ?? SIZE_DEFAULT)
  if (!Number.isInteger(size) || size < 1 || size > SIZE_MAX) {
    return send(response, 400, { error: `n must be a whole number of 1..${SIZE_MAX}` })
  }
  if (kept === undefined) return sendText(response, 200, await renderText(render, size, signal))
  const { text, source } = await kept.tiles.get(size, signal)
  if (!response.destroyed) response.setHeader('X-Cache', source)
  sendText(response, 200, text)
}

/** Whose request it is; undefined when that was too many, and the client was told so. */
async function admit(
  { keyspace, sessions, requestLimit, sessionLimit }: Kept,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Session | undefined> {
  const known = await sessions.find(request)
  const who = known === undefined ? `address:${request.socket.remoteAddress}` : `session:${known.id}`
  const limit = known === undefined ? sessionLimit : requestLimit
  const { allowed, remaining, retryAfterMs } = await keyspace.limit(`limit:${who}`, limit)
  if (response.destroyed) return undefined
  if (!allowed) {
    sayWhen(response, retryAfterMs)
    send(response, 429, { error: 'too many requests', retryAfterMs })
    return undefined
  }
  if (known === undefined) return sessions.begin(response)
  response.setHeader('X-RateLimit-Remaining', remaining)
  return known
}

async function answerSession(
  kept: Kept | undefined,
  session: Session | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (kept === undefined || session === undefined)
    return send(response, 404, { error: 'there are no sessions' })
  const { isNew, requests } = session
  if (request.method === 'DELETE') {
    await kept.sessions.end(session, response)
    return send(response, 200, { ended: true })
  }
  send(response, 200, { isNew, requests })
}

/** The header has whole seconds: rather later than too early. */
function sayWhen(response: ServerResponse, ms: number): void {
  if (!response.headersSent) response.setHeader('Retry-After', Math.ceil(ms / MS_PER_SECOND))
}

function send(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, JSON.stringify(body ?? null))
}

function sendText(response: ServerResponse, status: number, text: string): void {
  if (response.destroyed) return
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(`${text}\n`)
}

/** A connection that is kept open, or was never used, must not hold up the end: what is answered is cut. */
async function stopServer(server: Server, underWay: ReadonlySet<Promise<unknown>>): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await Promise.all(underWay)
  server.closeAllConnections()
  await closed
}

/**
 * The subsystem `intake`: the HTTP server that jobs come in by.
 *
 *     POST /jobs       {"n": 15}, with an Idempotency-Key   202 {"id"}: accepted, and kept
 *                                                           429 with Retry-After: no place at the moment
 *                                                           503 with Retry-After: not known, ask again
 *     GET  /jobs/:id   {"id", "status"}
 *     GET  /stats      what is open
 *
 * Exactly once, here: 202 is answered only after the scheduler has said that the job is kept. The client's
 * key is the id of the job, so that a client that got no answer (the connection broke, or 503) sends the same
 * request again, and it is one job.
 *
 * A stop closes the port, answers what is under way, and ends. A new run takes the same port.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineSubsystem, type RemoteApi, type SubsystemContext } from 'shardloom'
import { type BridgeRef, remote } from './bridge.ts'
import { isJobId, isJobNumber, N_MAX } from './job.ts'
import { type Mischief, mischief } from './mischief.ts'
import { retryPolicyOf } from './retry-policy.ts'
import type { Acceptance, SchedulerApi } from './scheduler.ts'
import type { WriterApi } from './writer.ts'

export type IntakeApi = Mischief

/** What it is started with. */
export interface IntakeArgs {
  readonly bridge: BridgeRef
  readonly port: number
}

/** What a request is answered with. */
interface Answer {
  readonly status: number
  readonly body: object
  readonly retryAfterSeconds?: number
}

interface Intake {
  readonly server: Server
  readonly underWay: Set<Promise<void>>
}

/** So long a request waits for the scheduler to come back. */
const ACCEPT_MS = 3000
const PAUSE_MS = 20
const BODY_BYTES_MAX = 4096
/** The port may be the former run's for a moment. */
const LISTEN_TRIES = 100
const UNAVAILABLE: Answer = { status: 503, body: { error: 'ask again' }, retryAfterSeconds: 1 }

export default defineSubsystem({
  name: 'intake',
  async init(ctx: SubsystemContext, { bridge, port }: IntakeArgs): Promise<Intake> {
    const underWay = new Set<Promise<void>>()
    const routes = new Routes(bridge)
    const server = createServer((request, response) => {
      const answered = routes
        .answer(request)
        .catch((error: unknown): Answer => ({ status: 500, body: { error: `${error}` } }))
        .then((answer) => send(response, answer, ctx.signal.aborted))
        .finally(() => underWay.delete(answered))
      underWay.add(answered)
    })
    await listen(server, port)
    return { server, underWay }
  },
  health: ({ server }) => server.listening,
  api: (): IntakeApi => mischief(),
  async drain({ server, underWay }) {
    server.close()
    await Promise.all(underWay)
  },
  stop({ server }) {
    server.close()
    server.closeAllConnections()
  },
})

/** What each request means. */
class Routes {
  readonly #scheduler: RemoteApi<SchedulerApi>
  readonly #writer: RemoteApi<WriterApi>

  constructor(bridge: BridgeRef) {
    this.#scheduler = remote<SchedulerApi>(bridge, 'scheduler', ACCEPT_MS)
    this.#writer = remote<WriterApi>(bridge, 'writer', ACCEPT_MS)
  }

  async answer(request: IncomingMessage): Promise<Answer> {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    if (request.method === 'POST' && path === '/jobs') return this.#post(request)
    if (request.method === 'GET' && path === '/stats') {
      return this.#asking(async () => ({ status: 200, body: await this.#scheduler.stats() }))
    }
    const id = /^\/jobs\/([^/]+)$/.exec(path)?.[1]
    if (request.method === 'GET' && id !== undefined) return this.#asking(() => this.#status(id))
    return { status: 404, body: { error: 'there are POST /jobs, GET /jobs/:id and GET /stats' } }
  }

  async #post(request: IncomingMessage): Promise<Answer> {
    const id = request.headers['idempotency-key'] ?? randomUUID()
    const n = await readNumber(request)
    if (!isJobId(id)) return refused('Idempotency-Key must be 1 to 64 letters, digits, _ or -')
    if (!isJobNumber(n)) return refused(`the body must be {"n": a whole number of 2 to ${N_MAX}}`)
    return this.#asking(async () => {
      const acceptance: Acceptance = await this.#scheduler.accept({ id, n })
      if (acceptance.accepted) return { status: 202, body: { id } }
      const { retryAfterSeconds } = acceptance
      return { status: 429, body: { error: 'no place' }, retryAfterSeconds }
    })
  }

  async #status(id: string): Promise<Answer> {
    let status = await this.#scheduler.status(id)
    if (status === 'unknown' && (await this.#writer.has(id))) status = 'done'
    return { status: status === 'unknown' ? 404 : 200, body: { id, status } }
  }

  /** Asks again while that may help; all that is asked here is idempotent. */
  async #asking(ask: () => Promise<Answer>): Promise<Answer> {
    const endMs = performance.now() + ACCEPT_MS
    while (performance.now() < endMs) {
      try {
        return await ask()
      } catch (error) {
        if (retryPolicyOf(error) === 'never') throw error
        await sleep(PAUSE_MS)
      }
    }
    return UNAVAILABLE
  }
}

function refused(error: string): Answer {
  return { status: 400, body: { error } }
}

/** The `n` of the body; undefined when it is anything else. */
async function readNumber(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request) {
    text += `${chunk}`
    if (text.length > BODY_BYTES_MAX) return undefined
  }
  try {
    return (JSON.parse(text) as { n?: unknown } | null)?.n
  } catch {
    return undefined // No JSON: that is said by whoever looks at the number.
  }
}

function send(response: ServerResponse, answer: Answer, isLast: boolean): void {
  if (response.destroyed) return
  const { status, body, retryAfterSeconds } = answer
  if (retryAfterSeconds !== undefined) response.setHeader('Retry-After', `${retryAfterSeconds}`)
  if (isLast) response.setHeader('Connection', 'close')
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(`${JSON.stringify(body)}\n`)
}

async function listen(server: Server, port: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === LISTEN_TRIES) throw error
      await sleep(PAUSE_MS)
    }
  }
}

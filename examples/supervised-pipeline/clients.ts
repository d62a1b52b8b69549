/**
 * The load: clients that post jobs over HTTP, one after the other, and note what they were told.
 *
 * A client that gets no clear answer (a broken connection, 503) sends the same request again, with the same
 * key, until it has one. What it knows in the end is one of three things: accepted, refused, or unanswered,
 * when the run was over before it could find out.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { Agent, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { hardNumber } from './job.ts'
import type { Claims } from './proof.ts'
import { between, type Random, randomOf } from './random.ts'

/** What the clients do. */
export interface LoadOptions {
  readonly url: string
  readonly clients: number
  readonly seed: number
  /** Begins every id. */
  readonly prefix: string
}

/** How requests ended. */
export interface LoadCounts {
  requests: number
  accepted: number
  /** 429. */
  full: number
  /** 503. */
  unavailable: number
  /** No answer. */
  broken: number
  /** Jobs that were followed to their end, by GET. */
  followed: number
}

interface Reply {
  /** 0: none has come. */
  readonly status: number
  readonly retryAfterMs: number
  readonly body: string
}

const NO_REPLY: Reply = { status: 0, retryAfterMs: 0, body: '' }
const REQUEST_MS = 5000
const PAUSE_MIN_MS = 2
const PAUSE_MAX_MS = 20
const AGAIN_MS = 50
/** So long clients try to find out what became of a request when the load has ended. */
const GRACE_MS = 10_000
/** Every so many jobs one is followed. */
const FOLLOW_EVERY = 16

/** Posts jobs until its signal. */
export class Load {
  readonly claims: Claims = { accepted: new Map(), refused: new Map(), unanswered: new Map() }
  readonly counts: LoadCounts = {
    requests: 0,
    accepted: 0,
    full: 0,
    unavailable: 0,
    broken: 0,
    followed: 0,
  }
  readonly #options: LoadOptions
  readonly #agent: Agent
  #endMs = Number.POSITIVE_INFINITY

  constructor(options: LoadOptions) {
    this.#options = options
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.clients })
  }

  /** Resolves when the signal has come and every client knows what it can know. */
  async run(signal: AbortSignal): Promise<void> {
    const { clients, seed } = this.#options
    const onEnd = (): void => {
      this.#endMs = performance.now() + GRACE_MS
    }
    signal.addEventListener('abort', onEnd, { once: true })
    if (signal.aborted) onEnd()
    const all = Array.from({ length: clients }, (_, i) => this.#client(i + 1, randomOf(seed + i), signal))
    await Promise.all(all)
    this.#agent.destroy()
  }

  async #client(number: number, random: Random, signal: AbortSignal): Promise<void> {
    for (let count = 1; !signal.aborted; count++) {
      const id = `${this.#options.prefix}-${number}-${count}`
      const n = hardNumber(random)
      const isAccepted = await this.#submit(id, n, signal)
      if (isAccepted && count % FOLLOW_EVERY === 0) await this.#follow(id, signal)
      await pause(between(random, PAUSE_MIN_MS, PAUSE_MAX_MS), signal)
    }
  }

  async #submit(id: string, n: number, signal: AbortSignal): Promise<boolean> {
    const { accepted, refused, unanswered } = this.claims
    // Whether an earlier attempt may have been accepted without a word.
    let isUnsure = false
    for (;;) {
      const { status, retryAfterMs } = await this.#send('POST', '/jobs', id, JSON.stringify({ n }))
      if (status === 202) {
        accepted.set(id, n)
        this.counts.accepted++
        return true
      }
      if (status === 429) {
        this.counts.full++
        if (signal.aborted && !isUnsure) {
          refused.set(id, n)
          return false
        }
        if (performance.now() > this.#endMs) {
          unanswered.set(id, n)
          return false
        }
        // At the end places come soon.
        if (signal.aborted) await sleep(AGAIN_MS)
        await pause(retryAfterMs, signal)
        continue
      }
      if (status === 503) this.counts.unavailable++
      else this.counts.broken++
      isUnsure = true
      if (performance.now() > this.#endMs) {
        unanswered.set(id, n)
        return false
      }
      await sleep(AGAIN_MS)
    }
  }

  /** Asks until it is done, or nobody cares any more. */
  async #follow(id: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { status, body } = await this.#send('GET', `/jobs/${id}`)
      if (status === 200 && (JSON.parse(body) as { status: string }).status === 'done') {
        this.counts.followed++
        return
      }
      await pause(AGAIN_MS, signal)
    }
  }

  #send(method: string, path: string, key?: string, body?: string): Promise<Reply> {
    this.counts.requests++
    const headers = key === undefined ? {} : { 'Idempotency-Key': key, 'Content-Type': 'application/json' }
    return new Promise((resolve) => {
      const sent = request(`${this.#options.url}${path}`, {
        method,
        headers,
        agent: this.#agent,
        timeout: REQUEST_MS,
      })
      const fail = (): void => resolve(NO_REPLY)
      sent.once('timeout', () => sent.destroy())
      sent.once('error', fail)
      sent.once('response', (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.once('error', fail)
        response.once('end', () => {
          const retryAfterMs = Number(response.headers['retry-after'] ?? 0) * 1000
          resolve({ status: response.statusCode ?? 0, retryAfterMs, body: text })
        })
        // Cut off in the middle of its body.
        response.once('close', fail)
      })
      sent.end(body)
    })
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // The signal cuts it short: what follows looks at it.
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}

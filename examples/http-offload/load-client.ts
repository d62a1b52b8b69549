/**
 * The demo's clients, on a thread of their own: eight keep `/work` requests going, and one measures
 * `/health`.
 *
 * `/health` is asked for at fixed times whether or not the last answer has come. A client that waited would
 * ask rarely just when the server is slow, and make it look better than it is. The eight keep their cookies,
 * and when they have asked for too much, wait as long as they are told. A greedy one, if wanted, does not.
 */
import { Agent, get, type IncomingHttpHeaders } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const CONCURRENCY = 8
const HEALTH_PERIOD_MS = 20
const HEALTH_SOCKETS_MAX = 64
const RETRY_MS = 10

/** What to load, and for how long. */
export interface LoadRequest {
  readonly url: string
  readonly seconds: number
  /** Of the largest tile; the others are smaller by one each. */
  readonly size: number
  readonly tiles: number
  /** Whether there is one more client, which does not wait when it has asked for too much. */
  readonly greedy: boolean
}

/** What the clients saw. */
export interface LoadReport {
  readonly healthChecks: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Answers to `/work` per second. */
  readonly workPerSecond: number
  /** Answers 503. */
  readonly refused: number
  /** Answers 429, to the eight and to the greedy one. */
  readonly limited: number
  readonly limitedGreedy: number
  /** Answers by where they came from, as the server says. */
  readonly sources: Readonly<Record<string, number>>
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

parentPort?.postMessage(await load(workerData as LoadRequest))

async function load({ url, seconds, size, tiles, greedy }: LoadRequest): Promise<LoadReport> {
  const workAgent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY + 1 })
  const healthAgent = new Agent({ keepAlive: true, maxSockets: HEALTH_SOCKETS_MAX })
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  const sources: Record<string, number> = {}
  let [done, refused, limited, limitedGreedy] = [0, 0, 0, 0]
  const keepWorking = async (isGreedy: boolean): Promise<void> => {
    let cookie = ''
    for (let i = 0; performance.now() < endMs; i++) {
      const { status, headers, text } = await fetchText(
        `${url}/work?n=${size - (i % tiles)}`,
        workAgent,
        cookie,
      )
      cookie = headers['set-cookie']?.[0]?.split(';')[0] ?? cookie
      if (status === 200) {
        done++
        const source = String(headers['x-cache'])
        sources[source] = (sources[source] ?? 0) + 1
      } else if (status !== 429) refused++
      else if (isGreedy) limitedGreedy++
      else {
        limited++
        const { retryAfterMs } = JSON.parse(text) as { retryAfterMs: number }
        await sleep(Math.min(retryAfterMs, Math.max(0, endMs - performance.now())))
      }
      // Whoever is refused asks again, but not without a pause: the demo is about the server.
      if (status !== 200) await sleep(RETRY_MS)
    }
  }
  const latencies: Promise<number>[] = []
  const keepChecking = async (): Promise<void> => {
    for (let dueMs = startMs; dueMs < endMs; dueMs += HEALTH_PERIOD_MS) {
      await sleep(Math.max(0, dueMs - performance.now()))
      latencies.push(timeOf(() => fetchText(`${url}/health`, healthAgent)))
    }
  }
  const clients = Array.from({ length: CONCURRENCY }, () => keepWorking(false))
  if (greedy) clients.push(keepWorking(true))
  await Promise.all([keepChecking(), ...clients])
  const elapsedSeconds = (performance.now() - startMs) / 1000
  const sorted = (await Promise.all(latencies)).sort((a, b) => a - b)
  workAgent.destroy()
  healthAgent.destroy()
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return {
    healthChecks: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
    workPerSecond: done / elapsedSeconds,
    refused,
    limited,
    limitedGreedy,
    sources,
  }
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}

function fetchText(url: string, agent: Agent, cookie = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { agent, ...(cookie !== '' && { headers: { cookie } }) }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    }).once('error', reject)
  })
}

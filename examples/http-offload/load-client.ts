/**
 * The demo's client, on a thread of its own: keeps eight `/work` requests going and measures `/health`.
 *
 * `/health` is asked for at fixed times whether or not the last answer has come. A client that waited would
 * ask rarely just when the server is slow, and make it look better than it is.
 */
import { Agent, get } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const CONCURRENCY = 8
const HEALTH_PERIOD_MS = 20
const HEALTH_SOCKETS_MAX = 64

/** What to load, and for how long. */
export interface LoadRequest {
  readonly url: string
  readonly seconds: number
  readonly size: number
}

/** What a client saw. */
export interface LoadReport {
  readonly healthChecks: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Answers to `/work` per second. */
  readonly workPerSecond: number
  /** Answers 503. */
  readonly refused: number
}

parentPort?.postMessage(await load(workerData as LoadRequest))

async function load({ url, seconds, size }: LoadRequest): Promise<LoadReport> {
  const workAgent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  const healthAgent = new Agent({ keepAlive: true, maxSockets: HEALTH_SOCKETS_MAX })
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let done = 0
  let refused = 0
  const keepWorking = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const status = await fetchStatus(`${url}/work?n=${size}`, workAgent)
      if (status === 200) done++
      else refused++
    }
  }
  const latencies: Promise<number>[] = []
  const keepChecking = async (): Promise<void> => {
    for (let dueMs = startMs; dueMs < endMs; dueMs += HEALTH_PERIOD_MS) {
      await sleep(Math.max(0, dueMs - performance.now()))
      latencies.push(timeOf(() => fetchStatus(`${url}/health`, healthAgent)))
    }
  }
  await Promise.all([keepChecking(), ...Array.from({ length: CONCURRENCY }, keepWorking)])
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
  }
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await action()
  return performance.now() - startMs
}

function fetchStatus(url: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode ?? 0))
    }).once('error', reject)
  })
}

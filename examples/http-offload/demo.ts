/**
 * The demo: the same server under the same load, working on its own thread, then with Shardloom, then with
 * the keyspace too. The latency of `/health` in a table, and what the keyspace has spared and refused.
 *
 * Tests: test/examples/http-offload.test.ts
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { LoadReport, LoadRequest } from './load-client.ts'
import { type Site, startServer } from './server.ts'

const TILE_SIZE = 300
const TILES = 24

/** One way to serve. */
export interface DemoCase {
  readonly title: string
  readonly site: Site
}

/** Loads each server for some seconds; returns the table, and a few lines about the keyspace. */
export async function runDemo(cases: readonly DemoCase[], seconds: number): Promise<string> {
  const rows = [['', '/health p50', 'p99', 'max', '/work per second', 'refused', 'limited']]
  const lines: string[] = []
  for (const { title, site } of cases) {
    const server = await startServer(site, 0)
    const greedy = site.keyspace !== undefined
    const report = await loadFromThread({ url: server.url, seconds, size: TILE_SIZE, tiles: TILES, greedy })
    await server.stop()
    rows.push([title, ms(report.p50Ms), ms(report.p99Ms), ms(report.maxMs), ...countsOf(report)])
    if (site.keyspace !== undefined) lines.push(...(await linesOf(report, site.keyspace)))
  }
  return [table(rows), ...lines].join('\n')
}

async function linesOf(
  { sources, limited, limitedGreedy }: LoadReport,
  keyspace: NonNullable<Site['keyspace']>,
): Promise<string[]> {
  const { hit = 0, shared = 0, miss = 0 } = sources
  let [tiles, sessions] = [0, 0]
  for await (const key of keyspace.scan()) {
    if (key.startsWith('tile:')) tiles++
    if (key.startsWith('session:')) sessions++
  }
  const computed = `${miss} computed: ${tiles} tiles, ${timesEach(miss, tiles)}`
  return [
    `cache: ${hit} hits, ${shared} waited for another's work, ${computed}`,
    `limits: ${limited} requests of eight clients that do as they are told, ${limitedGreedy} of a greedy one`,
    `sessions: ${sessions}, kept for half an hour after their last request`,
  ]
}

function timesEach(computed: number, tiles: number): string {
  return computed === tiles ? 'each once' : `${(computed / Math.max(1, tiles)).toFixed(2)} times each`
}

async function loadFromThread(request: LoadRequest): Promise<LoadReport> {
  const client = new Worker(new URL('./load-client.js', import.meta.url), { workerData: request })
  const [report] = await once(client, 'message')
  await client.terminate()
  return report as LoadReport
}

function countsOf({ workPerSecond, refused, limited, limitedGreedy }: LoadReport): string[] {
  return [workPerSecond.toFixed(1), String(refused), String(limited + limitedGreedy)]
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}

/** The first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('   '),
  )
  return lines.join('\n')
}

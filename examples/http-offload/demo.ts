/**
 * The demo: the same server under the same load, first working on its own thread and then with Shardloom, and
 * the latency of `/health` in a table.
 *
 * Tests: test/examples/http-offload.test.ts
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { LoadReport, LoadRequest } from './load-client.ts'
import { type Render, startServer } from './server.ts'

const TILE_SIZE = 300

/** One way to serve. */
export interface DemoCase {
  readonly title: string
  readonly render: Render
}

/** Loads each server for some seconds; returns the table. */
export async function runDemo(cases: readonly DemoCase[], seconds: number): Promise<string> {
  const rows = [['', '/health p50', 'p99', 'max', '/work per second', 'refused']]
  for (const { title, render } of cases) {
    const server = await startServer(render, 0)
    const report = await loadFromThread({ url: server.url, seconds, size: TILE_SIZE })
    await server.stop()
    rows.push([title, ms(report.p50Ms), ms(report.p99Ms), ms(report.maxMs), ...countsOf(report)])
  }
  return table(rows)
}

async function loadFromThread(request: LoadRequest): Promise<LoadReport> {
  const client = new Worker(new URL('./load-client.js', import.meta.url), { workerData: request })
  const [report] = await once(client, 'message')
  await client.terminate()
  return report as LoadReport
}

function countsOf({ workPerSecond, refused }: LoadReport): string[] {
  return [workPerSecond.toFixed(1), String(refused)]
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

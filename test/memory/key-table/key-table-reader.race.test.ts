/**
 * The key table on real threads: one writes, deletes, grows, shrinks and compacts; two read all the while.
 * No value is torn or from another key, none goes back, and none that has expired is read.
 */
import { MessageChannel, Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'

const SOAK_FACTOR = process.env['SHL_SOAK'] ? 50 : 1
const READERS = 2

type Report = Readonly<Record<string, number>>

describe.each([
  // Few keys: every read meets writes. Many: stripes grow and shrink, pages come and go, segments are added.
  { keys: 8, operations: 60_000, options: { segmentBytes: 2 ** 18, pageBytes: 4096, stripes: 2 } },
  { keys: 1500, operations: 60_000, options: { segmentBytes: 2 ** 18, pageBytes: 4096, stripes: 4 } },
  { keys: 3000, operations: 40_000, options: {} },
  { keys: 300, operations: 15_000, options: { segmentBytes: 2 ** 20, stripes: 16, arch: 'arm64' } },
])('$keys keys, $options', ({ keys, operations, options }) => {
  test('readers see whole values only, and never an older one again', async () => {
    const [writer, ...readers] = await race(keys, operations * SOAK_FACTOR, options)
    expect(writer!['puts']).toBeGreaterThan(operations / 5)
    for (const kind of ['appends', 'overwrites', 'removed', 'objects'] as const) {
      expect(writer![kind]).toBeGreaterThan(0)
    }
    if (keys > 100) expect(writer!['moved']).toBeGreaterThan(0)
    for (const reader of readers) {
      expect(reader['strings']! + reader['bytes']!).toBeGreaterThan(0)
      expect(reader['missing']).toBeGreaterThan(0)
    }
  })
})

async function race(keys: number, operations: number, options: object): Promise<Report[]> {
  const url = new URL('../../support/key-table-race-worker.mjs', import.meta.url)
  const barrier = new SharedArrayBuffer(8)
  const channels = Array.from({ length: READERS }, () => new MessageChannel())
  const rest = { barrier, threads: READERS + 1, keys, options }
  const ports = channels.map(({ port1 }) => port1)
  const workers = [
    new Worker(url, {
      workerData: { role: 'write', ports, seed: keys, operations, ...rest },
      transferList: ports,
    }),
    ...channels.map(
      ({ port2 }, i) =>
        new Worker(url, {
          workerData: { role: 'read', port: port2, seed: i + 1, ...rest },
          transferList: [port2],
        }),
    ),
  ]
  try {
    return await Promise.all(workers.map(reportOf))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function reportOf(worker: Worker): Promise<Report> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('a thread ended without a report')))
  })
}

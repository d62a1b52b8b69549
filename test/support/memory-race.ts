/**
 * Runs a race: one real thread per role, all let go at once, over the compiled classes in `dist/`.
 *
 * The roles are functions of `memory-race-worker.mjs`. A thread that fails makes the race fail, and ends the
 * others.
 */
import { Worker } from 'node:worker_threads'

/** A thread of a race: what it does, and with what. */
export interface Racer {
  readonly role: 'produce' | 'consume' | 'sleep' | 'ring' | 'count' | 'watch'
  readonly [data: string]: unknown
}

/** What the roles report: how often they met what. */
export type RaceReport = Readonly<Record<string, number>>

/** The reports, in the order of the racers. */
export async function race(racers: readonly Racer[]): Promise<RaceReport[]> {
  const url = new URL('./memory-race-worker.mjs', import.meta.url)
  const barrier = new SharedArrayBuffer(4)
  const workers = racers.map(
    (racer) => new Worker(url, { workerData: { ...racer, barrier, threads: racers.length } }),
  )
  try {
    return await Promise.all(workers.map(reportOf))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** Soak runs go on for so many times as long. */
export const SOAK_FACTOR = process.env['SHL_SOAK'] ? 50 : 1

function reportOf(worker: Worker): Promise<RaceReport> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('a thread ended without a report')))
  })
}

/**
 * What a run is made of, and the single-threaded one: the same functions, called in a loop on the main
 * thread.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { indexBatch } from './index-batch.ts'
import type { LoopDelay } from './loop-delay.ts'
import { Progress } from './progress.ts'
import { SearchIndex } from './search-index.ts'
import type { SourceFile } from './walk.ts'

const SAMPLE_BATCHES = 16

/** What is to be indexed. */
export interface Job {
  readonly folder: string
  readonly batches: readonly (readonly SourceFile[])[]
  readonly files: number
  readonly bytes: number
}

/** What a run came to. */
export interface RunResult {
  readonly index: SearchIndex
  /** From the first batch to the last, threads started before. */
  readonly elapsedMs: number
  readonly loopDelay?: LoopDelay
}

export function emptyIndex(job: Job): SearchIndex {
  return new SearchIndex(job.batches.map(pathsOf))
}

/** `1 worker thread`, `4 worker threads`. */
export function countOfThreads(count: number): string {
  return `${count} worker thread${count === 1 ? '' : 's'}`
}

export function pathsOf(batch: readonly SourceFile[]): string[] {
  return batch.map((file) => file.path)
}

export function bytesOf(batch: readonly SourceFile[]): number {
  return batch.reduce((sum, file) => sum + file.bytes, 0)
}

/** The batches that each thread indexes once before its clock starts, so that its code is compiled. */
export function sampleOf({ folder, batches }: Job): { folder: string; paths: string[] }[] {
  const step = Math.ceil(batches.length / SAMPLE_BATCHES)
  return batches.filter((_, i) => i % step === 0).map((batch) => ({ folder, paths: pathsOf(batch) }))
}

/** Reads every file once, so that no run pays for the disk and the other finds its files in memory. */
export function warmUp(job: Job): void {
  for (const { path } of job.batches.flat()) {
    try {
      readFileSync(join(job.folder, path))
    } catch {
      // It is gone or closed to us; the index will say so too, by having nothing of it.
    }
  }
}

/** Indexes everything in one loop on this thread. */
export function indexAlone(job: Job): RunResult {
  for (const { folder, paths } of sampleOf(job)) indexBatch(folder, paths)
  const index = emptyIndex(job)
  const progress = new Progress('main thread alone', job.files)
  const startMs = performance.now()
  job.batches.forEach((batch, i) => {
    index.add(i, indexBatch(job.folder, pathsOf(batch)))
    progress.add(batch.length, bytesOf(batch))
  })
  const elapsedMs = performance.now() - startMs
  progress.end()
  return { index, elapsedMs }
}

/**
 * What a run is made of, and the single-threaded one: the same functions, called in a loop on the main
 * thread, with an index in its heap.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { heapBytes } from './gauge.ts'
import {
  type BatchReport,
  type BatchRequest,
  type MergeReport,
  mergePart,
  storeBatch,
} from './index-steps.ts'
import { HeapStore, partKey } from './index-store.ts'
import type { LoopDelay } from './loop-delay.ts'
import { PARTS } from './parts.ts'
import { Progress } from './progress.ts'
import { type IndexTotals, SearchIndex } from './search-index.ts'
import type { SourceFile } from './walk.ts'
import { warmUpCode } from './warm-up.ts'

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
  /** From the first batch to the last list, threads started before. */
  readonly elapsedMs: number
  readonly loopDelay?: LoopDelay
}

/** What the run on the main thread alone came to. */
export interface AloneResult extends RunResult {
  readonly digest: string
  /** By how much the heap of the main thread grew. */
  readonly heapGrowthBytes: number
}

/** `1 worker thread`, `4 worker threads`. */
export function countOfThreads(count: number): string {
  return `${count} worker thread${count === 1 ? '' : 's'}`
}

export function bytesOf(batch: readonly SourceFile[]): number {
  return batch.reduce((sum, file) => sum + file.bytes, 0)
}

/** One request per batch. */
export function requestsOf({ folder, batches }: Job): BatchRequest[] {
  let firstFile = 0
  return batches.map((files, batch) => {
    const request = { folder, batch, firstFile, paths: files.map((file) => file.path) }
    firstFile += files.length
    return request
  })
}

/** The batches that each thread indexes once before its clock starts, so that its code is compiled. */
export function sampleOf(job: Job): BatchRequest[] {
  const step = Math.ceil(job.batches.length / SAMPLE_BATCHES)
  return requestsOf(job).filter(({ batch }) => batch % step === 0)
}

/** Sums up what the steps have reported. */
export function totalsOf(
  job: Job,
  batches: readonly BatchReport[],
  merges: readonly MergeReport[],
): IndexTotals {
  return {
    files: job.files,
    words: sum(batches.map(({ words }) => words)),
    terms: sum(merges.map(({ terms }) => terms)),
    postings: sum(batches.map(({ postings }) => postings)),
    listBytes: sum(merges.map(({ bytes }) => bytes)),
  }
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

/** Indexes everything in one loop on this thread, into its heap. */
export async function indexAlone(job: Job): Promise<AloneResult> {
  await warmUpCode(sampleOf(job))
  const requests = requestsOf(job)
  const heapBefore = heapBytes()
  const store = new HeapStore()
  const progress = new Progress('main thread alone', job.files)
  const startMs = performance.now()
  const batches: BatchReport[] = []
  for (const [i, request] of requests.entries()) {
    batches.push(await storeBatch(store, request))
    progress.add(request.paths.length, bytesOf(job.batches[i]!))
  }
  const merges: MergeReport[] = []
  for (let part = 0; part < PARTS; part++) {
    merges.push((await mergePart(store, part, requests.length))!)
    for (const { batch } of requests) store.delete(partKey(batch, part))
  }
  const elapsedMs = performance.now() - startMs
  progress.end()
  const index = new SearchIndex(store, totalsOf(job, batches, merges))
  const digest = await index.digest(store.keys())
  return { index, elapsedMs, digest, heapGrowthBytes: heapBytes() - heapBefore }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

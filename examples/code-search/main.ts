/**
 * Code search: indexes a source tree with actors on all threads, keeps the index in the keyspace, and answers
 * queries from any thread.
 *
 *     walk → batches → indexers (threads) → parts ─┐
 *                                                  keyspace → posting lists → queries on any thread
 *                      indexers (threads) → merge ─┘
 *
 * The same work is done once more in a plain loop on the main thread, to compare times and to prove, by
 * digest, that both come to the same. Results go to standard output, everything else to standard error.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { performance } from 'node:perf_hooks'
import { createRuntime, type Runtime } from 'shardloom'
import { Answers, type SearcherPool } from './answers.ts'
import { type Figures, FigureTaker, linesOf } from './figures.ts'
import { HELP, readOptions, type SearchOptions, UsageError } from './options.ts'
import { ratesOf } from './progress.ts'
import {
  type AloneResult,
  bytesOf,
  countOfThreads,
  indexAlone,
  type Job,
  type RunResult,
  warmUp,
} from './run.ts'
import { indexParallel, type ParallelResult } from './run-parallel.ts'
import { termKeys } from './search-index.ts'
import type { searcher } from './searcher.ts'
import { cutBatches, findFiles } from './walk.ts'

const SAMPLE_QUERIES = ['worker thread', 'parse options', 'create server']
const EXIT_FAILED = 1
const EXIT_USAGE = 2

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`code-search: ${error.message}\n`)
  process.exitCode = EXIT_USAGE
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (options.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const job = prepare(options.folder)
  const startMs = performance.now()
  await using runtime = await createRuntime({ threads: options.threads, keyspace: {} })
  const runtimeMs = performance.now() - startMs
  const taker = await FigureTaker.start(runtime)
  const parallel = await indexParallel(runtime, job, options)
  const pool = await runtime.router<typeof searcher>(new URL('./searcher.js', import.meta.url), {
    size: options.threads,
  })
  const queries = options.query === undefined ? SAMPLE_QUERIES : [options.query]
  const figures = await taker.finish(parallel.index, pool, queries)
  const startUp = `started and warmed in ${(runtimeMs + parallel.startUpMs).toFixed(0)} ms`
  say(`${countOfThreads(options.threads)}: ${timesOf(job, parallel)} (${startUp})`)
  const { p50Ms, p99Ms, maxMs } = parallel.loopDelay!
  say(`main thread meanwhile: event loop late by p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs} ms`)
  if (options.chaos) sayWhatChaosDid(parallel)
  const report = await compare(runtime, job, options, parallel)
  for (const line of linesOf(figures)) say(line)
  const areSame = await answer(pool, options, job, parallel, report, figures)
  return report.identical === false || !areSame ? EXIT_FAILED : 0
}

function prepare(folder: string): Job {
  const startMs = performance.now()
  const found = findFiles(folder)
  if (found.length === 0) throw new UsageError(`no source files in ${folder}`)
  const job = { folder, batches: cutBatches(found), files: found.length, bytes: bytesOf(found) }
  warmUp(job)
  const tookMs = (performance.now() - startMs).toFixed(0)
  say(
    `${folder}: ${job.files} files, ${(job.bytes / 1e6).toFixed(1)} MB (found and read once in ${tookMs} ms)`,
  )
  return job
}

/** How the run on the main thread alone went, when it is wanted. */
interface Comparison {
  readonly digest: string | null
  readonly identical: boolean | null
  readonly alone: AloneResult | undefined
}

async function compare(
  { keyspace }: Runtime,
  job: Job,
  { baseline, json }: SearchOptions,
  parallel: ParallelResult,
): Promise<Comparison> {
  if (!baseline && !json) return { digest: null, identical: null, alone: undefined }
  const digest = await parallel.index.digest(termKeys(keyspace))
  if (!baseline) return { digest, identical: null, alone: undefined }
  const alone = await indexAlone(job)
  const identical = alone.digest === digest
  const heap = `${(alone.heapGrowthBytes / 1e6).toFixed(1)} MB of its heap for the index`
  say(`main thread alone: ${timesOf(job, alone)} (nothing else could run; ${heap})`)
  say(`ratio: ${ratioOf(alone, parallel)}×; digest ${digest}: ${identical ? 'identical' : 'DIFFERENT'}`)
  return { digest, identical, alone }
}

/** Answers what was asked; whether all threads agree. */
async function answer(
  pool: SearcherPool,
  { json, query, folder, limit }: SearchOptions,
  job: Job,
  parallel: ParallelResult,
  { digest, identical, alone }: Comparison,
  figures: Figures,
): Promise<boolean> {
  const answers = new Answers(parallel.index, pool, folder, limit)
  if (json) {
    const hits = query === undefined ? [] : (await answers.find(query)).hits
    const report = {
      folder,
      files: job.files,
      bytes: job.bytes,
      terms: parallel.index.totals.terms,
      postings: parallel.index.totals.postings,
      digest,
      identical,
      startUpMs: parallel.startUpMs,
      parallelMs: parallel.elapsedMs,
      mergeMs: parallel.mergeMs,
      baselineMs: alone?.elapsedMs ?? null,
      baselineHeapBytes: alone?.heapGrowthBytes ?? null,
      ratio: alone === undefined ? null : ratioOf(alone, parallel),
      loopDelay: parallel.loopDelay,
      keyspace: figures,
      killedThread: parallel.killedThread ?? null,
      retries: parallel.retries,
      repeats: parallel.repeats,
      query: query ?? null,
      hits,
      sameOnAllThreads: answers.areSame,
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else if (query !== undefined) await answers.print(query)
  else if (process.stdin.isTTY) await answers.prompt()
  else for (const sample of SAMPLE_QUERIES) await answers.print(sample)
  if (!answers.areSame) say('threads gave DIFFERENT answers')
  return answers.areSame
}

function sayWhatChaosDid({ killedThread, retries, repeats }: ParallelResult): void {
  if (killedThread === undefined) return say('chaos: there was no thread to kill')
  say(`chaos: thread ${killedThread} was killed, ${retries} batches were asked for again`)
  say(`chaos: its shard of the keyspace was lost, ${repeats} batches were indexed again`)
}

function timesOf({ files, bytes }: Job, { elapsedMs }: RunResult): string {
  return `${(elapsedMs / 1000).toFixed(2)} s, ${ratesOf(files, bytes, elapsedMs)}`
}

function ratioOf(alone: RunResult, parallel: RunResult): number {
  return Number((alone.elapsedMs / parallel.elapsedMs).toFixed(2))
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

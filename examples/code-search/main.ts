/**
 * Code search: indexes a source tree with actors on all threads, and answers queries.
 *
 *     walk → batches → pool of indexers (threads) → segments → index → queries
 *
 * The same work is done once more in a plain loop on the main thread, to compare times and to prove, by
 * digest, that both come to the same. Results go to standard output, everything else to standard error.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { performance } from 'node:perf_hooks'
import { Answers } from './answers.ts'
import { HELP, readOptions, type SearchOptions, UsageError } from './options.ts'
import { ratesOf } from './progress.ts'
import { bytesOf, countOfThreads, indexAlone, type Job, type RunResult, warmUp } from './run.ts'
import { indexParallel, type ParallelResult } from './run-parallel.ts'
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
  const parallel = await indexParallel(job, options)
  const digest = parallel.index.digest()
  const startUp = `started and warmed in ${parallel.startUpMs.toFixed(0)} ms`
  say(`${countOfThreads(options.threads)}: ${timesOf(job, parallel)} (${startUp})`)
  const { p50Ms, p99Ms, maxMs } = parallel.loopDelay!
  say(`main thread meanwhile: event loop late by p50 ${p50Ms}, p99 ${p99Ms}, max ${maxMs} ms`)
  if (options.chaos) sayWhatChaosDid(parallel)
  const alone = options.baseline ? indexAlone(job) : undefined
  const isSame = alone === undefined || alone.index.digest() === digest
  if (alone !== undefined) {
    say(`main thread alone: ${timesOf(job, alone)} (nothing else could run)`)
    say(`ratio: ${ratioOf(alone, parallel)}×; digest ${digest}: ${isSame ? 'identical' : 'DIFFERENT'}`)
  }
  await answer(options, job, parallel, alone, digest)
  return isSame ? 0 : EXIT_FAILED
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

async function answer(
  { json, query, folder, limit }: SearchOptions,
  job: Job,
  parallel: ParallelResult,
  alone: RunResult | undefined,
  digest: string,
): Promise<void> {
  const answers = new Answers(parallel.index, folder, limit)
  if (json) {
    const report = {
      folder,
      files: job.files,
      bytes: job.bytes,
      ...parallel.index.size,
      digest,
      identical: alone === undefined ? null : alone.index.digest() === digest,
      startUpMs: parallel.startUpMs,
      parallelMs: parallel.elapsedMs,
      baselineMs: alone?.elapsedMs ?? null,
      ratio: alone === undefined ? null : ratioOf(alone, parallel),
      loopDelay: parallel.loopDelay,
      killedThread: parallel.killedThread ?? null,
      retries: parallel.retries,
      query: query ?? null,
      hits: query === undefined ? [] : answers.find(query),
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else if (query !== undefined) answers.print(query)
  else if (process.stdin.isTTY) await answers.prompt()
  else for (const sample of SAMPLE_QUERIES) answers.print(sample)
}

function sayWhatChaosDid({ killedThread, retries }: ParallelResult): void {
  if (killedThread === undefined) say('chaos: there was no thread to kill')
  else say(`chaos: thread ${killedThread} was killed, ${retries} batches were asked for again`)
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

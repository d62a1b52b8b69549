/**
 * A pipeline of subsystems under load, with chaos if wanted, and a proof at its end.
 *
 *     node dist/examples/supervised-pipeline/main.js --chaos --seconds 10
 *
 * Jobs come in over HTTP, are kept, computed on worker threads and written to a file. Meanwhile threads are
 * killed, blocked and bloated. In the end each job that was answered with 202 is in the file exactly once;
 * if not, the exit code is 1. How that is reached stands in README.md, and at the head of `intake.ts`,
 * `scheduler.ts`, `result-file.ts` and `clients.ts`.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { setMaxListeners } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRuntime, type Runtime } from 'shardloom'
import { runChaos } from './chaos.ts'
import { Load } from './clients.ts'
import { Display } from './display.ts'
import { HELP, type PipelineCommand, RESULTS, readOptions, UsageError } from './options.ts'
import { type Pipeline, startPipeline } from './pipeline.ts'
import { prove } from './proof.ts'
import { RestartLog } from './restart-log.ts'
import { RETRY_POLICIES } from './retry-policy.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
/** So long jobs that were accepted may take after the load. */
const FINISH_MS = 60_000
const POLL_MS = 50
const CLOSE_MS = 15_000
const RELOAD_TRIES = 20
const RELOAD = { module: new URL('./worker-v2.js', import.meta.url), checks: 1, everyMs: 100 }
const RELOAD_AGAIN_MS = 200

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`supervised-pipeline: ${error.message}\n`)
  process.exitCode = EXIT_USAGE
}

async function main(args: readonly string[]): Promise<number> {
  const command = readOptions(args)
  if (command.help) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const folder = command.out ?? mkdtempSync(join(tmpdir(), 'shardloom-pipeline-'))
  try {
    return await run(command, join(folder, RESULTS))
  } finally {
    if (command.out === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

async function run(command: PipelineCommand, path: string): Promise<number> {
  const ending = new AbortController()
  // Every client listens to it, as often as it waits.
  setMaxListeners(0, ending.signal)
  const onSignal = (): void => ending.abort()
  // A second signal does what it does by default.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal)
  await using runtime = await createRuntime({ threads: 1, timeouts: { closeMs: CLOSE_MS } })
  const log = new RestartLog(runtime)
  const pipeline = await startPipeline(runtime, { ...command, path }).catch((error: Error) => {
    const { code } = (error.cause ?? {}) as { code?: unknown }
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    throw new UsageError(`--port: ${(error.cause as Error).message}`)
  })
  const prefix = `job-${process.pid}`
  const load = new Load({ url: pipeline.url, clients: command.clients, seed: command.seed, prefix })
  const display = new Display({ runtime, pipeline, load, log }, command.json)
  log.note(`${pipeline.url}: POST /jobs, GET /jobs/:id, GET /stats`)
  display.start()
  await underLoad(runtime, pipeline, load, log, command, ending)
  log.note('the load has ended')
  await finish(pipeline)
  await display.stop()
  const retries = Object.fromEntries(
    RETRY_POLICIES.map((policy) => [policy, runtime.counter(`pipeline_retry_${policy}`).value()]),
  )
  const closingMs = performance.now()
  const { cut } = await runtime.close()
  const closedMs = performance.now() - closingMs
  const proof = prove(load.claims, readFileSync(path, 'utf8'))
  display.report({
    proof,
    restarts: new Map([...pipeline.subsystems.keys()].map((name) => [name, log.of(name)])),
    retries,
    alreadyWritten: runtime.counter('pipeline_already_written').value(),
    closedMs,
    cut: cut.length,
  })
  return proof.isRight ? 0 : EXIT_FAILED
}

/** Clients, chaos and reload, until the time is up or a signal comes. */
async function underLoad(
  runtime: Runtime,
  pipeline: Pipeline,
  load: Load,
  log: RestartLog,
  { seconds, chaos, seed, reload }: PipelineCommand,
  ending: AbortController,
): Promise<void> {
  const { signal } = ending
  const timer = setTimeout(() => ending.abort(), seconds * 1000)
  const note = (text: string): void => log.note(text)
  await Promise.all([
    load.run(signal),
    chaos && runChaos(runtime, pipeline.subsystems, seed, signal, note),
    reload && reloadWorkers(pipeline, log, (seconds * 1000) / 2, signal),
  ])
  clearTimeout(timer)
}

/** One worker after the other. */
async function reloadWorkers(
  { workers, subsystems }: Pipeline,
  log: RestartLog,
  afterMs: number,
  signal: AbortSignal,
): Promise<void> {
  // The signal may come before; then there is nothing to do.
  await sleep(afterMs, undefined, { signal }).catch(() => undefined)
  for (const name of workers) {
    for (let tries = 1; tries <= RELOAD_TRIES && !signal.aborted; tries++) {
      try {
        const { fromVersion, toVersion, pausedMs } = await subsystems.get(name)!.reload(RELOAD)
        log.of(name).reloads++
        log.note(`${name} reloaded: v${fromVersion} to v${toVersion}, calls waited ${pausedMs.toFixed(0)} ms`)
        break
      } catch (error) {
        // Chaos has struck in the middle of it: the old version goes on, and the next try may do.
        log.note(`${name} not reloaded: ${(error as Error).message.split('; ')[0]}`)
        await sleep(RELOAD_AGAIN_MS)
      }
    }
  }
}

/** Waits until everything that was accepted is written. */
async function finish({ scheduler }: Pipeline): Promise<void> {
  const endMs = performance.now() + FINISH_MS
  while (performance.now() < endMs) {
    const stats = await scheduler.api.stats().catch(() => undefined)
    if (stats?.open === 0) return
    await sleep(POLL_MS)
  }
}

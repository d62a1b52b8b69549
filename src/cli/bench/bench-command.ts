/**
 * `shardloom bench`: shows how the keyspace scales on this machine, with a chart.
 * Tests: test/cli/bench.test.ts
 */
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { svgChart, terminalChart } from './chart.ts'
import { curvesOf } from './curve.ts'
import { measureScaling } from './scaling.ts'

/** What the command line says, as text. */
export interface BenchArguments {
  readonly json?: boolean | undefined
  readonly seconds?: string | undefined
  readonly threads?: string | undefined
  readonly rounds?: string | undefined
  readonly svg?: string | undefined
}

/** Where output goes. */
export interface BenchOutput {
  out(text: string): void
  err(text: string): void
  /** Whether a line may be written over again. */
  readonly isTerminal: boolean
}

const SECONDS = 1
const SECONDS_MAX = 60
const ROUNDS = 3
const ROUNDS_MAX = 100
const THREADS_MAX = 256

/** Measures and draws; the exit code. */
export async function benchCommand(given: BenchArguments, output: BenchOutput): Promise<number> {
  const cores = availableParallelism()
  const seconds = numberOf(given.seconds, SECONDS)
  const rounds = numberOf(given.rounds, ROUNDS)
  const threads = numberOf(given.threads, Math.min(THREADS_MAX, 2 * cores))
  const refuse = (option: string, value: string | undefined, allowed: string): number => {
    output.err(`shardloom: --${option} ${value}: allowed is ${allowed}\n`)
    return 2
  }
  if (!(seconds >= 0.01 && seconds <= SECONDS_MAX)) {
    return refuse('seconds', given.seconds, `a number, 0.01..${SECONDS_MAX}`)
  }
  if (!isWhole(rounds, ROUNDS_MAX)) return refuse('rounds', given.rounds, `a whole number, 1..${ROUNDS_MAX}`)
  if (!isWhole(threads, THREADS_MAX)) {
    return refuse('threads', given.threads, `a whole number, 1..${THREADS_MAX}`)
  }
  const samples = await measureScaling({
    seconds,
    rounds,
    threadsMax: threads,
    onProgress(done, total, what) {
      if (output.isTerminal) output.err(`\r\x1b[K${done + 1} of ${total}: ${what}`)
    },
  })
  if (output.isTerminal) output.err('\r\x1b[K')
  const curves = curvesOf(samples, cores)
  if (given.svg !== undefined) {
    try {
      writeFileSync(given.svg, svgChart(curves, cores))
    } catch (error) {
      output.err(`shardloom: --svg ${given.svg}: ${(error as Error).message}\n`)
      return 1
    }
  }
  const machine = { cores, model: cpus()[0]?.model ?? 'unknown', node: process.versions.node }
  if (given.json === true) {
    output.out(`${JSON.stringify({ machine, seconds, rounds, curves })}\n`)
    return 0
  }
  output.out(`${cores} cores (${machine.model}), Node ${machine.node}; ${rounds} rounds of ${seconds} s\n`)
  output.out('threads and shards, rate, efficiency against linear up to the cores, processor time each\n\n')
  output.out(`${terminalChart(curves)}\n`)
  if (given.svg !== undefined) output.out(`\nchart: ${given.svg}\n`)
  return 0
}

function numberOf(text: string | undefined, fallback: number): number {
  return text === undefined ? fallback : text.trim() === '' ? Number.NaN : Number(text)
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max
}

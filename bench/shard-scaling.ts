/**
 * Question: how does the keyspace scale with shards and threads, from 1 to twice the cores?
 *
 * This is `shardloom bench`, run as a user runs it, in a process of its own: what it measures is told there.
 * The peer is the machine: a bare loop on as many threads, without any keyspace, measured in the same rounds.
 * What would make the figure a lie: a single sender that is the bottleneck (its share of the time is
 * measured), or a baseline of one thread on a machine that was busy with something else.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, noteCheck, type Question } from './harness.ts'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('dist/src/cli/main.js', import.meta.resolve('shardloom/package.json')))
const BARE = 'bare'
const BARE_NAME = 'bare loop (the machine)'

interface Point {
  readonly threads: number
  readonly perSecond: number
  readonly min: number
  readonly max: number
  readonly efficiency: number
  readonly processorUs: number
}

interface Report {
  readonly machine: { readonly cores: number }
  readonly rounds: number
  readonly curves: readonly { readonly workload: string; readonly points: readonly Point[] }[]
}

export const question: Question = {
  name: 'shard-scaling',
  question: 'shards and threads from 1 to twice the cores (per second, and efficiency against linear)',
  targets: [
    {
      text: 'commands: at least 0.9 of linear up to the cores, or of what a bare loop reaches',
      isMet: (figures) =>
        efficiencies(figures, 'shardloom').every((own, i) => own >= 0.9 * bareAt(figures, i)),
    },
    {
      text: 'commands: the processor time of each grows by at most a tenth up to the cores',
      isMet: (figures) => {
        const spent = figures.filter(({ metric }) => metric.startsWith('commands: processor time'))
        return spent.every(({ median }, i) => i >= availableParallelism() || median <= 1.1 * spent[0]!.median)
      },
    },
    {
      text: 'commands: flat beyond the cores (at least 0.9 of the best)',
      isMet: (figures) => {
        const rates = figures.filter(({ metric }) => metric.startsWith('commands, '))
        return (rates.at(-1)?.median ?? 0) >= 0.9 * Math.max(...rates.map(({ median }) => median))
      },
    },
  ],
  async run(params) {
    const size = params.small
      ? ['--seconds', '0.05', '--rounds', '1', '--threads', '2']
      : ['--seconds', '1', '--rounds', String(params.rounds)]
    const { stdout } = await run(process.execPath, [MAIN, 'bench', '--json', ...size], { maxBuffer: 2 ** 24 })
    const { curves, rounds } = JSON.parse(stdout) as Report
    noteCheck(curves.map(({ workload, points }) => `${workload} ${points.length}`).join())
    const question = 'shard-scaling'
    const rates = curves.flatMap(({ workload, points }) =>
      points.map(({ threads, perSecond, min, max }): Figure => {
        const subject = workload === BARE ? BARE_NAME : 'shardloom'
        const metric = `${workload}, ${threads} threads`
        return { question, subject, metric, unit: '1/s', median: perSecond, min, max, rounds }
      }),
    )
    const parts = curves.flatMap(({ workload, points }) =>
      points.map(({ threads, efficiency }): Figure => {
        const subject =
          workload === BARE ? BARE_NAME : workload === 'commands' ? 'shardloom' : `shardloom, ${workload}`
        const metric = `efficiency, ${threads} threads`
        const same = { median: efficiency, min: efficiency, max: efficiency }
        return { question, subject, metric, unit: 'of linear', ...same, rounds }
      }),
    )
    const spent = curves.flatMap(({ workload, points }) =>
      points.map(({ threads, processorUs }): Figure => {
        const subject = workload === BARE ? BARE_NAME : 'shardloom'
        const metric = `${workload}: processor time, ${threads} threads`
        const same = { median: processorUs, min: processorUs, max: processorUs }
        return { question, subject, metric, unit: 'µs', ...same, rounds }
      }),
    )
    return [...rates, ...spent, ...parts.sort((a, b) => threadsOf(a) - threadsOf(b))]
  },
}

function threadsOf({ metric }: Figure): number {
  return Number(metric.split(' ')[1])
}

function efficiencies(figures: readonly Figure[], subject: string): number[] {
  return figures
    .filter((one) => one.subject === subject && one.unit === 'of linear')
    .map(({ median }) => median)
}

function bareAt(figures: readonly Figure[], i: number): number {
  return Math.min(1, efficiencies(figures, BARE_NAME)[i] ?? 1)
}

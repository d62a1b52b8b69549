/**
 * Question: what does the supervised pool of tasks cost beside the Piscina that it runs on?
 *
 * Peer: Piscina as its manual shows it, with the same module and one thread. 64 tasks are in flight, each
 * answer starts the next one. What would make the figure a lie: tasks that are counted before they have
 * answered, or two pools that keep a different number of threads. Each round adds up all the answers.
 */
import { createRuntime } from 'shardloom'
import { compare, type Subject } from './compare.ts'
import type { Figure, Question } from './harness.ts'
import type { millisecond } from './peers/task-jobs.ts'

const JOBS = new URL('./peers/task-jobs.js', import.meta.url)
const IN_FLIGHT = 64

type Job = 'default' | 'millisecond'
type Run = (n: number) => Promise<number>

/** How much slower than bare Piscina tasks may be: the noise of these machines. */
const SLOWER_MAX = 0.9

export const question: Question = {
  name: 'tasks',
  question: 'tasks, 64 in flight, one thread (per second)',
  targets: [
    { text: 'nothing to do: at least 0.9 × Piscina', isMet: (figures) => isNear(figures, 'nothing to do') },
    { text: '1 ms of work: at least 0.9 × Piscina', isMet: (figures) => isNear(figures, '1 ms of work') },
  ],
  async run(params) {
    const figures: Figure[] = []
    for (const [metric, job, tasks] of [
      ['nothing to do', 'default', params.small ? 200 : 20_000],
      ['1 ms of work', 'millisecond', params.small ? 20 : 500],
    ] as const) {
      const subjects = [shardloomTasks(job, tasks), piscinaTasks(job, tasks)]
      figures.push(...(await compare({ question: 'tasks', metric, unit: '1/s' }, subjects, params)))
    }
    return figures
  },
}

function isNear(figures: readonly Figure[], metric: string): boolean {
  const [own, peer] = ['shardloom', 'Piscina'].map((subject) =>
    figures.find((one) => one.subject === subject && one.metric === metric),
  )
  return (own?.median ?? 0) >= SLOWER_MAX * (peer?.median ?? Number.POSITIVE_INFINITY)
}

function shardloomTasks(job: Job, tasks: number): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 0, tasks: { threadsMax: 1 } })
      const run: Run = (n) => runtime.run<typeof millisecond>(JOBS, n, { export: job })
      return { round: () => inFlight(run, tasks), stop: async () => void (await runtime.close()) }
    },
  }
}

function piscinaTasks(job: Job, tasks: number): Subject {
  return {
    name: 'Piscina',
    async start() {
      const { Piscina } = await import('piscina')
      const pool = new Piscina({ filename: JOBS.href, name: job, minThreads: 1, maxThreads: 1 })
      return {
        round: () => inFlight((n) => pool.run(n) as Promise<number>, tasks),
        stop: () => pool.destroy(),
      }
    },
  }
}

async function inFlight(run: Run, tasks: number) {
  let next = 0
  let sum = 0
  const startMs = performance.now()
  const lane = async (): Promise<void> => {
    while (next < tasks) {
      const answer = await run(next++)
      sum += answer
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return { value: tasks / ((performance.now() - startMs) / 1000), check: String(sum) }
}

/**
 * Question: how late is the main thread's event loop while work is being done?
 *
 * Subjects: the work on actors of other threads, 64 asks always under way; the same work inline. What would
 * make the figure a lie: work that is too small to be noticed, or a loop that has nothing else to do.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { createRuntime } from 'shardloom'
import { ECHO } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { figureOf, type Question } from './harness.ts'

const WORK_MS = 20

export const question: Question = {
  name: 'loop-delay',
  question: "the main thread's event-loop delay while every worker is busy, p99 (ms)",
  targets: [
    { text: 'at most 5 ms', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 99) <= 5 },
  ],
  run: (params) => {
    const ms = params.small ? 60 : 1000
    const about = { question: 'loop-delay', metric: 'p99 of the delay', unit: 'ms' }
    return compare(about, [onActors(ms), inline(ms)], params)
  },
}

function onActors(ms: number): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({})
      const pool = await runtime.router<typeof echo>(ECHO, { strategy: 'least_mailbox' })
      const round = () =>
        measure(ms, async (isOver) => {
          const lane = async (): Promise<void> => {
            while (!isOver()) await pool.ask('busy', WORK_MS / 16)
          }
          await Promise.all(Array.from({ length: 64 }, lane))
        })
      return { round, stop: async () => void (await runtime.close()) }
    },
  }
}

function inline(ms: number): Subject {
  return {
    name: 'inline',
    async start() {
      const round = () =>
        measure(ms, async (isOver) => {
          while (!isOver()) {
            const end = performance.now() + WORK_MS
            while (performance.now() < end);
            await turn()
          }
        })
      return { round, stop: async () => undefined }
    },
  }
}

async function measure(ms: number, work: (isOver: () => boolean) => Promise<void>) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const end = performance.now() + ms
  delay.enable()
  await work(() => performance.now() >= end)
  delay.disable()
  // The monitor counts its own resolution in.
  return { value: Math.max(0, delay.percentile(99) / 1e6 - 1), check: 'worked' }
}

/**
 * Question: how long until the first answer: import, start of a runtime with one thread, spawn, ask?
 *
 * Subjects: a whole process of ours, and a process that starts one bare worker and gets one message back.
 * What would make the figure a lie: a warm process. Each sample is a new one, timed inside from its first
 * line, so the start of Node itself is not in it.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { compare, type Subject } from './compare.ts'
import { figureOf, type Question } from './harness.ts'

const run = promisify(execFile)

export const question: Question = {
  name: 'startup',
  question: 'import, start, first answer (ms)',
  targets: [
    { text: 'at most 150 ms', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 999) <= 150 },
  ],
  run: (params) => {
    const about = { question: 'startup', metric: 'until the first answer', unit: 'ms' }
    return compare(about, [processOf('shardloom'), processOf('bare worker')], params)
  },
}

function processOf(name: string): Subject {
  const program = fileURLToPath(new URL('./startup-program.js', import.meta.url))
  return {
    name,
    async start() {
      const round = async () => {
        const { stdout } = await run(process.execPath, [program, name])
        const [ms = '', answer = ''] = stdout.trim().split(' ')
        return { value: Number(ms), check: answer }
      }
      return { round, stop: async () => undefined }
    },
  }
}

/**
 * Question: how many tells a second from one thread to one actor on another?
 *
 * Peer: raw postMessage, with one message back at the end. What would make the figure a lie: counting what
 * was sent and not what was handled. A round ends when the receiver says the sum of everything it was told. A
 * refused tell is offered again, with the wait that this costs.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createRuntime } from 'shardloom'
import { ECHO } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { figureOf, type Question } from './harness.ts'

export const question: Question = {
  name: 'tell',
  question: 'tells, one thread pair (per second)',
  targets: [
    { text: 'at least 3 M/s', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 0) >= 3e6 },
  ],
  run: (params) => {
    const tells = params.small ? 5000 : 300_000
    const subjects = [shardloomTells(tells), postMessageTells(tells)]
    return compare({ question: 'tell', metric: 'tells', unit: '1/s' }, subjects, params)
  },
}

function shardloomTells(tells: number): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 1 })
      const ref = await runtime.spawn<typeof echo>(ECHO)
      const round = async () => {
        const before = await ref.ask('sum')
        const startMs = performance.now()
        for (let i = 0; i < tells; i++) if (!ref.tell('add', 1)) await ref.offer('add', 1)
        const sum = (await ref.ask('sum')) - before
        return { value: tells / ((performance.now() - startMs) / 1000), check: String(sum) }
      }
      return { round, stop: async () => void (await runtime.close()) }
    },
  }
}

function postMessageTells(tells: number): Subject {
  return {
    name: 'postMessage',
    async start() {
      const worker = new Worker(new URL('./peers/sum-worker.js', import.meta.url))
      await once(worker, 'online')
      const round = async () => {
        const startMs = performance.now()
        for (let i = 0; i < tells; i++) worker.postMessage(1)
        worker.postMessage('sum')
        const [sum] = (await once(worker, 'message')) as [number]
        return { value: tells / ((performance.now() - startMs) / 1000), check: String(sum) }
      }
      return { round, stop: async () => void (await worker.terminate()) }
    },
  }
}

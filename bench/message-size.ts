/**
 * Question: how does the cost of an ask grow with the size of its message, from 16 bytes to 1 MB, there and
 * back?
 *
 * Peer: raw postMessage with the same bytes, copied both ways, as ours are. What would make the figure a lie:
 * transferring instead of copying, or an answer that is shorter than the question.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createRuntime } from 'shardloom'
import { ECHO, warmUp } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { type Figure, type Question, ratio } from './harness.ts'

const SIZES = [16, 256, 4096, 65_536, 1_048_576]

export const question: Question = {
  name: 'message-size',
  question: 'an ask with 16 bytes to 1 MB, there and back (µs)',
  targets: [
    {
      text: 'no slower than postMessage at any size',
      isMet: (figures) =>
        SIZES.every((size) => {
          const ofSize = figures.filter((figure) => figure.metric === `${size} bytes`)
          return ratio(ofSize, 'shardloom', 'postMessage', true) >= 0.95
        }),
    },
  ],
  async run(params) {
    const figures: Figure[] = []
    for (const size of SIZES) {
      const asks = params.small ? 5 : Math.max(50, Math.min(2000, 20_000_000 / size))
      const about = { question: 'message-size', metric: `${size} bytes`, unit: 'µs' }
      figures.push(
        ...(await compare(
          about,
          [shardloomEcho(size, asks, params.small), postMessageEcho(size, asks, params.small)],
          params,
        )),
      )
    }
    return figures
  },
}

function shardloomEcho(size: number, asks: number, isSmall: boolean): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 1 })
      const ref = await runtime.spawn<typeof echo>(ECHO)
      const bytes = new Uint8Array(size).fill(7)
      const ask = async () => (await ref.ask('echo', bytes)) as Uint8Array
      await warmUp(ask, isSmall)
      return { round: () => time(asks, ask), stop: async () => void (await runtime.close()) }
    },
  }
}

function postMessageEcho(size: number, asks: number, isSmall: boolean): Subject {
  return {
    name: 'postMessage',
    async start() {
      const worker = new Worker(new URL('./peers/post-message-worker.js', import.meta.url))
      await once(worker, 'online')
      const bytes = new Uint8Array(size).fill(7)
      let answered: (value: Uint8Array) => void = () => undefined
      worker.on('message', (value: Uint8Array) => answered(value))
      const ask = (): Promise<Uint8Array> =>
        new Promise((resolve) => {
          answered = resolve
          worker.postMessage(bytes)
        })
      await warmUp(ask, isSmall)
      return { round: () => time(asks, ask), stop: async () => void (await worker.terminate()) }
    },
  }
}

async function time(asks: number, ask: () => Promise<Uint8Array>) {
  let sum = 0
  const startMs = performance.now()
  for (let i = 0; i < asks; i++) {
    const answer = await ask()
    sum += answer.length + answer[answer.length - 1]!
  }
  return { value: ((performance.now() - startMs) * 1000) / asks, check: String(sum) }
}

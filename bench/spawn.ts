/**
 * Question: how fast do actors start, and what does an idle one weigh?
 *
 * Peer: nact, whose actors live in the same thread: no thread is crossed and nothing is copied there. What
 * would make the figure a lie: actors that are not ready when they are counted, and memory that was garbage.
 * A spawn counts when its `init` has run; memory is the live heap of both threads after a collection, refs
 * included, and the 64 bytes of the shared table. The process grows by more: each thread's heap keeps room
 * for new objects.
 */
import { createRuntime } from 'shardloom'
import { ECHO } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import type { echo } from './echo-actor.ts'
import { type Figure, figureOf, type Question, summarise } from './harness.ts'
import { collect } from './heap-actor.ts'

export const question: Question = {
  name: 'spawn',
  question: 'actors started per second; bytes per idle actor, 100,000 of them',
  targets: [
    {
      text: 'under 1 KB per idle actor (heap and shared memory)',
      isMet: (figures) => (figureOf(figures, 'shardloom', 'memory per idle actor')?.median ?? 1e9) < 1024,
    },
  ],
  async run(params) {
    const count = params.small ? 200 : 10_000
    const about = { question: 'spawn', metric: 'actors started', unit: '1/s' }
    const rates = await compare(about, [shardloomSpawns(count), nactSpawns(count)], params)
    return [...rates, await memoryPerActor(params.small ? 2000 : 100_000)]
  },
}

function shardloomSpawns(count: number): Subject {
  return {
    name: 'shardloom',
    async start() {
      const runtime = await createRuntime({ threads: 1 })
      const round = async () => {
        const startMs = performance.now()
        const refs = await Promise.all(Array.from({ length: count }, () => runtime.spawn<typeof echo>(ECHO)))
        const value = count / ((performance.now() - startMs) / 1000)
        await Promise.all(refs.map((ref) => ref.stop()))
        return { value, check: String(refs.length) }
      }
      return { round, stop: async () => void (await runtime.close()) }
    },
  }
}

function nactSpawns(count: number): Subject {
  return {
    name: 'nact (same thread)',
    async start() {
      const { start, spawn, stop } = await import('nact')
      const round = async () => {
        const system = start()
        const startMs = performance.now()
        const actors = Array.from({ length: count }, (_, i) =>
          // Named, because the names that nact makes up collide now and then.
          spawn(system, () => undefined, `actor-${i}`),
        )
        const value = count / ((performance.now() - startMs) / 1000)
        stop(system)
        return { value, check: String(actors.length) }
      }
      return { round, stop: async () => undefined }
    },
  }
}

/** Live heap on both threads plus the 64 bytes of the shared table, per actor. */
async function memoryPerActor(count: number): Promise<Figure> {
  const runtime = await createRuntime({ threads: 1 })
  const probe = await runtime.spawn<typeof import('./heap-actor.ts').heap>(
    new URL('./heap-actor.js', import.meta.url),
  )
  const before = (await probe.ask('liveBytes')) + collect()
  const refs: unknown[] = new Array(count).fill(null)
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) {
      const i = next++
      refs[i] = await runtime.spawn<typeof echo>(ECHO)
    }
  }
  await Promise.all(Array.from({ length: 256 }, lane))
  const after = (await probe.ask('liveBytes')) + collect()
  await runtime.close()
  const bytes = (after - before) / refs.length + 64
  const about = { question: 'spawn', metric: 'memory per idle actor', unit: 'bytes' }
  return summarise(about, 'shardloom', [bytes])
}

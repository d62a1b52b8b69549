/**
 * Question: how long does one ask take, one at a time, while both sides are awake?
 *
 * Peers: everything that can call a function on another thread, and as the floor two threads that pass one
 * word to and fro in shared memory: it tells how far apart the two cores are at the moment. nact answers in
 * the same thread: it is there to show what an actor library costs by itself. What would make the figure a
 * lie: asking several at once (then it is throughput), a job that does something, or measuring the first asks
 * (compiling) or sides that still sleep (ask-asleep). Each round is a run of asks back to back, after some
 * that wake both sides; the figure is its mean per ask.
 */
import { ASK_PEERS, warmUp } from './ask-subjects.ts'
import { compare, type Subject } from './compare.ts'
import { figureOf, type Question, ratio } from './harness.ts'
import { startFloor } from './peers/cache-line.ts'

export const question: Question = {
  name: 'ask-awake',
  question: 'ask, one at a time, both sides awake (µs)',
  targets: [
    { text: 'at most 1 µs', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 9) <= 1 },
    { text: 'at least 60 × Comlink', isMet: (figures) => ratio(figures, 'shardloom', 'Comlink', true) >= 60 },
    { text: 'at least 60 × Piscina', isMet: (figures) => ratio(figures, 'shardloom', 'Piscina', true) >= 60 },
  ],
  run: (params) => {
    const asks = params.small ? 200 : 10_000
    const subjects: Subject[] = ASK_PEERS.map((peer) => ({
      name: peer.name,
      async start() {
        const { ask, stop } = await peer.start()
        await warmUp(ask, params.small)
        const round = async () => {
          let sum = 0
          for (let i = 0; i < asks / 10; i++) await ask(i)
          const startMs = performance.now()
          for (let i = 0; i < asks; i++) sum += await ask(i)
          return { value: ((performance.now() - startMs) * 1000) / asks, check: String(sum) }
        }
        return { round, stop }
      },
    }))
    const check = String((asks * (asks + 1)) / 2)
    subjects.push({
      name: 'one word (floor)',
      async start() {
        const { roundTrips, stop } = await startFloor()
        return { round: async () => ({ value: roundTrips(asks), check }), stop }
      },
    })
    return compare({ question: 'ask-awake', metric: 'time per ask', unit: 'µs' }, subjects, params)
  },
}

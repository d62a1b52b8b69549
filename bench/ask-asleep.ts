/**
 * Question: how long does one ask take when both sides have gone to sleep before it?
 *
 * Peer: raw postMessage, which is what a wake-up costs.
 * What would make the figure a lie: a pause that is shorter than the spin (5 ms is a hundred times longer).
 */
import { setTimeout as pause } from 'node:timers/promises'
import { peersNamed, warmUp } from './ask-subjects.ts'
import { compare } from './compare.ts'
import { type Question, ratio } from './harness.ts'

export const question: Question = {
  name: 'ask-asleep',
  question: 'ask, one at a time, both sides asleep before each (µs)',
  targets: [
    {
      text: 'no slower than postMessage',
      isMet: (figures) => ratio(figures, 'shardloom', 'postMessage', true) >= 0.95,
    },
  ],
  run: (params) => {
    const asks = params.small ? 5 : 100
    const subjects = peersNamed('shardloom', 'postMessage').map((peer) => ({
      name: peer.name,
      async start() {
        const { ask, stop } = await peer.start()
        await warmUp(ask, params.small)
        const round = async () => {
          const times: number[] = []
          let sum = 0
          for (let i = 0; i < asks; i++) {
            await pause(5)
            const startMs = performance.now()
            sum += await ask(i)
            times.push(performance.now() - startMs)
          }
          times.sort((a, b) => a - b)
          return { value: times[times.length >> 1]! * 1000, check: String(sum) }
        }
        return { round, stop }
      },
    }))
    return compare({ question: 'ask-asleep', metric: 'median time per ask', unit: 'µs' }, subjects, params)
  },
}

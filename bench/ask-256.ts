/**
 * Question: how many asks a second, 256 at once, a promise each?
 *
 * Peers: everything that answers with promises between threads.
 * What would make the figure a lie: fewer promises than asks, or answers that are not looked at.
 */
import { ASK_PEERS } from './ask-subjects.ts'
import { compare } from './compare.ts'
import { figureOf, type Question, ratio } from './harness.ts'

const AT_ONCE = 256

export const question: Question = {
  name: 'ask-256',
  question: 'asks, 256 at once, a promise each (per second)',
  targets: [
    { text: 'at least 1 M/s', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 0) >= 1e6 },
    { text: 'at least 9 × Piscina', isMet: (figures) => ratio(figures, 'shardloom', 'Piscina') >= 9 },
  ],
  run: (params) => {
    const asks = params.small ? 2000 : 50_000
    const subjects = ASK_PEERS.map((peer) => ({
      name: peer.name,
      async start() {
        const { ask, stop } = await peer.start()
        const round = async () => {
          let sent = 0
          let sum = 0
          const lane = async (): Promise<void> => {
            while (sent < asks) sum += await ask(sent++)
          }
          const startMs = performance.now()
          await Promise.all(Array.from({ length: AT_ONCE }, lane))
          return { value: asks / ((performance.now() - startMs) / 1000), check: String(sum) }
        }
        return { round, stop }
      },
    }))
    return compare({ question: 'ask-256', metric: 'asks', unit: '1/s' }, subjects, params)
  },
}

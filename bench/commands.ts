/**
 * Question: how many commands a second, one at a time, and 256 at once?
 *
 * Peer: ioredis to a local Redis that saves nothing; with automatic pipelining where many are sent at once.
 * What would make the figure a lie: replies that are not looked at. Each round begins with an empty keyspace
 * and adds up what the replies say, which must be the same for both.
 */
import { compare, type Subject } from './compare.ts'
import { type Figure, inTurn, type Question, ratio } from './harness.ts'
import { inLanes, keyOf, textOf } from './loads.ts'
import { type CommandStore, openRedis, openShardloom } from './peers/stores.ts'

const KEYS = 1000

type Run = (store: CommandStore, i: number) => Promise<number>

const COMMANDS: readonly (readonly [name: string, run: Run])[] = [
  ['GET', async (store, i) => ((await store.get(keyOf(i % KEYS))) ?? '').length],
  ['SET', async (store, i) => ((await store.set(keyOf(i % KEYS), textOf(i))) ? 1 : 0)],
  ['INCR', (store, i) => store.incr(`counter:${i % KEYS}`)],
  ['LPUSH', (store, i) => store.push(`list:${i % KEYS}`, textOf(i))],
  ['ZADD', async (store, i) => (await store.rank(`ranks:${i % 10}`, i % 777, keyOf(i))) ?? 0],
  ['HSET', (store, i) => store.put(`hash:${i % KEYS}`, { [`field:${i % 7}`]: textOf(i) })],
]

/** How many commands are under way. */
const AT_ONCE: readonly number[] = [1, 256]

export const question: Question = {
  name: 'commands',
  question: 'commands, one at a time and 256 at once (per second)',
  targets: COMMANDS.flatMap(([name]) =>
    AT_ONCE.map((atOnce) => ({
      text: `${metricOf(name, atOnce)}: at least ${atOnce === 1 ? 1 : 2} × ioredis`,
      isMet: (figures: readonly Figure[]) =>
        ratio(figures, 'shardloom', 'ioredis', false, metricOf(name, atOnce)) >= (atOnce === 1 ? 1 : 2),
    })),
  ),
  async run(params) {
    const figures: Figure[] = []
    for (const atOnce of AT_ONCE) {
      const count = params.small ? 500 : atOnce === 1 ? 10_000 : 100_000
      for (const [i, [name, run]] of COMMANDS.entries()) {
        if (!inTurn(AT_ONCE, i, params).includes(atOnce)) continue
        const subjects = [
          subjectOf('shardloom', () => openShardloom(), run, atOnce, count),
          subjectOf('ioredis', () => openRedis(atOnce > 1), run, atOnce, count),
        ]
        const about = { question: 'commands', metric: metricOf(name, atOnce), unit: '1/s' }
        figures.push(...(await compare(about, subjects, params)))
      }
    }
    return figures
  },
}

function metricOf(name: string, atOnce: number): string {
  return atOnce === 1 ? `${name}, one at a time` : `${name}, ${atOnce} at once`
}

function subjectOf(
  name: string,
  open: () => Promise<CommandStore>,
  run: Run,
  atOnce: number,
  count: number,
): Subject {
  return {
    name,
    async start() {
      const store = await open()
      const round = async () => {
        await store.clear()
        for (let i = 0; i < KEYS; i++) await store.set(keyOf(i), textOf(i))
        let sum = 0
        const value = await inLanes(atOnce, count, async (i) => {
          // `sum += await …` would take the sum before the wait.
          const part = await run(store, i)
          sum += part
        })
        return { value, check: String(sum) }
      }
      return { round, stop: () => store.stop() }
    },
  }
}

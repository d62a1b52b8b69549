/**
 * Question: how many commands and transactions over two shards a second, one at a time and 64 at once, on
 * keys of their own and on the same keys?
 *
 * Peer: ioredis to a local Redis, which has one thread and so no shards to agree; a script of Redis does what
 * the callback does. What would make the figure a lie: keys that are on one shard (they are chosen to lie on
 * two), or updates that are lost: the counters must add up.
 */
import { createRuntime } from 'shardloom'
import { compare, type Subject } from './compare.ts'
import { type Figure, inTurn, type Question, ratio } from './harness.ts'
import { inLanes, textOf } from './loads.ts'
import { type CommandStore, openRedis, openShardloom } from './peers/stores.ts'

const PAIRS = 64
const MEMBERS = 10
const WAYS = [
  { atOnce: 1, isContended: false },
  { atOnce: PAIRS, isContended: false },
  { atOnce: PAIRS, isContended: true },
] as const

type Pair = readonly [string, string]
type Run = (store: CommandStore, pair: Pair, i: number) => Promise<unknown>

const KINDS: readonly (readonly [name: string, run: Run])[] = [
  ['MGET', (store, pair) => store.mget(`s${pair[0]}`, `s${pair[1]}`)],
  ['MSET', (store, [a, b], i) => store.mset({ [`s${a}`]: textOf(i), [`s${b}`]: textOf(i) })],
  ['SUNIONSTORE', (store, [a, b]) => store.unionInto(`u${a}`, `m${a}`, `m${b}`)],
  ['callback', (store, [a, b]) => store.incrementAll([`c${a}`, `c${b}`])],
]

export const question: Question = {
  name: 'transactions',
  question: 'commands and transactions over two shards (per second)',
  targets: KINDS.map(([name]) => ({
    text: `${name}, one at a time: no slower than ioredis`,
    isMet: (figures: readonly Figure[]) =>
      ratio(figures, 'shardloom', 'ioredis', false, metricOf(name, 1, false)) >= 1,
  })),
  async run(params) {
    const pairs = await pairsOverShards()
    const figures: Figure[] = []
    for (const [i, [name, run]] of KINDS.entries()) {
      for (const { atOnce, isContended } of inTurn(WAYS, i, params)) {
        const count = params.small ? 100 : atOnce === 1 ? 1500 : 4000
        const given = isContended ? pairs.slice(0, 1) : pairs
        const subjects = [
          subjectOf('shardloom', () => openShardloom(2), run, atOnce, count, given),
          subjectOf('ioredis', () => openRedis(atOnce > 1), run, atOnce, count, given),
        ]
        const about = { question: 'transactions', metric: metricOf(name, atOnce, isContended), unit: '1/s' }
        figures.push(...(await compare(about, subjects, params)))
      }
    }
    return figures
  },
}

function metricOf(name: string, atOnce: number, isContended: boolean): string {
  if (atOnce === 1) return `${name}, one at a time`
  return `${name}, ${atOnce} at once, ${isContended ? 'same keys' : 'own keys'}`
}

function subjectOf(
  name: string,
  open: () => Promise<CommandStore>,
  run: Run,
  atOnce: number,
  count: number,
  pairs: readonly Pair[],
): Subject {
  return {
    name,
    async start() {
      const store = await open()
      const round = async () => {
        await store.clear()
        for (const key of pairs.flat()) {
          await store.set(`s${key}`, textOf(0))
          await store.members(`m${key}`, ...Array.from({ length: MEMBERS }, (_, i) => `${key}:${i}`))
        }
        const value = await inLanes(atOnce, count, (i, lane) => run(store, pairs[lane % pairs.length]!, i))
        const counters = await Promise.all(pairs.flat().map((key) => store.get(`c${key}`)))
        const sum = counters.reduce((total, text) => total + Number(text ?? 0), 0)
        const unions = await Promise.all(pairs.map(([a]) => store.unionInto(`v${a}`, `m${a}`, `u${a}`)))
        return { value, check: `${sum} ${Math.max(...unions)}` }
      }
      return { round, stop: () => store.stop() }
    },
  }
}

/** Pairs of hash tags, each on another of two shards. */
async function pairsOverShards(): Promise<Pair[]> {
  const runtime = await createRuntime({ threads: 0, keyspace: { shards: 2 } })
  const byShard: string[][] = [[], []]
  for (let i = 0; byShard.some((keys) => keys.length < PAIRS); i++) {
    byShard[runtime.keyspace.shardOf(`{${i}}`).shard]!.push(`{${i}}`)
  }
  await runtime.close()
  return Array.from({ length: PAIRS }, (_, i) => [byShard[0]![i]!, byShard[1]![i]!])
}

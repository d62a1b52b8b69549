/**
 * Question: what does it cost to add to a counter that every thread sees?
 *
 * Peers: a bare Atomics.add on a shared Int32Array (the floor), and a plain variable. One thread, timed by
 * tinybench. What would make the figure a lie: a loop whose additions the compiler takes out; the sums are
 * checked.
 */
import { createRuntime } from 'shardloom'
import { Bench } from 'tinybench'
import { figureOf, type Question, summarise } from './harness.ts'

const ADDS = 10_000

export const question: Question = {
  name: 'counter',
  question: 'counter increment from any thread (ns)',
  targets: [
    { text: 'at most 10 ns', isMet: (figures) => (figureOf(figures, 'shardloom')?.median ?? 99) <= 10 },
  ],
  async run(params) {
    const runtime = await createRuntime({ threads: 0 })
    const counter = runtime.counter('bench')
    const words = new Int32Array(new SharedArrayBuffer(8))
    let plain = 0
    const rounds: Record<string, number[]> = { shardloom: [], 'Atomics.add': [], variable: [] }
    for (let i = 0; i <= params.rounds; i++) {
      const bench = new Bench({ time: params.small ? 5 : 100, warmupTime: params.small ? 1 : 20 })
      bench.add('shardloom', () => {
        for (let n = 0; n < ADDS; n++) counter.add(1)
      })
      bench.add('Atomics.add', () => {
        for (let n = 0; n < ADDS; n++) Atomics.add(words, 0, 1)
      })
      bench.add('variable', () => {
        for (let n = 0; n < ADDS; n++) plain++
      })
      await bench.run()
      for (const { name, result } of bench.tasks) {
        const ms = (result as { latency?: { p50?: number } }).latency?.p50 ?? Number.NaN
        if (i > 0) rounds[name]?.push((ms * 1e6) / ADDS)
      }
    }
    await runtime.close()
    if (counter.value() === 0 || counter.value() % ADDS !== 0 || plain % ADDS !== 0) {
      throw new Error('additions were lost')
    }
    const about = { question: 'counter', metric: 'time per addition', unit: 'ns' }
    return Object.entries(rounds).map(([name, values]) => summarise(about, name, values))
  },
}

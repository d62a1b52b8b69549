/**
 * Question: what does it cost to encode and decode a value?
 *
 * Peers: v8.serialize (structuredClone's codec) and msgpackr, each with its default settings for plain data;
 * msgpackr in its structured-clone mode, which is the one that keeps cycles and types as ours does. Timed by
 * tinybench. What would make the figure a lie: decoding lazily, or comparing a codec that loses part of the
 * value.
 */
import { deserialize, serialize } from 'node:v8'
import { Bench } from 'tinybench'
import { ValueCodec } from '../src/codec/index.ts'
import { type Figure, type Question, ratio, skipped, summarise } from './harness.ts'

const VALUES: Readonly<Record<string, unknown>> = {
  'a small object': { a: 1, b: 'x' },
  'a record of 1 KB': {
    id: 12_345,
    name: 'Ada',
    tags: ['a', 'b', 'c'],
    text: 'x'.repeat(900),
    at: new Date(0),
  },
  '1000 records': Array.from({ length: 1000 }, (_, i) => ({
    id: i,
    name: `name ${i}`,
    score: i / 3,
    ok: i % 2 === 0,
  })),
  '64 KB of bytes': new Uint8Array(65_536).fill(1),
}

export const question: Question = {
  name: 'codec',
  question: 'encode and decode one value (µs)',
  targets: [
    {
      text: 'faster than v8.serialize for every value',
      isMet: (figures) =>
        Object.keys(VALUES).every((metric) => {
          const ofValue = figures.filter((figure) => figure.metric === metric)
          return ratio(ofValue, 'shardloom', 'v8.serialize', true) > 1
        }),
    },
  ],
  async run(params) {
    const codec = new ValueCodec()
    const codecs: Record<string, (value: unknown) => unknown> = {
      shardloom: (value) => codec.decode(codec.encode(value).bytes),
      'v8.serialize': (value) => deserialize(serialize(value)),
    }
    try {
      const { Packr } = await import('msgpackr')
      const packr = new Packr({ structuredClone: true })
      codecs['msgpackr'] = (value) => packr.unpack(packr.pack(value))
    } catch (error) {
      skipped('msgpackr', error)
    }
    const figures: Figure[] = []
    for (const [metric, value] of Object.entries(VALUES)) {
      const times: Record<string, number[]> = {}
      for (let i = 0; i <= params.rounds; i++) {
        const bench = new Bench({ time: params.small ? 5 : 60, warmupTime: params.small ? 1 : 20 })
        for (const [name, copy] of Object.entries(codecs)) bench.add(name, () => void copy(value))
        await bench.run()
        for (const { name, result } of bench.tasks) {
          const ms = (result as { latency?: { mean?: number } }).latency?.mean ?? Number.NaN
          times[name] ??= []
          if (i > 0) times[name].push(ms * 1000)
        }
      }
      const about = { question: 'codec', metric, unit: 'µs' }
      for (const [name, values] of Object.entries(times)) figures.push(summarise(about, name, values))
    }
    return figures
  },
}

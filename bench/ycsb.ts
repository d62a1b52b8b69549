/**
 * Question: how many operations a second under the workloads of YCSB, A to F, over uniform and Zipfian keys?
 *
 * A record is a hash of ten fields of 100 bytes, as in YCSB's binding for Redis, with an index by number for
 * scans. A reads and updates half and half; B reads 95 %; C reads only; D reads the latest and inserts 5 %; E
 * scans up to 100 records and inserts 5 %; F reads and modifies half of what it reads. 64 are on their way.
 *
 * Peer: ioredis to a local Redis that saves nothing, with automatic pipelining. What would make the figure a
 * lie: another mix for each of them. Operations are drawn from one seed, and what is read is counted.
 *
 * Source: Cooper et al., "Benchmarking Cloud Serving Systems with YCSB"; its core workloads A to F.
 */
import { compare, type Subject } from './compare.ts'
import { type Figure, inTurn, type Question, ratio } from './harness.ts'
import { draws, inLanes, textOf, uniform, zipfian } from './loads.ts'
import { type CommandStore, openRedis, openShardloom } from './peers/stores.ts'

const FIELDS = 10
const FIELD_BYTES = 100
const SCAN_MAX = 100
const AT_ONCE = 64
const INDEX = 'records'

type Distribution = 'uniform' | 'zipfian'
type Kind = 'read' | 'update' | 'insert' | 'scan' | 'modify'

/** Parts of 100 that are of each kind; and whether the latest records are the popular ones. */
interface Workload {
  readonly name: string
  readonly mix: readonly (readonly [Kind, number])[]
  readonly isLatest?: boolean
}

const WORKLOADS: readonly Workload[] = [
  {
    name: 'A',
    mix: [
      ['read', 50],
      ['update', 50],
    ],
  },
  {
    name: 'B',
    mix: [
      ['read', 95],
      ['update', 5],
    ],
  },
  { name: 'C', mix: [['read', 100]] },
  {
    name: 'D',
    mix: [
      ['read', 95],
      ['insert', 5],
    ],
    isLatest: true,
  },
  {
    name: 'E',
    mix: [
      ['scan', 95],
      ['insert', 5],
    ],
  },
  {
    name: 'F',
    mix: [
      ['read', 50],
      ['modify', 50],
    ],
  },
]
const DISTRIBUTIONS: readonly Distribution[] = ['uniform', 'zipfian']

interface Operation {
  readonly kind: Kind
  readonly record: number
  /** Of a scan, how many records; of an update, which field. */
  readonly extra: number
}

export const question: Question = {
  name: 'ycsb',
  question: 'YCSB A to F, uniform and Zipfian keys, 64 at once (operations per second)',
  targets: WORKLOADS.map(({ name }) => ({
    text: `${name}: faster than ioredis, with either distribution`,
    isMet: (figures: readonly Figure[]) =>
      DISTRIBUTIONS.every((keys) => ratio(figures, 'shardloom', 'ioredis', false, metricOf(name, keys)) > 1),
  })),
  async run(params) {
    const records = params.small ? 200 : 10_000
    const figures: Figure[] = []
    for (const [i, workload] of WORKLOADS.entries()) {
      const count = params.small ? 200 : workload.name === 'E' ? 3000 : 30_000
      for (const keys of inTurn(DISTRIBUTIONS, i, params)) {
        const operations = operationsOf(workload, keys, records, count)
        const subjects = [
          subjectOf('shardloom', () => openShardloom(), records, operations),
          subjectOf('ioredis', () => openRedis(true), records, operations),
        ]
        const about = { question: 'ycsb', metric: metricOf(workload.name, keys), unit: '1/s' }
        figures.push(...(await compare(about, subjects, params)))
      }
    }
    return figures
  },
}

function metricOf(workload: string, keys: Distribution): string {
  return `${workload}, ${keys}`
}

function operationsOf(
  { mix, isLatest = false }: Workload,
  keys: Distribution,
  records: number,
  count: number,
): Operation[] {
  const chosen = (keys === 'uniform' ? uniform : zipfian)(records, count, 11)
  const ages = isLatest && keys === 'zipfian' ? zipfian(records, count, 13) : chosen
  const draw = draws(17)
  let inserted = records
  return Array.from({ length: count }, (_, i): Operation => {
    const kind = kindOf(mix, draw() * 100)
    const extra = Math.floor(draw() * (kind === 'scan' ? SCAN_MAX : FIELDS))
    if (kind === 'insert') return { kind, record: inserted++, extra }
    // A scan ends among the records that were there at first: how many it finds depends on no other.
    if (kind === 'scan') return { kind, record: chosen[i]! % (records - SCAN_MAX), extra: extra + 1 }
    return { kind, record: isLatest ? inserted - 1 - (ages[i]! % inserted) : chosen[i]!, extra }
  })
}

/** The kind whose part of 100 a draw falls into. */
function kindOf(mix: Workload['mix'], drawn: number): Kind {
  let upTo = 0
  for (const [kind, part] of mix) {
    upTo += part
    if (drawn < upTo) return kind
  }
  return mix[0]![0]
}

function subjectOf(
  name: string,
  open: () => Promise<CommandStore>,
  records: number,
  operations: readonly Operation[],
): Subject {
  return {
    name,
    async start() {
      const store = await open()
      const round = async () => {
        await store.clear()
        await inLanes(AT_ONCE, records, (i) => insert(store, i))
        let found = 0
        const value = await inLanes(AT_ONCE, operations.length, async (i) => {
          const part = await run(store, operations[i]!)
          found += part
        })
        return { value, check: String(found) }
      }
      return { round, stop: () => store.stop() }
    },
  }
}

/** Runs one; how many fields it has seen. */
async function run(store: CommandStore, { kind, record, extra }: Operation): Promise<number> {
  switch (kind) {
    case 'read':
      return read(store, nameOf(record))
    case 'update':
      await store.put(nameOf(record), { [`field${extra}`]: textOf(extra, FIELD_BYTES) })
      return 0
    case 'insert':
      await insert(store, record)
      return 0
    case 'scan': {
      const names = await store.from(INDEX, record, extra)
      const counts = await Promise.all(names.map((name) => read(store, name)))
      return counts.reduce((sum, count) => sum + count, 0)
    }
    case 'modify': {
      const seen = await read(store, nameOf(record))
      await store.put(nameOf(record), { [`field${extra}`]: textOf(extra, FIELD_BYTES) })
      return seen
    }
  }
}

async function read(store: CommandStore, name: string): Promise<number> {
  return Object.keys(await store.fields(name)).length
}

async function insert(store: CommandStore, record: number): Promise<void> {
  const name = nameOf(record)
  const fields = Object.fromEntries(
    Array.from({ length: FIELDS }, (_, i) => [`field${i}`, textOf(record + i, FIELD_BYTES)]),
  )
  await Promise.all([store.put(name, fields), store.rank(INDEX, record, name)])
}

function nameOf(record: number): string {
  return `user${String(record).padStart(12, '0')}`
}

/**
 * What an index in the keyspace costs, and how fast it answers: from one thread, and from all of them at
 * once.
 *
 * Tests: test/examples/code-search.test.ts
 */
import type { ActorRouter, Runtime } from 'shardloom'
import { type gauge, heapBytes } from './gauge.ts'
import { measureQueries } from './query-rate.ts'
import type { SearchIndex } from './search-index.ts'
import type { searcher } from './searcher.ts'

type GaugePool = ActorRouter<(typeof gauge)['receive']>
type SearcherPool = ActorRouter<(typeof searcher)['receive']>

/** What is measured when the index is there. */
export interface Figures {
  readonly keys: number
  /** Of all posting lists. */
  readonly listBytes: number
  /** Of all keys and values. */
  readonly usedBytes: number
  /** Of the shared memory that was reserved for them. */
  readonly reservedBytes: number
  /** By how much each heap has grown, the main thread's first. */
  readonly heapGrowthBytes: readonly number[]
  /** On the main thread alone; then on each worker, all at once. */
  readonly queriesPerSecond: { readonly main: number; readonly workers: readonly number[] }
}

/** Compares memory before and after; and asks queries. */
export class FigureTaker {
  readonly #runtime: Runtime
  readonly #gauges: GaugePool
  readonly #before: readonly number[]

  private constructor(runtime: Runtime, gauges: GaugePool, before: readonly number[]) {
    this.#runtime = runtime
    this.#gauges = gauges
    this.#before = before
  }

  /** Begins: there is no index yet. */
  static async start(runtime: Runtime): Promise<FigureTaker> {
    const gauges = await runtime.router<typeof gauge>(new URL('./gauge.js', import.meta.url))
    return new FigureTaker(runtime, gauges, await heapsOf(gauges))
  }

  /** The index is there. */
  async finish(index: SearchIndex, pool: SearcherPool, queries: readonly string[]): Promise<Figures> {
    const after = await heapsOf(this.#gauges)
    const { keys, usedBytes, reservedBytes } = await this.#runtime.keyspace.stats()
    return {
      keys,
      listBytes: index.totals.listBytes,
      usedBytes,
      reservedBytes,
      heapGrowthBytes: after.map((bytes, thread) => bytes - (this.#before[thread] ?? 0)),
      queriesPerSecond: {
        main: measureQueries(index, queries),
        workers: await onEach(pool, () => pool.ask('measure', queries)),
      },
    }
  }
}

/** The figures as lines. */
export function linesOf(figures: Figures): string[] {
  const { keys, listBytes, usedBytes, reservedBytes, heapGrowthBytes, queriesPerSecond } = figures
  const [main, ...workers] = heapGrowthBytes.map(mb)
  const used = `${mb(usedBytes)} with keys, ${mb(reservedBytes)} reserved`
  const perSecond = queriesPerSecond.workers.map((count) => `${count}/s`).join(' + ')
  return [
    `keyspace: ${keys} keys, ${mb(listBytes)} of posting lists; ${used}`,
    `heaps have grown by: main thread ${main}, workers ${workers.join(', ')}`,
    `queries: ${queriesPerSecond.main}/s on the main thread; on the workers, all at once: ${perSecond}`,
  ]
}

/** Of each thread, the main one first. */
async function heapsOf(gauges: GaugePool): Promise<number[]> {
  return [heapBytes(), ...(await onEach(gauges, () => gauges.ask('heapBytes')))]
}

/** Asks each of a pool once: it takes them in turn. */
function onEach<T>({ size }: { readonly size: number }, ask: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: size }, ask))
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

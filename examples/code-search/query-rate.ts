/**
 * Measures how many queries a second one thread answers.
 */
import { performance } from 'node:perf_hooks'
import { search } from './rank.ts'
import type { SearchIndex } from './search-index.ts'

const WARM_UP_MS = 150
const MEASURE_MS = 250
const LIMIT = 10

/** Asks the queries over and over; how many a second, once the code is compiled. */
export function measureQueries(index: SearchIndex, queries: readonly string[]): number {
  askFor(WARM_UP_MS, index, queries)
  return Math.round(askFor(MEASURE_MS, index, queries))
}

/** Queries per second. */
function askFor(ms: number, index: SearchIndex, queries: readonly string[]): number {
  const startMs = performance.now()
  let count = 0
  let elapsedMs = 0
  while (elapsedMs < ms) {
    search(index, queries[count % queries.length]!, LIMIT)
    count++
    elapsedMs = performance.now() - startMs
  }
  return count / (elapsedMs / 1000)
}

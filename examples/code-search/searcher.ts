/**
 * The actor that answers queries on a thread of its own: it reads the same memory as everybody else, and asks
 * nobody.
 */
import { defineActor } from 'shardloom'
import { measureQueries } from './query-rate.ts'
import { type Hit, search } from './rank.ts'
import { SearchIndex } from './search-index.ts'

/** A query, and how many hits are wanted. */
export interface SearchRequest {
  readonly query: string
  readonly limit: number
}

export const searcher = defineActor({
  name: 'searcher',
  init: (ctx) => SearchIndex.open(ctx.keyspace),
  receive: {
    find: (index, { query, limit }: SearchRequest): Hit[] => search(index, query, limit),
    /** Queries per second. */
    measure: (index, queries: readonly string[]) => measureQueries(index, queries),
  },
})

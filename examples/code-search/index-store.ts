/**
 * Where an index is kept, and under which keys.
 *
 *     part:{7}:<batch>   bytes   what a thread made of a batch, until all are merged       see parts.ts
 *     term:{7}:<term>    bytes   the posting list of a term of part 7                      see postings.ts
 *     file:<number>      text    how many words a file has, and its path
 *     index              hash    how many files, words, terms and bytes of lists there are
 *
 * Of a key with braces, only what stands in them decides which shard owns it. So all terms of a part are on
 * one shard, and some hundred of them are set by one command.
 *
 * The keyspace is such a store for all threads: whoever wants a posting list reads it from shared memory with
 * `getSync`, without a message to anybody. `HeapStore` is the same for one thread alone, to compare with.
 *
 * Tests: test/examples/search.test.ts
 */
import { partOf } from './parts.ts'

/** What indexing and searching need of a store; the keyspace has it. */
export interface IndexStore {
  getSync(key: string, form: 'buffer'): Uint8Array | undefined
  /** What these return is awaited. */
  set(key: string, value: string | Uint8Array): unknown
  command(name: 'MSET', ...keysAndValues: (string | Uint8Array)[]): unknown
}

export const INDEX_KEY = 'index'
export const TERM_PREFIX = 'term:'

const encoder = new TextEncoder()

export function termKey(term: string, part: number = partOf(encoder.encode(term))): string {
  return `${TERM_PREFIX}{${part}}:${term}`
}

export function fileKey(file: number): string {
  return `file:${file}`
}

export function partKey(batch: number, part: number): string {
  return `part:{${part}}:${batch}`
}

/** An index in the heap of one thread. */
export class HeapStore implements IndexStore {
  readonly #values = new Map<string, Uint8Array>()

  getSync(key: string): Uint8Array | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: string | Uint8Array): void {
    // A copy of its own: a view would keep all that it is a view of.
    this.#values.set(key, typeof value === 'string' ? Buffer.from(value) : value.slice())
  }

  command(_name: 'MSET', ...keysAndValues: (string | Uint8Array)[]): void {
    for (let i = 0; i < keysAndValues.length; i += 2)
      this.set(String(keysAndValues[i]), keysAndValues[i + 1]!)
  }

  delete(key: string): void {
    this.#values.delete(key)
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }
}

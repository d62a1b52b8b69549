/**
 * The index as a query sees it: posting lists and files, read from a store when they are asked for.
 *
 * It holds nothing but two sums, so that any thread can have one. The digest is over every file and every
 * posting list in order: two runs over the same files have the same digest whoever built which part, and
 * wherever it is kept.
 *
 * Cost: one read per term, and one per file that is ranked.
 *
 * Tests: test/examples/search.test.ts
 */
import { createHash } from 'node:crypto'
import type { Keyspace } from 'shardloom'
import { fileKey, INDEX_KEY, type IndexStore, TERM_PREFIX, termKey } from './index-store.ts'
import { type PackedLines, visitEntries } from './postings.ts'

const SCAN_COUNT = 1000
const decoder = new TextDecoder()

/** What an index comes to; a hash in the keyspace. */
export interface IndexTotals {
  readonly files: number
  readonly words: number
  readonly terms: number
  readonly postings: number
  /** Of all posting lists. */
  readonly listBytes: number
}

/** What is known of a file. */
export interface IndexedFile {
  readonly path: string
  readonly words: number
}

/** Answers which files have a term. */
export class SearchIndex {
  readonly totals: IndexTotals
  readonly #store: IndexStore
  readonly #averageWords: number

  constructor(store: IndexStore, totals: IndexTotals) {
    this.#store = store
    this.totals = totals
    this.#averageWords = Math.max(1, totals.words / totals.files)
  }

  /** The index in the keyspace, from any thread. */
  static async open(keyspace: Keyspace): Promise<SearchIndex> {
    const hash = await keyspace.hash(INDEX_KEY).getAll()
    const count = (field: keyof IndexTotals): number => Number(hash[field] ?? 0)
    return new SearchIndex(keyspace, {
      files: count('files'),
      words: count('words'),
      terms: count('terms'),
      postings: count('postings'),
      listBytes: count('listBytes'),
    })
  }

  /** Visits the files that have the term, in order. */
  visitFiles(term: string, visit: (file: number, lines: PackedLines) => void): void {
    const list = this.#store.getSync(termKey(term), 'buffer')
    if (list !== undefined) visitEntries(list, visit)
  }

  file(file: number): IndexedFile {
    const text = decoder.decode(this.#store.getSync(fileKey(file), 'buffer'))
    const space = text.indexOf(' ')
    return { words: Number(text.slice(0, space)), path: text.slice(space + 1) }
  }

  /** How long a file is, against the average. */
  relativeLength({ words }: IndexedFile): number {
    return words / this.#averageWords
  }

  /** Names the contents, given all the keys that the store has. */
  async digest(keys: Iterable<string> | AsyncIterable<string>): Promise<string> {
    const terms = new Set<string>()
    for await (const key of keys) if (key.startsWith(TERM_PREFIX)) terms.add(key)
    const hash = createHash('sha1')
    for (let file = 0; file < this.totals.files; file++) this.#hash(hash, fileKey(file))
    for (const key of [...terms].sort()) this.#hash(hash, key)
    return hash.digest('hex')
  }

  #hash(hash: ReturnType<typeof createHash>, key: string): void {
    hash.update(`\n${key}\n`).update(this.#store.getSync(key, 'buffer') ?? '')
  }
}

/** The keys of all terms in a keyspace. */
export function termKeys(keyspace: Keyspace): AsyncIterable<string> {
  return keyspace.scan({ match: `${TERM_PREFIX}*`, count: SCAN_COUNT })
}

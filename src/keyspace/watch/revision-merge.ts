/**
 * Puts what several shards tell, each in the order of its revisions, into one order.
 *
 * Each source has a queue and a watermark: nothing at or below it will come any more. What is first in line
 * may go when each other source has something later, or a watermark that is as high. A source that is idle
 * would hold up the rest for ever, so `lagging` says who has to be asked how far it is.
 *
 *     source 0   12 15 19          watermark 19
 *     source 1   15 16             watermark 16
 *     source 2   –                 watermark 13      12 may go; 15 waits for source 2
 *
 * Invariants: (1) entries come out in the order of revisions, and all of one revision together; (2) none that
 * was put in is left out.
 * Cost: a look at each source per entry.
 * Tests: test/keyspace/watch/revision-merge.prop.test.ts
 */
import { assert } from '../../base/index.ts'

/** What has a place in the order. */
export interface Revised {
  readonly revision: number
}

interface Source<T> {
  entries: T[]
  /** Entries that have gone. */
  taken: number
  watermark: number
}

/** What goes out at a time: the entries of one revision, by their sources. */
export interface Merged<T> {
  readonly revision: number
  readonly entries: readonly T[]
}

/** Merges sources. */
export class RevisionMerge<T extends Revised> {
  readonly #sources: Source<T>[]

  constructor(count: number) {
    this.#sources = Array.from({ length: count }, () => ({ entries: [], taken: 0, watermark: -1 }))
  }

  /** Takes what a source tells, in the order of revisions, and how far it is. */
  push(source: number, entries: readonly T[], watermark: number): void {
    const one = this.#sources[source] as Source<T>
    for (const entry of entries) {
      const last = one.entries.at(-1)
      assert(last === undefined || entry.revision > last.revision, 'a source tells in the order of revisions')
      one.entries.push(entry)
    }
    one.watermark = Math.max(one.watermark, watermark)
  }

  /** Entries of a source that wait. */
  countOf(source: number): number {
    const { entries, taken } = this.#sources[source] as Source<T>
    return entries.length - taken
  }

  /** Entries that wait. */
  get count(): number {
    return this.#sources.reduce((count, { entries, taken }) => count + entries.length - taken, 0)
  }

  watermarkOf(source: number): number {
    return (this.#sources[source] as Source<T>).watermark
  }

  /** The lowest watermark: all up to it was put in. */
  get watermark(): number {
    return Math.min(...this.#sources.map((source) => source.watermark))
  }

  /** The next entries that may go; undefined: none, yet. */
  take(): Merged<T> | undefined {
    const revision = this.#firstRevision()
    if (revision === undefined || this.#sources.some((source) => isBehind(source, revision))) return undefined
    const entries: T[] = []
    for (const source of this.#sources) {
      const entry = source.entries[source.taken]
      if (entry?.revision !== revision) continue
      entries.push(entry)
      source.taken++
      if (source.taken === source.entries.length) {
        source.entries = []
        source.taken = 0
      } else if (source.taken >= 1024 && source.taken * 2 > source.entries.length) {
        source.entries = source.entries.slice(source.taken)
        source.taken = 0
      }
    }
    return { revision, entries }
  }

  /** Which sources hold up what is first in line, and up to where they have to get. */
  lagging(): { readonly revision: number; readonly sources: readonly number[] } | undefined {
    const revision = this.#firstRevision()
    if (revision === undefined) return undefined
    const sources = [...this.#sources.keys()].filter((at) =>
      isBehind(this.#sources[at] as Source<T>, revision),
    )
    return sources.length === 0 ? undefined : { revision, sources }
  }

  #firstRevision(): number | undefined {
    let first: number | undefined
    for (const { entries, taken } of this.#sources) {
      const revision = entries[taken]?.revision
      if (revision !== undefined && (first === undefined || revision < first)) first = revision
    }
    return first
  }
}

function isBehind<T>({ entries, taken, watermark }: Source<T>, revision: number): boolean {
  return taken === entries.length && watermark < revision
}

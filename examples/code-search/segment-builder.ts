/**
 * Collects the postings of one batch and sorts them by term.
 *
 * They are written to a log in the order in which they come, and put in their places at the end by counting,
 * so that nothing is allocated per posting. Threads that make garbage wait for each other's memory, and gain
 * less from being many. The log is one per thread and is used again for each batch: a batch is built in one
 * go, without anything else in between.
 *
 * Tests: test/examples/segment.test.ts
 */
import { KIND_MASK, LINE_SHIFT, type Segment } from './segment.ts'

const LOG_LENGTH = 2 ** 17
const TERMS_LENGTH = 2 ** 14

let logTerms = new Uint32Array(LOG_LENGTH)
let logPlaces = new Uint32Array(LOG_LENGTH)
/** For each term: how many postings it has, and where its last one stands in the log. */
let counts = new Uint32Array(TERMS_LENGTH)
let lasts = new Uint32Array(TERMS_LENGTH)

/** Builds one segment. Only one at a time per thread. */
export class SegmentBuilder {
  readonly #termIds = new Map<string, number>()
  #length = 0

  /** The number of a term in this batch. */
  termOf(term: string): number {
    let id = this.#termIds.get(term)
    if (id === undefined) {
      id = this.#termIds.size
      this.#termIds.set(term, id)
      if (id === counts.length) {
        counts = doubled(counts)
        lasts = doubled(lasts)
      }
      counts[id] = 0
    }
    return id
  }

  /** One posting per term and line; of several definitions on a line the first counts. */
  add(term: number, place: number, kind: number): void {
    const count = counts[term]!
    if (count > 0) {
      const last = lasts[term]!
      const previous = logPlaces[last]!
      if (previous >>> LINE_SHIFT === place >>> LINE_SHIFT) {
        if (kind !== 0 && (previous & KIND_MASK) === 0) logPlaces[last] = previous | kind
        return
      }
    }
    const at = this.#length++
    if (at === logTerms.length) {
      logTerms = doubled(logTerms)
      logPlaces = doubled(logPlaces)
    }
    logTerms[at] = term
    logPlaces[at] = place | kind
    lasts[term] = at
    counts[term] = count + 1
  }

  /** The segment of everything added. */
  finish(files: Uint32Array): Segment {
    const sorted = [...this.#termIds.keys()].sort()
    const terms = new TextEncoder().encode(sorted.join(''))
    const termEnds = new Uint32Array(sorted.length)
    const ends = new Uint32Array(sorted.length)
    /** Where the next posting of each term goes. */
    const places = new Uint32Array(sorted.length)
    let termEnd = 0
    let end = 0
    for (let i = 0; i < sorted.length; i++) {
      const term = sorted[i]!
      const id = this.#termIds.get(term)!
      places[id] = end
      end += counts[id]!
      ends[i] = end
      termEnd += Buffer.byteLength(term)
      termEnds[i] = termEnd
    }
    const postings = new Uint32Array(this.#length)
    for (let i = 0; i < this.#length; i++) {
      const term = logTerms[i]!
      postings[places[term]!++] = logPlaces[i]!
    }
    return { files, terms, termEnds, ends, postings }
  }
}

function doubled(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const bigger = new Uint32Array(array.length * 2)
  bigger.set(array)
  return bigger
}

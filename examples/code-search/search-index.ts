/**
 * The whole index: segments in the order of the files, and how to look a word up in them.
 *
 * Segments arrive in any order, each exactly once; `digest` is over their bytes in file order, so that two
 * runs over the same files have the same digest whoever built which part, and how often.
 *
 * Cost: a look-up is one binary search per segment; nothing is merged before somebody asks.
 *
 * Tests: test/examples/search.test.ts
 */
import { createHash } from 'node:crypto'
import { readPosting, type Segment } from './segment.ts'

/** A line that has a word. */
export interface Occurrence {
  readonly file: number
  readonly line: number
  /** Index into `DEFINITION_KINDS`. */
  readonly kind: number
}

/** The segments of all batches. */
export class SearchIndex {
  readonly paths: readonly string[]
  readonly #segments: (Segment | undefined)[]
  /** The number of the first file of each batch. */
  readonly #firstFiles: number[] = []
  #averageWords = 0

  constructor(batches: readonly (readonly string[])[]) {
    let count = 0
    for (const batch of batches) {
      this.#firstFiles.push(count)
      count += batch.length
    }
    this.paths = batches.flat()
    this.#segments = batches.map(() => undefined)
  }

  /** Takes the segment of a batch. False when it was there already: then the second is dropped. */
  add(batch: number, segment: Segment): boolean {
    if (this.#segments[batch] !== undefined) return false
    this.#segments[batch] = segment
    this.#averageWords = 0
    return true
  }

  get missing(): number {
    return this.#segments.filter((segment) => segment === undefined).length
  }

  /** Names the contents: SHA-1 over every path and every byte of every segment, in file order. */
  digest(): string {
    const hash = createHash('sha1').update(JSON.stringify(this.paths))
    for (const segment of this.#segments) {
      if (segment === undefined) continue
      for (const part of [segment.files, segment.termEnds, segment.ends, segment.postings, segment.terms]) {
        hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
      }
    }
    return hash.digest('hex')
  }

  /** Distinct terms per segment, and postings, summed up. */
  get size(): { terms: number; postings: number } {
    let terms = 0
    let postings = 0
    for (const segment of this.#segments) {
      terms += segment?.ends.length ?? 0
      postings += segment?.postings.length ?? 0
    }
    return { terms, postings }
  }

  /** Every line that has the term, in file order. */
  occurrences(term: string): Occurrence[] {
    const found: Occurrence[] = []
    this.#segments.forEach((segment, batch) => {
      const at = segment === undefined ? -1 : findTerm(segment, term)
      if (segment === undefined || at < 0) return
      const first = this.#firstFiles[batch] ?? 0
      for (let i = at === 0 ? 0 : segment.ends[at - 1]!; i < segment.ends[at]!; i++) {
        const { file, line, kind } = readPosting(segment.postings[i]!)
        found.push({ file: first + file, line, kind })
      }
    })
    return found
  }

  /** How long a file is, against the average. */
  relativeLength(file: number): number {
    if (this.#averageWords === 0) this.#averageWords = Math.max(1, this.#countWords() / this.paths.length)
    let batch = this.#firstFiles.length - 1
    while (batch > 0 && this.#firstFiles[batch]! > file) batch--
    const words = this.#segments[batch]?.files[(file - this.#firstFiles[batch]!) * 2] ?? 0
    return words / this.#averageWords
  }

  #countWords(): number {
    let words = 0
    for (const segment of this.#segments) {
      for (let i = 0; i < (segment?.files.length ?? 0); i += 2) words += segment!.files[i]!
    }
    return words
  }
}

/** Where a term is among a segment's; -1 when it is not. Terms are in the order that `sort` gives strings. */
function findTerm(segment: Segment, term: string): number {
  let low = 0
  let high = segment.ends.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const here = termAt(segment, middle)
    if (here === term) return middle
    if (here < term) low = middle + 1
    else high = middle - 1
  }
  return -1
}

const decoder = new TextDecoder()

function termAt({ terms, termEnds }: Segment, at: number): string {
  return decoder.decode(terms.subarray(at === 0 ? 0 : termEnds[at - 1], termEnds[at]))
}

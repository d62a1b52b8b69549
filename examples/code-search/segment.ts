/**
 * A segment: the index of one batch of files. Workers build it, the main thread only keeps it.
 *
 *     files     for each file: [words, bytes]
 *     terms     the distinct terms as UTF-8, in the order of `sort`, one after the other
 *     termEnds  where each term ends in `terms`
 *     ends      where each term's postings end in `postings`
 *     postings  one number per term and line:  file (5 bits) | line (23 bits) | kind of definition (4 bits)
 *
 * Everything is typed arrays, so that a segment crosses threads as a few blocks of bytes and merging is keeping a
 * list of segments: a query looks its terms up in each by binary search. A batch depends on nothing but its own
 * files, which is why it may be built again after a thread is lost, and gives the same bytes.
 *
 * Invariants: at most `BATCH_FILES_MAX` files; the postings of a term ascend.
 *
 * Tests: test/examples/segment.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_SHIFT, KIND_MASK, LINE_MAX, LINE_SHIFT, SegmentBuilder } from './segment-builder.ts'
import { splitName, visitWords } from './tokenize.ts'

/** A file's number in its batch has five bits. */
export const BATCH_FILES_MAX = 32

const NOT_CODE = /\.(md|json)$/
const SNIFF_LENGTH = 1024

/** The index of one batch of files. */
export interface Segment {
  readonly files: Uint32Array
  readonly terms: Uint8Array
  readonly termEnds: Uint32Array
  readonly ends: Uint32Array
  readonly postings: Uint32Array
}

/** What a posting says. */
export interface Posting {
  readonly file: number
  readonly line: number
  readonly kind: number
}

export function readPosting(posting: number): Posting {
  return {
    file: posting >>> FILE_SHIFT,
    line: (posting >>> LINE_SHIFT) & LINE_MAX,
    kind: posting & KIND_MASK,
  }
}

/** Reads files and builds their segment. A file that cannot be read, or is not text, counts as empty. */
export function indexBatch(folder: string, paths: readonly string[]): Segment {
  return buildSegment(paths, (path) => readText(join(folder, path)))
}

/** Builds the segment of some files, whose text `read` gives. */
export function buildSegment(paths: readonly string[], read: (path: string) => string): Segment {
  const builder = new SegmentBuilder()
  /** What a word stands for, so that each way of writing is split once per batch. */
  const known = new Map<string, readonly number[]>()
  const files = new Uint32Array(paths.length * 2)
  let base = 0
  const visit = (word: string, line: number, kind: number): void => {
    let terms = known.get(word)
    if (terms === undefined) {
      terms = splitName(word).map((term) => builder.termOf(term))
      known.set(word, terms)
    }
    const place = base | (Math.min(line, LINE_MAX) << LINE_SHIFT)
    for (let i = 0; i < terms.length; i++) builder.add(terms[i]!, place, kind)
  }
  paths.forEach((path, i) => {
    const text = read(path)
    base = i << FILE_SHIFT
    files[i * 2] = visitWords(text, !NOT_CODE.test(path), visit)
    files[i * 2 + 1] = text.length
  })
  return builder.finish(files)
}

function readText(path: string): string {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    return ''
  }
  const isBinary = bytes.subarray(0, SNIFF_LENGTH).includes(0)
  return isBinary ? '' : bytes.toString('utf8')
}

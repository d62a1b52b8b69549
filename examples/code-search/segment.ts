/**
 * A segment: the index of one batch of files. Workers build it, the main thread only keeps it.
 *
 *     files     for each file: [words, bytes]
 *     terms     the distinct terms as UTF-8, in the order of `sort`, one after the other
 *     termEnds  where each term ends in `terms`
 *     ends      where each term's postings end in `postings`
 *     postings  one number per term and line:  file (5 bits) | line (23 bits) | kind of definition (4 bits)
 *
 * Everything is typed arrays, so that a segment crosses threads as a few blocks of bytes and merging is
 * keeping a list of segments: a query looks its terms up in each by binary search. A batch depends on nothing
 * but its own files, which is why it may be built again after a thread is lost, and gives the same bytes.
 *
 * Invariants: at most `BATCH_FILES_MAX` files; the postings of a term ascend.
 *
 * Tests: test/examples/segment.test.ts
 */

/** A file's number in its batch has five bits. */
export const BATCH_FILES_MAX = 32

/** A posting's bits: file (5), line (23), kind of definition (4). */
export const FILE_SHIFT = 27
export const LINE_SHIFT = 4
export const LINE_MAX = 2 ** (FILE_SHIFT - LINE_SHIFT) - 1
export const KIND_MASK = 2 ** LINE_SHIFT - 1

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

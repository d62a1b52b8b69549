/**
 * The way from segments, one per batch of files, to posting lists, one per term: each segment is cut into
 * parts by term, and then the parts with the same number, of all segments, are merged.
 *
 *     segment of batch 0  →  part 0 · part 1 · …          part 0 of every batch  →  the lists of its terms
 *     segment of batch 1  →  part 0 · part 1 · …          part 1 of every batch  →  the lists of its terms
 *
 * So both steps are spread over threads: no two of them ever write the same list.
 *
 *     part    term term term …
 *     term    bytes of the name | name | bytes of the list | list        see postings.ts
 *
 * Tests: test/examples/postings.test.ts
 */
import { ByteReader, ByteWriter, LinesWriter } from './postings.ts'
import { readPosting, type Segment } from './segment.ts'

/** More parts: less memory per merge, and more to do at a time; fewer: less to hand over. */
export const PARTS = 32

/** Bytes that a posting takes, about. */
const POSTING_BYTES = 5
/** Room to begin with, over what an even share of the postings would take. */
const ROOM = 2

const FNV_START = 2_166_136_261
const FNV_FACTOR = 16_777_619
const decoder = new TextDecoder()

/** Cuts a segment into its parts. `firstFile` is the number of its first file among all files. */
export function cutIntoParts(segment: Segment, firstFile: number): Uint8Array[] {
  const room = Math.ceil((segment.postings.length / PARTS) * POSTING_BYTES * ROOM)
  const parts = Array.from({ length: PARTS }, () => new ByteWriter(room))
  const list = new ByteWriter()
  const lines = new LinesWriter()
  for (let i = 0; i < segment.ends.length; i++) {
    const name = segment.terms.subarray(i === 0 ? 0 : segment.termEnds[i - 1], segment.termEnds[i])
    writeList(segment, i, firstFile, lines, list)
    const part = parts[partOf(name)]!
    part.varint(name.length)
    part.append(name)
    part.varint(list.length)
    part.append(list.view())
    list.clear()
  }
  return parts.map((part) => part.view())
}

/** The posting lists of all terms of a part, in pieces, one per batch that has the term, in their order. */
export function mergeParts(parts: readonly Uint8Array[]): Map<string, Uint8Array[]> {
  const lists = new Map<string, Uint8Array[]>()
  for (const part of parts) {
    const reader = new ByteReader(part)
    while (!reader.isAtEnd) {
      const term = decoder.decode(reader.take(reader.varint()))
      const list = reader.take(reader.varint())
      const before = lists.get(term)
      if (before === undefined) lists.set(term, [list])
      else before.push(list)
    }
  }
  return lists
}

/** The posting list of one term of a segment. */
function writeList(
  segment: Segment,
  term: number,
  firstFile: number,
  lines: LinesWriter,
  list: ByteWriter,
): void {
  const { ends, postings } = segment
  let current = -1
  for (let i = term === 0 ? 0 : ends[term - 1]!; i < ends[term]!; i++) {
    const { file, line, kind } = readPosting(postings[i]!)
    if (file !== current && current >= 0) lines.finish(firstFile + current, list)
    current = file
    lines.add(line, kind)
  }
  if (current >= 0) lines.finish(firstFile + current, list)
}

/** Which part a term is in, by its bytes in UTF-8: FNV-1a. */
export function partOf(name: Uint8Array): number {
  let hash = FNV_START
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name[i]!, FNV_FACTOR)
  return (hash >>> 0) % PARTS
}

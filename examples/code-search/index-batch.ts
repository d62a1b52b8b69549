/**
 * Indexes one batch: reads its files, splits them into words and builds their segment.
 *
 * This is the work that is spread over threads, and the same function is what the single-threaded run calls.
 *
 * Tests: test/examples/segment.test.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_SHIFT, LINE_MAX, LINE_SHIFT, type Segment } from './segment.ts'
import { SegmentBuilder } from './segment-builder.ts'
import { splitName, visitWords } from './tokenize.ts'

const NOT_CODE = /\.(md|json)$/
const SNIFF_LENGTH = 1024

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

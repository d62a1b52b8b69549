/** Posting lists: packed and read again, cut by term and merged, for any texts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSegment } from '../../examples/code-search/index-batch.ts'
import { cutIntoParts, mergeParts, PARTS, partOf } from '../../examples/code-search/parts.ts'
import {
  ByteReader,
  ByteWriter,
  LinesWriter,
  type Occurrence,
  readLines,
  visitEntries,
} from '../../examples/code-search/postings.ts'
import { LINE_MAX, readPosting } from '../../examples/code-search/segment.ts'

const BATCH = 4

function readList(list: Uint8Array): [number, Occurrence[]][] {
  const entries: [number, Occurrence[]][] = []
  visitEntries(list, (file, lines) => entries.push([file, readLines(lines)]))
  return entries
}

test('numbers of every length come back, one after the other', () => {
  const number = fc.oneof(fc.nat(), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31 - 1))
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const writer = new ByteWriter(1)
      for (const one of numbers) writer.varint(one)
      const reader = new ByteReader(writer.view())
      expect(numbers.map(() => reader.varint())).toEqual(numbers)
      expect(reader.isAtEnd).toBe(true)
    }),
  )
})

test('lines come back with their kinds, up to the last line that there can be', () => {
  const lines = fc.uniqueArray(fc.integer({ min: 1, max: LINE_MAX }), { minLength: 1 })
  fc.assert(
    fc.property(lines, fc.nat(2 ** 20), (some, file) => {
      const expected = some.sort((a, b) => a - b).map((line) => ({ line, kind: line % 16 }))
      const writer = new LinesWriter()
      const list = new ByteWriter()
      for (const { line, kind } of expected) writer.add(line, kind)
      writer.finish(file, list)
      writer.add(5, 1)
      writer.finish(file + 1, list)
      expect(readList(list.view())).toEqual([
        [file, expected],
        [file + 1, [{ line: 5, kind: 1 }]],
      ])
    }),
  )
})

const word = fc.constantFrom('class', 'Pool', 'poolSize', 'size', '(', '{', '\n', 'é', '=', '__proto__')
const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(' '))

test('cut by term and merged, every term has the lines that the segments have, in order', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 13 }), (texts) => {
      const expected = new Map<string, [number, Occurrence[]][]>()
      const cut: Uint8Array[][] = []
      for (let first = 0; first < texts.length; first += BATCH) {
        const paths = texts.slice(first, first + BATCH).map((_, i) => String(first + i))
        const segment = buildSegment(paths, (path) => texts[Number(path)]!)
        cut.push(cutIntoParts(segment, first))
        segment.ends.forEach((end, i) => {
          const name = segment.terms.subarray(i === 0 ? 0 : segment.termEnds[i - 1], segment.termEnds[i])
          const term = new TextDecoder().decode(name)
          const entries = expected.get(term) ?? []
          expected.set(term, entries)
          for (const posting of segment.postings.subarray(i === 0 ? 0 : segment.ends[i - 1], end)) {
            const { file, line, kind } = readPosting(posting)
            if (entries.at(-1)?.[0] !== first + file) entries.push([first + file, []])
            entries.at(-1)![1].push({ line, kind })
          }
        })
      }
      const merged = new Map<string, [number, Occurrence[]][]>()
      for (let part = 0; part < PARTS; part++) {
        for (const [term, pieces] of mergeParts(cut.map((parts) => parts[part]!))) {
          expect(partOf(new TextEncoder().encode(term))).toBe(part)
          merged.set(term, readList(Buffer.concat(pieces)))
        }
      }
      expect(merged).toEqual(expected)
    }),
  )
})

/** A segment against the simplest way to make one, for any small texts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildSegment } from '../../examples/code-search/index-batch.ts'
import { readPosting, type Segment } from '../../examples/code-search/segment.ts'
import { splitName, visitWords } from '../../examples/code-search/tokenize.ts'

/** term → `file:line:kind`, the way a reader would do it. */
function modelOf(texts: readonly string[]): Record<string, string[]> {
  const model = new Map<string, Map<string, number>>()
  texts.forEach((text, file) => {
    visitWords(text, true, (word, line, kind) => {
      for (const term of splitName(word)) {
        const places = model.get(term) ?? new Map<string, number>()
        model.set(term, places)
        const place = `${file}:${line}`
        places.set(place, places.get(place) || kind)
      }
    })
  })
  const entries = [...model].map(([term, places]) => [term, [...places].map(([at, kind]) => `${at}:${kind}`)])
  return Object.fromEntries(entries)
}

function unpack({ terms, termEnds, ends, postings }: Segment): Record<string, string[]> {
  const entries = Array.from(ends, (end, i) => {
    const term = new TextDecoder().decode(terms.subarray(i === 0 ? 0 : termEnds[i - 1], termEnds[i]))
    const own = postings.subarray(i === 0 ? 0 : ends[i - 1], end)
    return [term, Array.from(own, readPosting).map(({ file, line, kind }) => `${file}:${line}:${kind}`)]
  })
  return Object.fromEntries(entries)
}

function segmentOf(texts: readonly string[]): Segment {
  const paths = texts.map((_, i) => `${i}.ts`)
  return buildSegment(paths, (path) => texts[Number.parseInt(path, 10)] ?? '')
}

const word = fc.constantFrom('class', 'Pool', 'poolSize', 'size', 'run', '(', '{', '\n', ' ', 'é', '=')
const text = fc.array(word, { maxLength: 40 }).map((words) => words.join(' '))

test('any texts: every term has its lines and definitions, in order', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 32 }), (texts) => {
      expect(unpack(segmentOf(texts))).toEqual(modelOf(texts))
    }),
  )
})

test('the same batch gives the same bytes, whatever came before it', () => {
  const texts = ['class Pool {\n  run() {\n', 'const size = poolSize']
  const first = segmentOf(texts)
  segmentOf(['something else entirely'])
  expect(segmentOf(texts)).toEqual(first)
})

test('more terms and postings than the log has room for at first', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `w${i} v`).join('\n')
  const texts = [many, many, many, many]
  const found = unpack(segmentOf(texts))
  expect(Object.keys(found)).toHaveLength(20_001)
  expect(found['v']).toHaveLength(80_000)
  expect(found['w19999']).toEqual(['0:20000:0', '1:20000:0', '2:20000:0', '3:20000:0'])
})

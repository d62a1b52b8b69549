/**
 * Answers a query: the files that have all its words, the best first, each by its best line.
 *
 * A word counts as BM25 says: the rarer it is in the tree, and the more lines of a file have it, the more it
 * says, with less for each further line and less in long files. On top of that: a word is defined here, a
 * word is in the file's path, or the words stand on the same line.
 *
 * Runs on the thread that asks, whichever it is. Lines are unpacked only of files that have all words.
 *
 * Tests: test/examples/search.test.ts
 */

import { type PackedLines, readLines } from './postings.ts'
import type { SearchIndex } from './search-index.ts'
import { DEFINITION_KINDS } from './tokenize.ts'

/** How fast further lines of a file stop to count (k1), and how much its length does (b). */
const SATURATION = 1.2
const LENGTH_WEIGHT = 0.75
const BOOST_DEFINED = 3
const BOOST_IN_PATH = 1.5
const BOOST_SAME_LINE = 4
const WORDS_MAX = 16

/** A line that answers a query. */
export interface Hit {
  readonly path: string
  readonly line: number
  readonly score: number
  /** What is defined on the line, or `use`. */
  readonly kind: string
}

/** For each file that has a word: its lines, once for each form of the word. */
type FilesOfWord = Map<number, PackedLines[]>

/** The words of a query, as the index has them. */
export function queryWords(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}_$][\p{L}\p{N}_$]*/gu) ?? []
  return [...new Set(words)].slice(0, WORDS_MAX)
}

/** The best hits for a query, at most `limit`. */
export function search(index: SearchIndex, query: string, limit: number): Hit[] {
  const words = queryWords(query)
  if (words.length === 0) return []
  const found = words.map((word) => filesOf(index, word))
  const fileCounts = found.map((files) => files.size)
  const rarest = found.reduce((a, b) => (b.size < a.size ? b : a))
  const hits: Hit[] = []
  for (const file of rarest.keys()) {
    const here = found.map((files) => files.get(file))
    if (here.includes(undefined)) continue
    hits.push(scoreFile(index, file, words, here as PackedLines[][], fileCounts))
  }
  return hits.sort((a, b) => b.score - a.score || (a.path < b.path ? -1 : 1)).slice(0, limit)
}

/** `thread` finds `threads`, and the other way round. */
function formsOf(word: string): string[] {
  if (word.length > 3 && word.endsWith('s')) return [word, word.slice(0, -1)]
  return word.length > 2 ? [word, `${word}s`] : [word]
}

function filesOf(index: SearchIndex, word: string): FilesOfWord {
  const files: FilesOfWord = new Map()
  for (const form of formsOf(word)) {
    index.visitFiles(form, (file, lines) => {
      const before = files.get(file)
      if (before === undefined) files.set(file, [lines])
      else before.push(lines)
    })
  }
  return files
}

function scoreFile(
  index: SearchIndex,
  file: number,
  words: readonly string[],
  here: readonly (readonly PackedLines[])[],
  fileCounts: readonly number[],
): Hit {
  const { files } = index.totals
  const indexed = index.file(file)
  const { path } = indexed
  const lowerPath = path.toLowerCase()
  const norm = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * index.relativeLength(indexed))
  const lines = new Map<number, { score: number; words: number; kind: number }>()
  let score = 0
  words.forEach((word, i) => {
    const occurrences = here[i]!.flatMap(readLines)
    const frequency = occurrences.length
    const rarity = Math.log(1 + (files - fileCounts[i]! + 0.5) / (fileCounts[i]! + 0.5))
    score += (rarity * frequency * (SATURATION + 1)) / (frequency + norm)
    if (lowerPath.includes(word)) score += BOOST_IN_PATH
    const seen = new Set<number>()
    for (const { line, kind } of occurrences) {
      const entry = lines.get(line) ?? { score: 0, words: 0, kind: 0 }
      if (!seen.has(line)) {
        entry.words++
        entry.score += rarity
      }
      seen.add(line)
      if (kind > 0 && entry.kind === 0) {
        entry.kind = kind
        entry.score += BOOST_DEFINED
      }
      lines.set(line, entry)
    }
  })
  let best = { line: 1, score: -1, kind: 0 }
  for (const [line, entry] of lines) {
    const lineScore = entry.score + BOOST_SAME_LINE * (entry.words - 1)
    if (lineScore > best.score) best = { line, score: lineScore, kind: entry.kind }
  }
  const total = Number((score + best.score).toFixed(3))
  return { path, line: best.line, score: total, kind: DEFINITION_KINDS[best.kind] ?? 'use' }
}

/**
 * A line as somebody types it, cut into words: quotes and escapes as redis-cli has them.
 *
 * Between double quotes `\n`, `\t`, `\xff` and their kin are escapes; between single quotes only `\'` is. A
 * quote that is closed ends its word. A quote that is still open is no mistake of its own: a prompt goes on
 * reading, and a hint wants the words so far. So the cut says what it found, and the caller what it allows.
 *
 * Tests: test/cli/prompt/split-line.test.ts
 */

/** What a line consists of. */
export interface SplitLine {
  readonly words: readonly string[]
  /** The quote that is open at the end. */
  readonly openQuote: '"' | "'" | undefined
  /** A quote was closed in the middle of a word. */
  readonly isInvalid: boolean
  /** The last word goes up to the end of the line: what is typed next belongs to it. */
  readonly endsInWord: boolean
  /** Where the last word begins; the length of the line when it ends in none. */
  readonly lastWordStart: number
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }
const SPACE = /[\s\0]/
const HEX = /^[0-9a-f]{2}$/i

/** Cuts a line. Its characters may be bytes as Latin-1, or text. */
export function splitLine(line: string): SplitLine {
  const words: string[] = []
  let at = 0
  let lastWordStart = line.length
  for (;;) {
    while (at < line.length && SPACE.test(line[at] as string)) at++
    if (at >= line.length) {
      return { words, openQuote: undefined, isInvalid: false, endsInWord: false, lastWordStart: at }
    }
    lastWordStart = at
    const { text, end, openQuote, isInvalid } = wordAt(line, at)
    words.push(text)
    at = end
    if (isInvalid || openQuote !== undefined || at >= line.length) {
      return { words, openQuote, isInvalid, endsInWord: true, lastWordStart }
    }
  }
}

/** Words without the number of runs before them, as in `3 INCR n`; undefined: there is none. */
export function countedWords(words: readonly string[]): {
  readonly runs: number | undefined
  readonly argv: readonly string[]
} {
  const [first = ''] = words
  return words.length > 1 && /^\d+$/.test(first)
    ? { runs: Number(first), argv: words.slice(1) }
    : { runs: undefined, argv: words }
}

interface Word {
  readonly text: string
  readonly end: number
  readonly openQuote: '"' | "'" | undefined
  readonly isInvalid: boolean
}

function wordAt(line: string, start: number): Word {
  let text = ''
  let quote: '"' | "'" | undefined
  let at = start
  while (at < line.length) {
    const char = line[at] as string
    if (quote === undefined) {
      if (SPACE.test(char)) break
      at++
      if (char === '"' || char === "'") quote = char
      else text += char
    } else if (char === quote) {
      at++
      const isInvalid = at < line.length && !SPACE.test(line[at] as string)
      return { text, end: at, openQuote: undefined, isInvalid }
    } else {
      const [part, length] = quotedPart(line, at, quote)
      text += part
      at += length
    }
  }
  return { text, end: at, openQuote: quote, isInvalid: false }
}

/** One character between quotes, or an escape, and how long it is on the line. */
function quotedPart(line: string, at: number, quote: '"' | "'"): readonly [string, number] {
  const char = line[at] as string
  const next = line[at + 1]
  if (char !== '\\' || next === undefined) return [char, 1]
  if (quote === "'") return next === "'" ? [next, 2] : [char, 1]
  const hex = line.slice(at + 2, at + 4)
  if (next === 'x' && HEX.test(hex)) return [String.fromCharCode(Number.parseInt(hex, 16)), 4]
  return [ESCAPES[next] ?? next, 2]
}

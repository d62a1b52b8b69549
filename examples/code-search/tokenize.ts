/**
 * Splits source text into words, in one pass over its characters, and sees definitions on the way.
 *
 * Not a parser: it does not know strings from comments, because both are worth finding. A definition is a
 * name after a keyword (`function`, `class`, `const`, ...), or the first name of a line that has `(` after it
 * and ends with `{` (a method). That is right often enough to rank by, and as fast as reading.
 *
 * Cost: one slice per word; `splitName` is left to the caller, who can remember its answers.
 *
 * Tests: test/examples/tokenize.test.ts
 */

/** What a name is defined as; 0 when it is only used. */
export const DEFINITION_KINDS = [
  'use',
  'function',
  'class',
  'const',
  'let',
  'var',
  'interface',
  'type',
  'enum',
  'method',
] as const

const METHOD = DEFINITION_KINDS.indexOf('method')
const KEYWORD_KINDS = new Map<string, number>(
  DEFINITION_KINDS.slice(1, METHOD).map((word, i) => [word, i + 1]),
)
/** Words that stand before a parenthesis and open a block without being a method's name. */
const NOT_METHODS = new Set([
  'if',
  'for',
  'while',
  'switch',
  'catch',
  'with',
  'function',
  'return',
  'do',
  'else',
])
const MODIFIERS = new Set(
  'async static get set public private protected readonly override abstract export default'.split(' '),
)
/** Longer ones are data: keys, hashes, encoded bytes. */
const WORD_LENGTH_MAX = 64

const LINE_FEED = 10
const SPACE = 32
const STAR = 42
const PARENTHESIS = 40
const BRACE = 123
/** A word starts with a letter, `_`, `$` or anything outside ASCII, and goes on with digits too. */
const STARTS = 1
const CONTINUES = 2
const CHARACTERS = new Uint8Array(128)
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code)
  if (/[A-Za-z_$]/.test(character)) CHARACTERS[code] = STARTS
  else if (/[0-9]/.test(character)) CHARACTERS[code] = CONTINUES
}

/** Is told every word as it is written, the line (from 1) and the index of its definition's kind. */
export type WordVisitor = (word: string, line: number, kind: number) => void

/** Visits the words of a text; returns how many there are. Definitions are looked for only in code. */
export function visitWords(text: string, isCode: boolean, visit: WordVisitor): number {
  const end = text.length
  let line = 1
  let count = 0
  let position = 0
  /** The kind that the word before announces, while nothing but space has come since. */
  let announced = 0
  let isLineStart = true
  while (position < end) {
    const code = text.charCodeAt(position)
    if (code < 128 && CHARACTERS[code] !== STARTS) {
      if (code === LINE_FEED) {
        line++
        isLineStart = true
      } else if (CHARACTERS[code] === CONTINUES) {
        position = endOfWord(text, position, end)
        announced = 0
        isLineStart = false
        continue
      } else if (code > SPACE && code !== STAR) {
        announced = 0
        isLineStart = false
      }
      position++
      continue
    }
    const start = position
    position = endOfWord(text, position, end)
    if (position - start > WORD_LENGTH_MAX) {
      announced = 0
      isLineStart = false
      continue
    }
    const word = text.slice(start, position)
    let kind = announced
    announced = 0
    if (isCode) {
      if (kind === 0 && isLineStart && isMethod(text, word, position)) kind = METHOD
      announced = KEYWORD_KINDS.get(word) ?? 0
      isLineStart = isLineStart && MODIFIERS.has(word)
    }
    count++
    visit(word, line, kind)
  }
  return count
}

/**
 * The terms that a written word is found by: itself in lower case, and its parts.
 * `readFileSync` gives `readfilesync`, `read`, `file`, `sync`; parts of one character are left out.
 */
export function splitName(word: string): string[] {
  const whole = word.toLowerCase()
  const terms = [whole]
  if (!/[_$]|[a-z0-9][A-Z]|[A-Z][A-Z][a-z]/.test(word)) return terms
  for (const part of word.split(/[_$]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)) {
    const term = part.toLowerCase()
    if (term.length > 1 && !terms.includes(term)) terms.push(term)
  }
  return terms
}

function endOfWord(text: string, from: number, end: number): number {
  let position = from
  while (position < end) {
    const code = text.charCodeAt(position)
    if (code < 128 && CHARACTERS[code] === 0) break
    position++
  }
  return position
}

/** `name(` at the start of a line that ends with `{`. */
function isMethod(text: string, word: string, after: number): boolean {
  if (text.charCodeAt(after) !== PARENTHESIS || NOT_METHODS.has(word)) return false
  let last = text.indexOf('\n', after)
  if (last < 0) last = text.length
  do last--
  while (last > after && text.charCodeAt(last) <= SPACE)
  return text.charCodeAt(last) === BRACE
}

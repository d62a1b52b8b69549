/**
 * Wraps comments that are wider than the limit; Biome formats code and leaves words alone. Part of `npm run
 * format`.
 *
 * Only a paragraph with a line that is too wide is filled again: prose below the same marker and with the
 * same indent. Drawings, tables and code stay as they are, since breaking them is worse than their width; the
 * tidy test still names them.
 *
 * Usage: node test/support/tidy/wrap-comments.mjs [files or folders]
 * Tests: test/tidy.test.ts
 */
import { readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const COLUMNS_MAX = 110
const PLACES = ['src', 'workers', 'examples', 'bench', 'test', 'setup.mjs', 'vitest.config.ts']
const COMMENT_LINE = /^(\s*(?:\*|\/\/)) (\s*)((?:[-*]|\d+[.)]|\([a-z\d]+\)) +)?(.*)$/
/** Marks of drawings and tables: lines, arrows, columns, code. */
const DRAWING = /[─│┌┐└┘├┤┬┴┼═║╔╗╚╝▼▲►◄|]|\S {3,}\S|--+>|\+--|^```|^@|^biome-/
/** `Writer:`, `Tests:` and the like begin a paragraph of their own. */
const LABEL = /^[A-Z]\w*(?: \w+)?: /
const DRAWING_INDENT_MIN = 4

/** The text with its wide comments wrapped. */
export function wrapComments(text) {
  const lines = text.split('\n').flatMap(splitOneLineComment)
  const wrapped = []
  for (let i = 0; i < lines.length; ) {
    const paragraph = paragraphAt(lines, i)
    const isWide = paragraph.lines.some((line) => [...line].length > COLUMNS_MAX)
    wrapped.push(...(isWide ? fill(paragraph) : paragraph.lines))
    i += paragraph.lines.length
  }
  return wrapped.join('\n')
}

/** A doc comment on one line that is too wide becomes one of several lines. */
function splitOneLineComment(line) {
  const match = /^(\s*)\/\*\* (.*) \*\/$/.exec(line)
  if (!match || [...line].length <= COLUMNS_MAX) return [line]
  return [`${match[1]}/**`, `${match[1]} * ${match[2]}`, `${match[1]} */`]
}

/** The lines from `start` that are one paragraph of a comment, or the one line that is something else. */
function paragraphAt(lines, start) {
  const first = COMMENT_LINE.exec(lines[start])
  if (!first || first[4] === '' || isDrawing(first) || first[2].length >= DRAWING_INDENT_MIN) {
    return { lines: [lines[start]] }
  }
  const [, marker, indent, bullet = ''] = first
  const hang = indent + ' '.repeat(bullet.length)
  const words = first[4].split(' ')
  let end = start + 1
  for (; end < lines.length; end++) {
    const next = COMMENT_LINE.exec(lines[end])
    if (!next || next[4] === '' || next[1] !== marker || next[2] !== hang || next[3]) break
    if (isDrawing(next) || LABEL.test(next[4])) break
    words.push(...next[4].split(' '))
  }
  return {
    lines: lines.slice(start, end),
    first: `${marker} ${indent}${bullet}`,
    rest: `${marker} ${hang}`,
    words,
  }
}

function isDrawing(line) {
  return DRAWING.test(line[4])
}

function fill({ lines, first, rest, words }) {
  if (!words) return lines
  const filled = []
  let line = first
  for (const word of words.filter((found) => found !== '')) {
    const isEmpty = line === first || line === rest
    if (!isEmpty && [...line].length + 1 + [...word].length > COLUMNS_MAX) {
      filled.push(line)
      line = rest + word
    } else line += isEmpty ? word : ` ${word}`
  }
  return [...filled, line]
}

function listFiles(place) {
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory()
  if (!isFolder) return /\.(?:ts|mjs|js)$/.test(place) ? [place] : []
  if (/(?:^|[\\/])(?:fixtures|node_modules|dist)$/.test(place)) return []
  return readdirSync(place).flatMap((name) => listFiles(join(place, name)))
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  const chosen = process.argv.slice(2)
  for (const file of (chosen.length > 0 ? chosen : PLACES).flatMap(listFiles)) {
    const text = readFileSync(file, 'utf8')
    const wrapped = wrapComments(text)
    if (wrapped !== text) writeFileSync(file, wrapped)
  }
}

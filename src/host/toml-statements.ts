/**
 * Where things stand in a TOML file: for each `key = value` its whole name, its line, and the place of its
 * value in the text.
 *
 * A parser gives the values and forgets the places, which two things need: an error that names the line, and
 * `CONFIG REWRITE`, which replaces a value and leaves everything around it as it is. This reader knows just
 * enough to step over keys, strings and nested values; it is run on texts that the parser has accepted.
 *
 * Cost: one pass. Tests: test/host/toml-file.test.ts
 * Source: TOML 1.0.
 */

/** One `key = value`. */
export interface TomlStatement {
  /** Names of tables and of the key. */
  readonly path: readonly string[]
  /** Counted from 1. */
  readonly line: number
  /** The value: from its first character to behind its last. */
  readonly valueStart: number
  readonly valueEnd: number
}

/** The statements of a text, and where its first table begins: what is added before it belongs to none. */
export interface TomlOutline {
  readonly statements: readonly TomlStatement[]
  readonly tablesStart: number
}

/** Reads a text that is valid TOML. */
export function tomlOutline(text: string): TomlOutline {
  const statements: TomlStatement[] = []
  let table: readonly string[] = []
  let tablesStart = text.length
  let at = 0
  let line = 1
  let counted = 0
  while (at < text.length) {
    const char = text[at]!
    if (/\s/.test(char)) at++
    else if (char === '#') at = lineEnd(text, at)
    else if (char === '[') {
      tablesStart = Math.min(tablesStart, at)
      const { path, end } = keyPath(text, at + (text[at + 1] === '[' ? 2 : 1), ']')
      table = path
      at = lineEnd(text, end)
    } else {
      const { path, end } = keyPath(text, at, '=')
      const valueStart = skipBlanks(text, end + 1)
      const valueEnd = endOfValue(text, valueStart)
      for (; counted < at; counted++) if (text[counted] === '\n') line++
      statements.push({ path: [...table, ...path], line, valueStart, valueEnd })
      at = lineEnd(text, valueEnd)
    }
  }
  return { statements, tablesStart }
}

/** Names with dots between them, up to `closing`. */
function keyPath(text: string, start: number, closing: string): { path: string[]; end: number } {
  const path: string[] = []
  let at = start
  for (;;) {
    at = skipBlanks(text, at)
    const char = text[at]
    if (char === undefined || char === closing) return { path, end: at }
    if (char === '.') {
      at++
      continue
    }
    const end = char === '"' || char === "'" ? endOfString(text, at) : endOfBareWord(text, at)
    const word = text.slice(at, end)
    path.push(char === '"' || char === "'" ? word.slice(1, -1) : word)
    at = Math.max(end, at + 1)
  }
}

function endOfBareWord(text: string, start: number): number {
  let at = start
  while (/[A-Za-z0-9_-]/.test(text[at] ?? '')) at++
  return at
}

function endOfValue(text: string, start: number): number {
  const char = text[start]
  if (char === '"' || char === "'") return endOfString(text, start)
  if (char === '[' || char === '{') return endOfNested(text, start)
  let at = start
  while (at < text.length && !/[\n\r#,\]}]/.test(text[at]!)) at++
  while (at > start && /[ \t]/.test(text[at - 1]!)) at--
  return at
}

/** Behind the bracket that closes this one. */
function endOfNested(text: string, start: number): number {
  let depth = 0
  let at = start
  while (at < text.length) {
    const char = text[at]!
    if (char === '"' || char === "'") {
      at = endOfString(text, at)
      continue
    }
    if (char === '#') {
      at = lineEnd(text, at)
      continue
    }
    at++
    if (char === '[' || char === '{') depth++
    else if ((char === ']' || char === '}') && --depth === 0) return at
  }
  return at
}

/** Behind the quotes that close a string: one, or three for one of several lines. */
function endOfString(text: string, start: number): number {
  const quote = text[start]!
  const triple = quote.repeat(3)
  const isLong = text.startsWith(triple, start)
  let at = start + (isLong ? 3 : 1)
  while (at < text.length) {
    if (text[at] === '\\' && quote === '"') at += 2
    else if (isLong ? text.startsWith(triple, at) : text[at] === quote) {
      at += isLong ? 3 : 1
      // One or two quotes may stand before the three that close it.
      while (isLong && text[at] === quote) at++
      return at
    } else at++
  }
  return text.length
}

function skipBlanks(text: string, start: number): number {
  let at = start
  while (text[at] === ' ' || text[at] === '\t') at++
  return at
}

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end === -1 ? text.length : end
}

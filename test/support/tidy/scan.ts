/**
 * Tells comments, strings and code of a TypeScript file apart, without a parser.
 *
 * One pass, one character at a time, with a stack for template literals: what stands in `${…}` is code again.
 * The one guess is whether `/` divides or begins a regular expression: it divides after a value (a name, a
 * number, a closing bracket), except after words like `return`. The TypeScript compiler has no interface for
 * this since it is a native program, and a parser for a handful of word searches would be the larger thing to
 * trust.
 *
 * Tests: test/tidy.test.ts
 */

/** The two halves of a text, each as long as the text. */
export interface Scanned {
  readonly code: string
  readonly comments: string
}

const WORDS_BEFORE_REGEX =
  /\b(?:return|typeof|case|in|of|instanceof|new|delete|void|throw|do|else|yield|await)$/

/** Splits `text` into code, with the contents of strings blanked, and comments. */
export function scan(text: string): Scanned {
  const code: string[] = []
  const comments: string[] = []
  /** For each `${` that is open: how many braces are open within it. */
  const templates: number[] = []
  let i = 0

  const take = (end: number, isCode: boolean, isComment: boolean): void => {
    const part = text.slice(i, end)
    const blank = part.replace(/[^\n]/g, ' ')
    code.push(isCode ? part : blank)
    comments.push(isComment ? part : blank)
    i = end
  }
  const takeTemplate = (): void => {
    const end = endOfTemplatePart(text, i)
    take(end, false, false)
    if (text.startsWith('${', end)) templates.push(0)
    take(Math.min(end + (text[end] === '`' ? 1 : 2), text.length), true, false)
  }

  while (i < text.length) {
    const char = text[i] as string
    if (char === '/' && text[i + 1] === '/') take(endOf(text, '\n', i, 0), false, true)
    else if (char === '/' && text[i + 1] === '*') take(endOf(text, '*/', i + 2, 2), false, true)
    else if (char === '#' && i === 0 && text[1] === '!') take(endOf(text, '\n', i, 0), false, false)
    else if (char === "'" || char === '"') {
      const end = endOfQuoted(text, i + 1, char)
      take(i + 1, true, false)
      take(end, false, false)
      take(Math.min(end + 1, text.length), true, false)
    } else if (char === '`') {
      take(i + 1, true, false)
      takeTemplate()
    } else if (char === '}' && templates.at(-1) === 0) {
      templates.pop()
      take(i + 1, true, false)
      takeTemplate()
    } else if (char === '/' && beginsRegex(text, i, code)) take(endOfRegex(text, i + 1), false, false)
    else {
      const depth = templates.length - 1
      if (char === '{' && depth >= 0) templates[depth] = (templates[depth] as number) + 1
      if (char === '}' && depth >= 0) templates[depth] = (templates[depth] as number) - 1
      take(i + 1, true, false)
    }
  }
  return { code: code.join(''), comments: comments.join('') }
}

function endOf(text: string, mark: string, from: number, length: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? text.length : found + length
}

function endOfQuoted(text: string, from: number, quote: string): number {
  let i = from
  while (i < text.length && text[i] !== quote && text[i] !== '\n') i += text[i] === '\\' ? 2 : 1
  return Math.min(i, text.length)
}

function endOfTemplatePart(text: string, from: number): number {
  let i = from
  while (i < text.length && text[i] !== '`' && !text.startsWith('${', i)) i += text[i] === '\\' ? 2 : 1
  return Math.min(i, text.length)
}

function endOfRegex(text: string, from: number): number {
  let isInClass = false
  let i = from
  while (i < text.length && text[i] !== '\n' && (isInClass || text[i] !== '/')) {
    if (text[i] === '[') isInClass = true
    if (text[i] === ']') isInClass = false
    i += text[i] === '\\' ? 2 : 1
  }
  i++
  while (/[a-z]/.test(text[i] ?? '')) i++
  return Math.min(i, text.length)
}

/** Whether the `/` at `at` begins a regular expression: it does unless a value stands before it. */
function beginsRegex(text: string, at: number, code: readonly string[]): boolean {
  let before = ''
  for (let k = code.length - 1; k >= 0 && before.trimEnd().length < 12; k--) before = code[k] + before
  before = before.trimEnd()
  if (before === '') return text.slice(0, at).trim() === '' || !/['"`]$/.test(text.slice(0, at).trimEnd())
  return !/[\w$)\]'"`}]$/.test(before) || WORDS_BEFORE_REGEX.test(before)
}

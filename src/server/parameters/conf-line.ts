/**
 * Lines of a redis.conf: split into words, and written from words.
 *
 * Words stand between blanks; in double quotes `\n`, `\xff` and the like are one byte, in single quotes only
 * `\'` is. A file is bytes, and so are its words: a password may be any.
 *
 * Tests: test/server/parameters/conf-line.prop.test.ts
 * Source: Redis 7.0, src/sds.c (sdssplitargs).
 */
import type { ByteString } from '../../keyspace/engine/index.ts'

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }
const BLANK = /[ \t\n\r\v\f\0]/
/** What may stand in a file without quotes. */
const PLAIN = /^[\x21\x24-\x26\x28-\x5b\x5d-\x7e][\x21\x23-\x26\x28-\x5b\x5d-\x7e]*$/

/** The words of a line; none for a comment; undefined: quotes that are not closed. */
export function confWords(line: ByteString): ByteString[] | undefined {
  const words: ByteString[] = []
  let at = 0
  if (/^\s*#/.test(line)) return words
  while (at < line.length) {
    if (BLANK.test(line[at]!)) {
      at++
      continue
    }
    let word = ''
    while (at < line.length && !BLANK.test(line[at]!)) {
      const quote = line[at]!
      if (quote !== '"' && quote !== "'") {
        word += line[at++]!
        continue
      }
      const quoted = quote === '"' ? doubleQuoted(line, at + 1) : singleQuoted(line, at + 1)
      const isClosed = quoted !== undefined && (quoted.end >= line.length || BLANK.test(line[quoted.end]!))
      if (!isClosed) return undefined
      word += quoted.text
      at = quoted.end
    }
    words.push(word)
  }
  return words
}

interface Quoted {
  readonly text: ByteString
  /** Behind the closing quote. */
  readonly end: number
}

function doubleQuoted(line: ByteString, start: number): Quoted | undefined {
  let text = ''
  for (let at = start; at < line.length; at++) {
    const char = line[at]!
    if (char === '"') return { text, end: at + 1 }
    if (char !== '\\' || at + 1 >= line.length) {
      text += char
      continue
    }
    const hex = /^x([0-9a-f]{2})/i.exec(line.slice(at + 1, at + 4))
    text +=
      hex === null
        ? (ESCAPES[line[at + 1]!] ?? line[at + 1]!)
        : String.fromCharCode(Number.parseInt(hex[1]!, 16))
    at += hex === null ? 1 : 3
  }
  return undefined
}

function singleQuoted(line: ByteString, start: number): Quoted | undefined {
  let text = ''
  for (let at = start; at < line.length; at++) {
    if (line[at] === "'") return { text, end: at + 1 }
    if (line[at] === '\\' && line[at + 1] === "'") at++
    text += line[at]!
  }
  return undefined
}

/** A line of these words. */
export function confLine(words: readonly ByteString[]): ByteString {
  return words.map((word) => (PLAIN.test(word) ? word : quoteWord(word))).join(' ')
}

function quoteWord(word: ByteString): ByteString {
  const escaped = word.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`
    const letter = Object.keys(ESCAPES).find((one) => ESCAPES[one] === char)
    return `\\${letter ?? `x${char.charCodeAt(0).toString(16).padStart(2, '0')}`}`
  })
  return `"${escaped}"`
}

/**
 * Bytes as a quoted string, and as a string of JSON, in the spelling of redis-cli.
 *
 * Strings are bytes as Latin-1. What is quoted here, `splitLine` reads back.
 * Tests: test/cli/prompt/quote.test.ts
 */

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
}
const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
}

/** `"as this"`, with escapes for all that is not printable ASCII. */
export function quoted(bytes: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped.
  return `"${bytes.replace(/[\x00-\x1f"\\\x7f-\xff]/g, (char) => ESCAPES[char] ?? `\\x${hex(char)}`)}"`
}

/** A word as it is typed: quoted where it must be. */
export function typedWord(bytes: string): string {
  return bytes !== '' && /^[\x21-\x7e]+$/.test(bytes) && !/["'\\]/.test(bytes) ? bytes : quoted(bytes)
}

/** A string of JSON that holds the bytes as they are: UTF-8 when they were. */
export function jsonQuoted(bytes: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is escaped.
  return `"${bytes.replace(/[\x00-\x1f"\\]/g, (char) => JSON_ESCAPES[char] ?? `\\u00${hex(char)}`)}"`
}

/** A string of JSON that holds `quoted` bytes: ASCII, and every byte can be got back. */
export function jsonQuotedAscii(bytes: string): string {
  return JSON.stringify(quoted(bytes).slice(1, -1))
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).padStart(2, '0')
}

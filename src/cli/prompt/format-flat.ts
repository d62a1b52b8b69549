/**
 * A reply as programs read it: bare values line by line, comma-separated values, or JSON, as redis-cli writes
 * them.
 *
 * Where redis-cli writes what is no JSON (an error, a number that is infinite, a quote in its quoted form),
 * we write JSON: nobody can depend on a text that no parser takes.
 *
 * Tests: test/cli/prompt/format-flat.test.ts
 */
import type { RespValue } from '../../server/resp/index.ts'
import { pairsOf } from '../connection/reading.ts'
import { jsonQuoted, jsonQuotedAscii, quoted } from './quote.ts'

/** The bytes themselves; `delimiter` between elements. */
export function formatRaw(value: RespValue, delimiter = '\n'): string {
  switch (value.type) {
    case 'error':
      return `${value.text}\n`
    case 'integer':
    case 'bigNumber':
      return String(value.value)
    case 'boolean':
      return value.value ? '(true)' : '(false)'
    case 'null':
      return ''
    case 'array':
    case 'set':
    case 'push':
      return value.items.map((item) => formatRaw(item, delimiter)).join(delimiter)
    case 'attribute':
      return formatRaw(value.reply, delimiter)
    case 'map':
      return pairsOf(value)
        .map(([key, field]) => `${formatRaw(key, delimiter)} ${formatRaw(field, delimiter)}`)
        .join(delimiter)
    default:
      return value.text
  }
}

/** One line of comma-separated values, however deep the reply is. */
export function formatCsv(value: RespValue): string {
  switch (value.type) {
    case 'error':
      return `ERROR,${quoted(value.text)}`
    case 'integer':
    case 'bigNumber':
      return String(value.value)
    case 'double':
      return value.text
    case 'boolean':
      return String(value.value)
    case 'null':
      return 'NULL'
    case 'array':
    case 'set':
    case 'push':
      return value.items.map(formatCsv).join(',')
    case 'attribute':
      return formatCsv(value.reply)
    case 'map':
      return value.flat.map(formatCsv).join(',')
    default:
      return quoted(value.text)
  }
}

/** A line of JSON. `isAscii`: bytes that are no text can be got back from it. */
export function formatJson(value: RespValue, isAscii: boolean): string {
  const text = isAscii ? jsonQuotedAscii : jsonQuoted
  switch (value.type) {
    case 'error':
      return `{"error":${text(value.text)}}`
    case 'integer':
    case 'bigNumber':
      return String(value.value)
    case 'double':
      return jsonNumber(value.text)
    case 'boolean':
      return String(value.value)
    case 'null':
      return 'null'
    case 'array':
    case 'set':
    case 'push':
      return `[${value.items.map((item) => formatJson(item, isAscii)).join(',')}]`
    case 'attribute':
      return formatJson(value.reply, isAscii)
    case 'map': {
      const fields = pairsOf(value).map(([key, field]) => {
        const name = formatJson(key, isAscii)
        return `${name.startsWith('"') ? name : JSON.stringify(name)}:${formatJson(field, isAscii)}`
      })
      return `{${fields.join(',')}}`
    }
    default:
      return text(value.text)
  }
}

/** JSON has no infinity and no number that is none. */
function jsonNumber(text: string): string {
  return Number.isFinite(Number(text)) ? text : JSON.stringify(text)
}

/**
 * A reply as people read it: types named, elements numbered, nested ones indented, as redis-cli shows it.
 *
 * Somebody who has used redis-cli for years reads these replies without thinking, and scripts cut them apart;
 * so every space is as there. Colours are laid around the words and change none of them.
 *
 * Tests: test/cli/prompt/format-reply.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { type Paint, plainPaint } from '../connection/paint.ts'
import { quoted } from './quote.ts'

const SEPARATORS: Readonly<Record<string, string>> = { set: '~', map: '#' }
const EMPTY: Readonly<Record<string, string>> = {
  array: '(empty array)',
  set: '(empty set)',
  map: '(empty hash)',
  push: '(empty push)',
}

/** Lines of a reply, with a newline behind the last. */
export function formatReply(value: RespValue, paint: Paint = plainPaint): string {
  return formatAt(value, '', paint)
}

function formatAt(value: RespValue, prefix: string, paint: Paint): string {
  switch (value.type) {
    case 'error':
      return `${paint('red', `(error) ${value.text}`)}\n`
    case 'status':
      return `${paint('green', value.text)}\n`
    case 'integer':
      return `${paint('grey', '(integer) ')}${paint('yellow', String(value.value))}\n`
    case 'double':
      return `${paint('grey', '(double) ')}${paint('yellow', value.text)}\n`
    case 'bigNumber':
      return `${paint('grey', '(big number) ')}${paint('yellow', String(value.value))}\n`
    case 'boolean':
      return `${paint('yellow', value.value ? '(true)' : '(false)')}\n`
    case 'null':
      return `${paint('grey', '(nil)')}\n`
    case 'string':
      return `${quoted(value.text)}\n`
    case 'verbatim':
      return `${value.text}\n`
    case 'map':
      return formatPairs(value.flat, '#', prefix, paint)
    case 'attribute':
      return `${formatPairs(value.flat, '|', prefix, paint)}${prefix}${formatAt(value.reply, prefix, paint)}`
    case 'array':
    case 'set':
    case 'push':
      return formatItems(value.type, value.items, prefix, paint)
  }
}

function formatItems(type: string, items: readonly RespValue[], prefix: string, paint: Paint): string {
  if (items.length === 0) return `${paint('grey', EMPTY[type] as string)}\n`
  const width = String(items.length).length
  const inner = prefix + ' '.repeat(width + 2)
  const lines = items.map((item, index) => {
    return (
      (index === 0 ? '' : prefix) +
      numberOf(index, width, SEPARATORS[type] ?? ')', paint) +
      formatAt(item, inner, paint)
    )
  })
  return lines.join('')
}

/** Key and value on one line, or the value below its key when it has several. */
function formatPairs(flat: readonly RespValue[], separator: string, prefix: string, paint: Paint): string {
  if (flat.length === 0) return `${paint('grey', EMPTY['map'] as string)}\n`
  const count = flat.length / 2
  const width = String(count).length
  const inner = prefix + ' '.repeat(width + 2)
  let text = ''
  for (let pair = 0; pair < count; pair++) {
    const key = formatAt(flat[2 * pair] as RespValue, inner, paint).slice(0, -1)
    const value = flat[2 * pair + 1] as RespValue
    const head = (pair === 0 ? '' : prefix) + numberOf(pair, width, separator, paint)
    text += `${head}${key} => ${isBelow(value) ? `\n${inner}` : ''}${formatAt(value, inner, paint)}`
  }
  return text
}

/** Whether a value of a map begins on a line of its own: when it has several lines. */
function isBelow(value: RespValue): boolean {
  if (value.type === 'attribute') return value.flat.length > 0 || isBelow(value.reply)
  if (value.type === 'map') {
    return value.flat.length > 2 || (value.flat.length === 2 && isBelow(value.flat[1] as RespValue))
  }
  if (!('items' in value)) return false
  return value.items.length > 1 || (value.items.length === 1 && isBelow(value.items[0] as RespValue))
}

function numberOf(index: number, width: number, separator: string, paint: Paint): string {
  return paint('grey', `${String(index + 1).padStart(width)}${separator} `)
}

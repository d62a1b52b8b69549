/**
 * Parts of a reply, whichever of the two protocols it came in: a map of RESP3 is a flat array in RESP2.
 *
 * Each gives nothing of a reply that is of another kind, so that a server of another version leaves holes in
 * what is shown, and no more.
 *
 * Tests: test/cli/prompt/command-docs.test.ts, test/cli/top/sample.test.ts
 */
import type { RespValue } from '../../server/resp/index.ts'

/** What stands in a string, a status, or a number. */
export function textOf(value: RespValue | undefined): string | undefined {
  switch (value?.type) {
    case 'status':
    case 'string':
    case 'verbatim':
    case 'double':
      return value.text
    case 'integer':
    case 'bigNumber':
      return String(value.value)
    case 'attribute':
      return textOf(value.reply)
    default:
      return undefined
  }
}

/** What an error says; undefined: it is none. */
export function errorTextOf(value: RespValue | undefined): string | undefined {
  return value?.type === 'error' ? value.text : undefined
}

export function integerOf(value: RespValue | undefined): number | undefined {
  const text = textOf(value)
  const number = text === undefined || text === '' ? Number.NaN : Number(text)
  return Number.isNaN(number) ? undefined : number
}

/** The elements of an array or a set; a map's one after the other. */
export function itemsOf(value: RespValue | undefined): readonly RespValue[] {
  switch (value?.type) {
    case 'array':
    case 'set':
    case 'push':
      return value.items
    case 'map':
      return value.flat
    case 'attribute':
      return itemsOf(value.reply)
    default:
      return []
  }
}

/** Keys with their values, of a map or of a flat array. */
export function pairsOf(value: RespValue | undefined): readonly (readonly [RespValue, RespValue])[] {
  const flat = itemsOf(value)
  const pairs: (readonly [RespValue, RespValue])[] = []
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([flat[i] as RespValue, flat[i + 1] as RespValue])
  return pairs
}

/** Values by the text of their keys. */
export function fieldsOf(value: RespValue | undefined): ReadonlyMap<string, RespValue> {
  return new Map(pairsOf(value).map(([key, field]) => [textOf(key) ?? '', field]))
}

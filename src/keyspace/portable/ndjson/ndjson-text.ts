/**
 * Bytes, scores and times as JSON, exactly.
 *
 * A text whose bytes are UTF-8 is a JSON string, so that an export can be read and edited; any other one is
 * `{"base64": …}`. JSON has no infinities, and writers of JSON drop the sign of -0: these scores are strings.
 *
 * Tests: test/keyspace/portable/ndjson/ndjson-text.test.ts. The format: docs/formats/ndjson.md
 */
import { isUtf8 } from 'node:buffer'
import { type ByteString, bytesOfText, isAscii } from '../../engine/index.ts'

const LONE_SURROGATE = /\p{Surrogate}/u
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/
const BASE64 = 'base64'

const SPECIAL_SCORES: ReadonlyMap<unknown, number> = new Map([
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
  ['-0', -0],
])

/** A text, as JSON. */
export function jsonOfText(text: ByteString): string {
  if (isAscii(text)) return JSON.stringify(text)
  const bytes = Buffer.from(text, 'latin1')
  return isUtf8(bytes) ? JSON.stringify(bytes.toString('utf8')) : `{"base64":"${bytes.toString(BASE64)}"}`
}

/** The text that a parsed value stands for; undefined: none. */
export function textOfJson(value: unknown): ByteString | undefined {
  if (typeof value === 'string') return LONE_SURROGATE.test(value) ? undefined : bytesOfText(value)
  if (!isObject(value)) return undefined
  const encoded = value[BASE64]
  if (typeof encoded !== 'string' || Object.keys(value).length !== 1) return undefined
  const bytes = Buffer.from(encoded, BASE64)
  // Node passes over what is not base64: whatever it passed over is missing here.
  return bytes.toString(BASE64) === encoded ? bytes.toString('latin1') : undefined
}

/** A score, as JSON: JavaScript writes the shortest digits that read back as the same number. */
export function jsonOfScore(score: number): string {
  if (Number.isFinite(score)) return Object.is(score, -0) ? '"-0"' : String(score)
  return score > 0 ? '"inf"' : '"-inf"'
}

/** The score that a parsed value stands for; undefined: none. */
export function scoreOfJson(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return SPECIAL_SCORES.get(value)
}

/** The time that a parsed value stands for, from 1 to `max`: milliseconds, or text; undefined: none. */
export function timeOfJson(value: unknown, max: number): number | undefined {
  const ms = typeof value === 'string' && ISO_TIME.test(value) ? Date.parse(value) : value
  return typeof ms === 'number' && Number.isInteger(ms) && ms >= 1 && ms <= max ? ms : undefined
}

/** Whether a parsed value has names, and is no array. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

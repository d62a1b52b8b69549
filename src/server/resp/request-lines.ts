/**
 * The lines of requests that are not read in the usual way: where they end, and the integers in them.
 *
 * A line may come a byte at a time, and nobody should make us search it from its beginning each time: what
 * was searched is remembered.
 *
 * Invariant: the first `searched` bytes of the line at `unread.at` do not end it.
 * Tests: test/server/resp/request-parser.test.ts, test/server/resp/request-parser-redis.test.ts
 */
import { isInteger64 } from '../../keyspace/engine/index.ts'
import type { RequestBytes } from './request-bytes.ts'
import type { RequestLimits } from './request-limits.ts'

/** The end has not come. */
export const ABSENT = -1
/** It cannot come any more. */
export const TOO_LONG = -2

const CR = 13
const INT32_MAX = 0x7fffffff
/** A sign and 19 digits. */
const INTEGER_CHARS_MAX = 20

const { latin1Slice } = Buffer.prototype as Buffer & { latin1Slice(start: number, end: number): string }

/** The line at which reading stands. */
export class RequestLines {
  searched = 0
  readonly #unread: RequestBytes

  constructor(unread: RequestBytes) {
    this.#unread = unread
  }

  /** Where the byte is that ends the line, behind at most `bytesMax` others; ABSENT or TOO_LONG. */
  find(byte: number, bytesMax: number): number {
    const { source, at, end } = this.#unread
    const limit = at + bytesMax + 1
    const stop = Math.min(end, limit)
    let position = at + this.searched
    while (position < stop && source[position] !== byte) position++
    if (position < stop) return position
    this.searched = position - at
    return stop === limit ? TOO_LONG : ABSENT
  }

  /** Where the `\r` is that ends the line and has a byte behind it; ABSENT or TOO_LONG. */
  end(bytesMax: number): number {
    const position = this.find(CR, bytesMax)
    if (position < 0) return position
    const isWhole = position + 1 < this.#unread.end
    this.searched = isWhole ? 0 : position - this.#unread.at
    return isWhole ? position : ABSENT
  }

  /** The integer behind the first byte of the line, as Redis reads it: 64 bits, nothing in front. Or NaN. */
  integer(lineEnd: number): number {
    const { source, at } = this.#unread
    if (lineEnd - at > INTEGER_CHARS_MAX + 1) return Number.NaN
    const text = latin1Slice.call(source, at + 1, lineEnd)
    return isInteger64(text) ? Number(text) : Number.NaN
  }
}

/** Why a request may not have so many arguments. */
export function refusalOfCount(count: number, limits: RequestLimits): string | undefined {
  // NaN passes no comparison.
  if (!(count <= limits.argumentsMax && count <= INT32_MAX)) return 'invalid multibulk length'
  return count > (limits.stranger?.argumentsMax ?? count) ? 'unauthenticated multibulk length' : undefined
}

/** Why an argument may not be so long. */
export function refusalOfLength(length: number, limits: RequestLimits): string | undefined {
  const isValid = length >= 0 && length <= limits.argumentBytesMax && length <= INT32_MAX
  if (!isValid) return 'invalid bulk length'
  return length > (limits.stranger?.argumentBytesMax ?? length) ? 'unauthenticated bulk length' : undefined
}

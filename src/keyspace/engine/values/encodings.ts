/**
 * What Redis' encodings need to know of a string: whether it is a 64-bit integer, and what it takes in a
 * listpack.
 *
 * Our collections have one representation each. The names that OBJECT ENCODING answers, and the orders that
 * follow from them (a small hash lists its fields as they came, a set of integers in ascending order), are
 * kept as clients and test suites know them. A set's or hash's encoding is sticky as in Redis: it goes up,
 * and does not come back when members are removed.
 *
 * Tests: test/keyspace/engine/values/encodings.test.ts
 * Source: Redis 7.2, src/listpack.c, src/util.c (string2ll), src/t_set.c, src/t_hash.c, src/t_list.c.
 */
import type { ByteString } from '../byte-string.ts'

export type HashEncoding = 'listpack' | 'hashtable'
export type SetEncoding = 'intset' | 'listpack' | 'hashtable'
export type ListEncoding = 'listpack' | 'quicklist'

/** Bytes of a listpack without entries: its header and its end. */
export const LISTPACK_EMPTY_BYTES = 7

const INTEGER_MAX = '9223372036854775807'
const INTEGER_MIN = '-9223372036854775808'
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/** Whether it is a signed 64-bit integer in its one canonical form: no plus, no leading zeros, no `-0`. */
export function isInteger64(text: ByteString): boolean {
  const length = text.length
  if (length === 0 || length > INTEGER_MIN.length) return false
  const isNegative = text.charCodeAt(0) === MINUS
  const start = isNegative ? 1 : 0
  const first = text.charCodeAt(start)
  if (first === ZERO) return length === 1
  // NaN, for a minus alone, passes neither comparison.
  if (!(first > ZERO && first <= NINE)) return false
  for (let i = start + 1; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code < ZERO || code > NINE) return false
  }
  if (length - start < INTEGER_MAX.length) return true
  return length - start === INTEGER_MAX.length && text <= (isNegative ? INTEGER_MIN : INTEGER_MAX)
}

/** Orders canonical integers by value, without making numbers of them. */
export function compareIntegers(a: ByteString, b: ByteString): number {
  const aIsNegative = a.charCodeAt(0) === MINUS
  if (aIsNegative !== (b.charCodeAt(0) === MINUS)) return aIsNegative ? -1 : 1
  const order = a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
  return aIsNegative ? -order : order
}

/**
 * What a string takes in a listpack: its encoding, its content, and its length once more for the way back.
 */
export function listpackEntryBytes(text: ByteString): number {
  const bytes = isInteger64(text) ? integerBytes(text) : stringBytes(text.length)
  if (bytes < 128) return bytes + 1
  if (bytes < 16_384) return bytes + 2
  if (bytes < 2_097_152) return bytes + 3
  return bytes + (bytes < 268_435_456 ? 4 : 5)
}

function stringBytes(length: number): number {
  if (length < 64) return 1 + length
  return length < 4096 ? 2 + length : 5 + length
}

function integerBytes(text: ByteString): number {
  // Exact up to 2^53, and everything beyond takes eight bytes anyway.
  const value = Number(text)
  if (value >= 0 && value <= 127) return 1
  if (value >= -4096 && value <= 4095) return 2
  if (value >= -32_768 && value <= 32_767) return 3
  if (value >= -8_388_608 && value <= 8_388_607) return 4
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? 5 : 9
}

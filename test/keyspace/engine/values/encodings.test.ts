/** What is an integer for Redis, how integers are ordered, and what strings take in a listpack. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareIntegers,
  isInteger64,
  listpackEntryBytes,
} from '../../../../src/keyspace/engine/values/encodings.ts'

test.each(['0', '1', '-1', '10', '9223372036854775807', '-9223372036854775808', '9999999999999999'])(
  '%j is a 64-bit integer',
  (text) => expect(isInteger64(text)).toBe(true),
)

test.each([
  '',
  '-',
  '+1',
  '-0',
  '00',
  '01',
  '-01',
  ' 1',
  '1 ',
  '1.0',
  '1e3',
  '9223372036854775808',
  '-9223372036854775809',
  '99999999999999999999',
  '12a',
])('%j is none', (text) => expect(isInteger64(text)).toBe(false))

test('every 64-bit integer is one, and they are ordered as numbers are', () => {
  const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(fc.array(fc.oneof(integer, fc.bigInt({ min: -300n, max: 300n }))), (integers) => {
      const texts = integers.map(String)
      expect(texts.every(isInteger64)).toBe(true)
      const sorted = [...integers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String)
      expect(texts.sort(compareIntegers)).toEqual(sorted)
    }),
  )
})

test.each([
  ['', 2],
  ['127', 2],
  ['128', 3],
  ['-1', 3],
  ['4095', 3],
  ['-4097', 4],
  ['32767', 4],
  ['32768', 5],
  ['8388608', 6],
  ['2147483648', 10],
  ['9223372036854775807', 10],
  ['abc', 5],
  ['x'.repeat(63), 65],
  ['x'.repeat(64), 67],
  ['x'.repeat(125), 128],
  ['x'.repeat(126), 130],
  ['x'.repeat(4096), 4103],
])('an entry %j takes %i bytes', (text, bytes) => expect(listpackEntryBytes(text)).toBe(bytes))

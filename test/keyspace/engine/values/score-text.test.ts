/** Scores as text. The tables were taken from a Redis 7.0.15 server (ZADD key INCR text member). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  formatScore,
  formatScoreShortest,
  parseScore,
  strtod,
} from '../../../../src/keyspace/engine/values/score-text.ts'

/** What is sent, and what Redis 7.0 answers. */
const REDIS_7_0: readonly (readonly [text: string, reply: string])[] = [
  ['0', '0'],
  ['-0', '-0'],
  ['1', '1'],
  ['-1', '-1'],
  ['+5', '5'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['00012', '12'],
  ['3.1', '3.1000000000000001'],
  ['0.1', '0.10000000000000001'],
  ['-0.5', '-0.5'],
  ['0.30000000000000004', '0.30000000000000004'],
  ['1e15', '1000000000000000'],
  ['9007199254740993', '9007199254740992'],
  ['1e16', '10000000000000000'],
  ['12345678901234567', '12345678901234568'],
  ['99999999999999984', '99999999999999984'],
  ['1e17', '1e+17'],
  ['1.5e17', '1.5e+17'],
  ['123456789012345678', '1.2345678901234568e+17'],
  ['4611686018427387904', '4.6116860184273879e+18'],
  ['1e20', '1e+20'],
  ['1e21', '1e+21'],
  ['1.7976931348623157e308', '1.7976931348623157e+308'],
  ['5e-324', '4.9406564584124654e-324'],
  ['4e-324', '4.9406564584124654e-324'],
  ['2.2250738585072014e-308', '2.2250738585072014e-308'],
  ['0.0001', '0.0001'],
  ['0.00012345', '0.00012344999999999999'],
  ['0.00001', '1.0000000000000001e-05'],
  ['1.5e-7', '1.4999999999999999e-07'],
  // Ties: the 18th digit is the last, and a 5.
  ['2.98023223876953125e-08', '2.9802322387695312e-08'],
  ['8.94069671630859375e-08', '8.9406967163085938e-08'],
  ['1.49011611938476562e-08', '1.4901161193847656e-08'],
  ['123456789.123', '123456789.123'],
  ['1e100', '1e+100'],
  ['-1e-100', '-1e-100'],
  ['inf', 'inf'],
  ['+inf', 'inf'],
  ['-INF', '-inf'],
  ['infinity', 'inf'],
  ['0x1.8p1', '3'],
  ['0X.8', '0.5'],
]

const REFUSED = [
  ...['', ' 1', '1 ', '\t1', 'nan', '-nan', 'nan(1)', 'infin', '1e', '1e+', '.', '+', '0x', '0x.', '0x1p'],
  ...['1_0', '1\0', '1,5', 'abc', '1e400', '-1e400', '1e-400', '0x1p-1080', '0x1p99999999999999999999'],
]

describe('parseScore and formatScore', () => {
  test.each(REDIS_7_0)('%s is answered as %s', (text, reply) => {
    const score = parseScore(text)
    expect(score).toBeDefined()
    expect(formatScore(score ?? Number.NaN)).toBe(reply)
  })

  test.each(REFUSED)('%j is no score', (text) => {
    expect(parseScore(text)).toBeUndefined()
  })

  test('zero may be written with any exponent', () => {
    for (const text of ['0e-400', '0.000e999', '-0x0p-9999']) expect(Math.abs(parseScore(text) ?? 1)).toBe(0)
  })
})

describe('formatScoreShortest', () => {
  test.each([
    [3.1, '3.1'],
    [-0, '-0'],
    [1e17, '100000000000000000'],
    [2 ** 60, '1152921504606846976'],
    [2 ** 62, '4611686018427387904'],
    [1e19, '1e+19'],
    [9.3e18, '9.3e+18'],
    [12345678901234567000, '12345678901234567000'],
    [1e20, '1e+20'],
    [1.5e-7, '1.5e-7'],
    [0.00001, '0.00001'],
    [0.000001, '0.000001'],
    [1e-7, '1e-7'],
    [0.00012345678, '1.2345678e-4'],
    [0.0012345678, '0.0012345678'],
    [-123.456, '-123.456'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('%d is %s', (score, text) => {
    expect(formatScoreShortest(score)).toBe(text)
  })
})

const anyDouble = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer().map((n) => n / 1024),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((n) => (2 * n + 1) / 2 ** 27),
)

test('every score is read back as it was, from both forms', () => {
  fc.assert(
    fc.property(anyDouble, (score) => {
      expect(strtod(formatScore(score))).toBe(score)
      expect(strtod(formatScoreShortest(score))).toBe(score)
      expect(formatScoreShortest(score).length).toBeLessThanOrEqual(25)
    }),
    { numRuns: 2000 },
  )
})

test('hexadecimal fractions are exact, and rounded to the even double where they are not', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 80n }),
      fc.integer({ min: -1140, max: 940 }),
      (digits, power) => {
        // Number() of an integer rounds correctly, and so does one division or product by a power of two in
        // the normal range; below it, exactness is that of a quotient of integers.
        const wanted = power >= 0 ? Number(digits << BigInt(power)) : nearestQuotient(digits, -power)
        expect(strtod(`0x${digits.toString(16)}p${power}`)).toBe(wanted)
      },
    ),
    { numRuns: 1000 },
  )
})

/** The double nearest to value / 2^bits, by comparing with its neighbours exactly. */
function nearestQuotient(value: bigint, bits: number): number {
  const distance = (candidate: number): bigint => {
    // Every double is an integer multiple of 2^-1074; scaled by 2^1200, all terms are integers.
    const scaled = scale(candidate)
    const exact = (value << 1200n) >> BigInt(bits)
    return scaled > exact ? scaled - exact : exact - scaled
  }
  let best = Number(value) / 2 ** Math.min(bits, 1000) / 2 ** Math.max(bits - 1000, 0)
  for (const candidate of [nextTo(best, -1), nextTo(best, 1)]) {
    const closer = distance(candidate) - distance(best)
    if (closer < 0n || (closer === 0n && isEven(candidate))) best = candidate
  }
  return best
}

const view = new DataView(new ArrayBuffer(8))

function nextTo(value: number, step: 1 | -1): number {
  view.setFloat64(0, value)
  const bits = view.getBigInt64(0)
  view.setBigInt64(0, bits === 0n && step < 0 ? 0n : bits + BigInt(step))
  return view.getFloat64(0)
}

function isEven(value: number): boolean {
  view.setFloat64(0, value)
  return (view.getBigInt64(0) & 1n) === 0n
}

function scale(value: number): bigint {
  view.setFloat64(0, value)
  const bits = view.getBigInt64(0)
  const exponent = bits >> 52n
  const fraction = bits & (2n ** 52n - 1n)
  const significand = exponent === 0n ? fraction : fraction | (2n ** 52n)
  return significand << ((exponent === 0n ? 1n : exponent) - 1075n + 1200n)
}

/**
 * Scores as text: read as C's `strtod` reads them, written as Redis writes them.
 *
 * Redis 7.0 writes `%.17g`, which is exact but shows 3.1 as 3.1000000000000001; from 7.2 on it writes the
 * shortest text that reads back as the same double. Both are here: `formatScore` is the first, byte for byte
 * what a 7.0 server says, `formatScoreShortest` the second. Every client reads both alike.
 *
 * JavaScript's own conversions round correctly in both directions, which leaves the notation to us, and three
 * corners: `toPrecision` rounds a tie up where C rounds it to even, `Number` reads no hexadecimal fractions,
 * and `strtod` takes more spellings (`infinity`, spaces in front).
 *
 * Tests: test/keyspace/engine/values/score-text.test.ts
 */
import type { ByteString } from '../byte-string.ts'

const MINUS = 0x2d
const ZERO = 0x30
/** Whatever digits these are, they are below 2^53. */
const WHOLE_CHARS_MAX = 15

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/
const SPELLED = /^([+-]?)(?:inf(?:inity)?|(nan(?:\(\w*\))?))$/i
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)\.?([\da-f]*)|\.([\da-f]+))(?:p([+-]?\d+))?$/i
const LEADING_SPACE = /^[ \t\n\v\f\r]+/
/** Some digit of the significand is not zero. */
const NOT_ZERO = /^[+-]?(?:0x[0.]*[1-9a-f]|[0.]*[1-9])/i

/** The double that `strtod` makes of a whole text, or undefined when it stops before the end. NaN is one. */
export function strtod(text: ByteString): number | undefined {
  // Without a number there is no conversion: the end is the beginning, and the result is 0.
  if (text === '') return 0
  const bare = text.replace(LEADING_SPACE, '')
  if (DECIMAL.test(bare)) return Number(bare)
  const spelled = SPELLED.exec(bare)
  if (spelled !== null) {
    if (spelled[2] !== undefined) return Number.NaN
    return spelled[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  const hexadecimal = HEXADECIMAL.exec(bare)
  return hexadecimal === null ? undefined : fromHexadecimal(hexadecimal)
}

/** The score of an argument of ZADD or ZINCRBY, or undefined: not a number, NaN, or out of range. */
export function parseScore(text: ByteString): number | undefined {
  const whole = wholeNumber(text)
  if (whole !== undefined) return whole
  if (text === '' || LEADING_SPACE.test(text)) return undefined
  const value = strtod(text)
  if (value === undefined || Number.isNaN(value)) return undefined
  // ERANGE: what is written as a number must not have become infinite, or nothing.
  if (!Number.isFinite(value) && !SPELLED.test(text)) return undefined
  if (value === 0 && NOT_ZERO.test(text)) return undefined
  return value
}

/** The number of digits alone, as far as a double is exact; most scores are no more. */
function wholeNumber(text: ByteString): number | undefined {
  const { length } = text
  const isNegative = text.charCodeAt(0) === MINUS
  const start = isNegative ? 1 : 0
  if (length === start || length > WHOLE_CHARS_MAX) return undefined
  let value = 0
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return undefined
    value = value * 10 + digit
  }
  return isNegative ? -value : value
}

/** `%.17g`, as Redis 7.0 replies. */
export function formatScore(score: number): ByteString {
  if (Number.isInteger(score) && Math.abs(score) < 1e17) return integerText(score)
  if (!Number.isFinite(score)) return infinityText(score)
  const [digits, exponent] = seventeenDigits(Math.abs(score))
  const sign = score < 0 ? '-' : ''
  const kept = digits.replace(/0+$/, '')
  if (exponent < -4 || exponent >= 17) {
    const size = Math.abs(exponent).toString().padStart(2, '0')
    return `${sign}${withPoint(kept, 1)}e${exponent < 0 ? '-' : '+'}${size}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${kept}`
  return sign + withPoint(kept.padEnd(exponent + 1, '0'), exponent + 1)
}

/** The shortest text that reads back as the same double, in the notation of Redis 7.2 and later. */
export function formatScoreShortest(score: number): ByteString {
  if (!Number.isFinite(score)) return infinityText(score)
  // Redis writes these as integers, with all digits.
  if (Number.isInteger(score) && Math.abs(score) <= 2 ** 62) return integerText(score)
  const [digits, exponent] = shortestDigits(Math.abs(score))
  const sign = score < 0 ? '-' : ''
  // The value is `digits` × 10^power.
  const power = exponent - digits.length + 1
  if (power >= 0 && exponent < digits.length + 7) return sign + digits + '0'.repeat(power)
  if (power < 0 && (power > -7 || Math.abs(exponent) < 4)) {
    if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    return sign + withPoint(digits, exponent + 1)
  }
  return `${sign}${withPoint(digits, 1)}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`
}

function integerText(score: number): string {
  if (score === 0) return Object.is(score, -0) ? '-0' : '0'
  return Math.abs(score) <= Number.MAX_SAFE_INTEGER ? String(score) : BigInt(score).toString()
}

function infinityText(score: number): string {
  return score < 0 ? '-inf' : 'inf'
}

/** Digits with a point behind the first `whole` of them, and none at the end. */
function withPoint(digits: string, whole: number): string {
  return digits.length > whole ? `${digits.slice(0, whole)}.${digits.slice(whole)}` : digits
}

/** 17 significant digits and the exponent of the first; a tie goes to the even digit. */
function seventeenDigits(score: number): [digits: string, exponent: number] {
  // A tie has exactly 18 digits, the last a 5: JavaScript rounds it up, C to the even digit, here down.
  const longer = score.toExponential(17)
  const isRoundedDown =
    longer.charCodeAt(18) === 0x35 &&
    (longer.charCodeAt(17) & 1) === 0 &&
    /^.{19}0*e/.test(score.toExponential(100))
  const [digits = '', exponent = ''] = (isRoundedDown ? longer : score.toExponential(16)).split('e')
  return [digits.slice(0, 18).replace('.', ''), Number(exponent)]
}

function shortestDigits(score: number): [digits: string, exponent: number] {
  const [digits = '', exponent = ''] = score.toExponential().split('e')
  return [digits.replace('.', ''), Number(exponent)]
}

/** The double nearest to a hexadecimal fraction; a tie goes to the even one. */
function fromHexadecimal(parts: RegExpExecArray): number {
  const [, sign, whole = '', fraction = '', bareFraction = '', power = '0'] = parts
  const digits = whole + fraction + bareFraction
  let significand = BigInt(`0x${digits}`)
  if (significand === 0n) return sign === '-' ? -0 : 0
  // Beyond these no double is left; a power of a thousand digits is not worth a loop.
  let exponent = Math.max(-1e6, Math.min(1e6, Number(power))) - 4 * (fraction + bareFraction).length
  const bits = significand.toString(2).length
  // Bits below the last that a double of this size has: 53 in all, fewer for the smallest.
  const surplus = Math.max(bits - 53, -1074 - exponent, 0)
  if (surplus > 0) {
    significand = roundedShift(significand, surplus)
    exponent += surplus
  }
  // Two steps, since a power of two on its own may be out of range.
  const half = Math.trunc(exponent / 2)
  const value = Number(significand) * 2 ** half * 2 ** (exponent - half)
  return sign === '-' ? -value : value
}

/** `value` / 2^bits, rounded to the nearest integer, a tie to the even one. */
function roundedShift(value: bigint, bits: number): bigint {
  if (bits > value.toString(2).length + 1) return 0n
  const shift = BigInt(bits)
  const low = value & ((1n << shift) - 1n)
  const half = 1n << (shift - 1n)
  const quotient = value >> shift
  return low > half || (low === half && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}

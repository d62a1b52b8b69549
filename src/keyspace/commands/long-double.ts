/**
 * Floats of INCRBYFLOAT and HINCRBYFLOAT: C's `long double` of x86, which has 64 bits of mantissa.
 *
 * Redis adds these in 80 bits and prints them with 17 digits behind the point. A double has 53 bits: the sum
 * of 0.1 and 0.2 would be 0.30000000000000004 where Redis says 0.3. So a float here is an integer and a power
 * of two, exact, and rounded where the hardware rounds: after reading, and after adding.
 *
 * Cost: some µs per operation for usual numbers; a number of thousands of digits takes about a millisecond.
 * Tests: test/keyspace/commands/long-double.test.ts
 * Source: Redis 7.2, src/util.c (string2ld, ld2string); IEEE 754 for rounding to nearest, ties to even.
 */
import type { ByteString } from '../engine/index.ts'

/** `mantissa` × 2^`exponent`. */
export interface LongDouble {
  readonly mantissa: bigint
  readonly exponent: number
}

const MANTISSA_BITS = 64
/** The exponents of the lowest bit, of the smallest number there is and of the largest. */
const EXPONENT_MIN = -16_445
const EXPONENT_MAX = 16_383 - 63
/** Redis reads no longer text: MAX_LONG_DOUBLE_CHARS. */
const TEXT_BYTES_MAX = 5 * 1024
const DIGITS = 17

/** Far beyond what can be stored, either way: no need to compute it. */
const DECIMAL_EXPONENT_MAX = 20_000

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i
const INFINITE = /^([+-]?)inf(?:inity)?$/i

/**
 * What `strtold` makes of a whole text: a number, an infinity, or undefined when it is none or out of range.
 */
export function parseLongDouble(text: ByteString): LongDouble | 'infinite' | undefined {
  if (text === '' || text.length >= TEXT_BYTES_MAX) return undefined
  if (INFINITE.test(text)) return 'infinite'
  const hexadecimal = HEXADECIMAL.exec(text)
  const [, sign, whole = '', fraction = '', power = '0'] = hexadecimal ?? DECIMAL.exec(text) ?? []
  if (sign === undefined || whole + fraction === '') return undefined
  const base = hexadecimal === null ? '' : '0x'
  const digits = BigInt(`${base}${whole}${fraction}`)
  if (digits === 0n) return { mantissa: 0n, exponent: 0 }
  const exponent = Math.max(-DECIMAL_EXPONENT_MAX, Math.min(Number(power), DECIMAL_EXPONENT_MAX))
  const magnitude =
    hexadecimal === null
      ? fromDecimal(digits, exponent - fraction.length)
      : rounded(digits, exponent - 4 * fraction.length, false)
  if (magnitude === undefined || magnitude.mantissa === 0n) return undefined
  return sign === '-' ? { ...magnitude, mantissa: -magnitude.mantissa } : magnitude
}

/** The sum, rounded; undefined when it is too large. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | undefined {
  const exponent = Math.min(a.exponent, b.exponent)
  const sum = (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent))
  const magnitude = rounded(sum < 0n ? -sum : sum, exponent, false)
  if (magnitude === undefined || sum >= 0n) return magnitude
  return { ...magnitude, mantissa: -magnitude.mantissa }
}

/** As Redis prints it: `%.17Lf` without the zeros at the end. */
export function formatLongDouble({ mantissa, exponent }: LongDouble): ByteString {
  const magnitude = mantissa < 0n ? -mantissa : mantissa
  // In units of 10^-17, rounded to the nearest, a tie to the even one.
  let units = magnitude * 10n ** BigInt(DIGITS)
  units = exponent >= 0 ? units << BigInt(exponent) : shiftedDown(units, -exponent, false)
  const text = units.toString().padStart(DIGITS + 1, '0')
  const whole = text.slice(0, -DIGITS)
  const fraction = text.slice(-DIGITS).replace(/0+$/, '')
  const unsigned = fraction === '' ? whole : `${whole}.${fraction}`
  return mantissa < 0n && unsigned !== '0' ? `-${unsigned}` : unsigned
}

function fromDecimal(digits: bigint, power: number): LongDouble | undefined {
  if (power >= 0) return rounded(digits * 10n ** BigInt(power), 0, false)
  const divisor = 10n ** BigInt(-power)
  // Enough bits of the quotient that what is cut off only decides between two neighbours.
  const shift = Math.max(0, bitLength(divisor) - bitLength(digits) + MANTISSA_BITS + 2)
  const scaled = digits << BigInt(shift)
  return rounded(scaled / divisor, -shift, scaled % divisor !== 0n)
}

/**
 * The nearest number that can be stored; undefined when it is too large. `hasMore`: bits below were cut off.
 */
function rounded(magnitude: bigint, exponent: number, hasMore: boolean): LongDouble | undefined {
  if (magnitude === 0n) return { mantissa: 0n, exponent: 0 }
  const shift = Math.max(bitLength(magnitude) - MANTISSA_BITS, EXPONENT_MIN - exponent)
  let mantissa = magnitude
  let power = exponent
  if (shift > 0) {
    mantissa = shiftedDown(magnitude, shift, hasMore)
    power += shift
  }
  return bitLength(mantissa) - MANTISSA_BITS + power > EXPONENT_MAX
    ? undefined
    : { mantissa, exponent: power }
}

function shiftedDown(value: bigint, bits: number, hasMore: boolean): bigint {
  const shift = BigInt(bits)
  const kept = value >> shift
  const rest = value - (kept << shift)
  const half = 1n << (shift - 1n)
  const isUp = rest > half || (rest === half && (hasMore || (kept & 1n) === 1n))
  return isUp ? kept + 1n : kept
}

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length
}

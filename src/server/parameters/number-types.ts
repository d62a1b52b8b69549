/**
 * Numbers: whole ones within a range, sizes of memory, percentages, modes of files.
 *
 * Redis' integers have 64 bits. Here they are doubles: a bound such as 9223372036854775807 is compared
 * exactly as it is read, and what is kept is the nearest double, which prints as the bound again.
 *
 * Tests: test/server/parameters/types.prop.test.ts, test/server/parameters/redis-texts.test.ts
 */
import { type ByteString, isInteger64 } from '../../keyspace/engine/index.ts'
import { joinWords, type ParameterType, type Parsed, refused } from './parameter-type.ts'

export const INT32_MAX: number = 2 ** 31 - 1
/** The largest 64-bit integer, as near as a double comes. */
export const INT64_MAX: number = 2 ** 63
const INT64_LAST = 2n ** 63n - 1n
const UINT64_LAST = 2n ** 64n - 1n
const NOT_INTEGER = "argument couldn't be parsed into an integer"
const NOT_MEMORY = 'argument must be a memory value'
const NOT_MEMORY_OR_PERCENT = 'argument must be a memory or percent value'

const UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
}

/** A whole number, both bounds included. */
export function integer(min: number, max: number): ParameterType<number> {
  return {
    parse: (words) => {
      const text = joinWords(words)
      if (!isInteger64(text)) return refused(NOT_INTEGER)
      return within(BigInt(text), min, max)
    },
    print: wholeText,
    allowed: `integer ${rangeText(min, max)}`,
    placeholder: 'N',
  }
}

/** A whole number, or `auto`, which is what the machine suggests. */
export function autoInteger(min: number, max: number): ParameterType<number | 'auto'> {
  const whole = integer(min, max)
  return {
    parse: (words) => (joinWords(words) === 'auto' ? { value: 'auto' } : whole.parse(words, 0)),
    print: (value) => (value === 'auto' ? value : wholeText(value)),
    allowed: `auto | ${whole.allowed}`,
    placeholder: 'N|auto',
  }
}

/** Bytes: `1048576`, `1mb` (1024²) or `1m` (1000²). */
export function memory(min: number, max: number): ParameterType<number> {
  return {
    parse: (words) => {
      const bytes = memoryBytes(joinWords(words))
      return bytes === undefined ? refused(NOT_MEMORY) : within(bytes, min, max)
    },
    print: wholeText,
    lines: (value) => [[memoryText(value)]],
    allowed: `memory size ${rangeText(min, max)}, such as 100mb`,
    placeholder: 'SIZE',
  }
}

/** Bytes with no bound, as `maxmemory`. */
export function anyMemory(): ParameterType<number> {
  return { ...memory(0, 2 ** 64), allowed: 'memory size, such as 100mb; 0: none' }
}

/** Bytes, or a part of the memory of another parameter: a negative value is a percentage. */
export function memoryOrPercent(): ParameterType<number> {
  return {
    parse: (words) => {
      const text = joinWords(words)
      if (!text.endsWith('%')) {
        const bytes = memoryBytes(text)
        return bytes === undefined ? refused(NOT_MEMORY_OR_PERCENT) : { value: Number(bytes) }
      }
      const percent = text.slice(0, -1)
      if (!/^\d+$/.test(percent)) return refused(NOT_MEMORY_OR_PERCENT)
      if (Number(percent) > 100) return refused('percentage argument must be less or equal to 100')
      return { value: percent === '0' ? 0 : -Number(percent) }
    },
    print: (value) => (value < 0 ? `${-value}%` : wholeText(value)),
    lines: (value) => [[value < 0 ? `${-value}%` : memoryText(value)]],
    allowed: 'memory size such as 100mb, or percentage such as 5%; 0: none',
    placeholder: 'SIZE|N%',
  }
}

/** The mode of a file in octal digits; 0: as the system makes it. */
export function fileMode(): ParameterType<number> {
  return {
    parse: (words) => {
      const text = joinWords(words)
      if (!/^[0-7]{1,7}$/.test(text)) return refused("argument couldn't be parsed as an octal number")
      const mode = Number.parseInt(text, 8)
      return mode > 0o777 ? refused('argument must be between 0 and 777 inclusive') : { value: mode }
    },
    print: (value) => value.toString(8),
    allowed: 'octal digits 0..777',
    isGivenAsValue: true,
    placeholder: 'MODE',
  }
}

/** Bytes that a text means; undefined: none. As Redis, nothing at all is 0. */
export function memoryBytes(text: ByteString): bigint | undefined {
  const parts = /^(\d*)([a-z]*)$/.exec(text.toLowerCase())
  const unit = parts === null ? undefined : UNITS[parts[2]!]
  if (parts === null || unit === undefined) return undefined
  const bytes = BigInt(parts[1]!) * unit
  return bytes > UINT64_LAST ? UINT64_LAST : bytes
}

/** Bytes in the largest unit of which they are a whole number, as in a file. */
export function memoryText(bytes: number): ByteString {
  for (const [unit, size] of [
    ['gb', 1024 ** 3],
    ['mb', 1024 ** 2],
    ['kb', 1024],
  ] as const) {
    if (bytes > 0 && bytes < 2 ** 53 && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return wholeText(bytes)
}

function within(value: bigint, min: number, max: number): Parsed<number> {
  const inRange = value >= bound(min) && value <= bound(max)
  if (inRange) return { value: Number(value) }
  return refused(`argument must be between ${bound(min)} and ${bound(max)} inclusive`)
}

function bound(value: number): bigint {
  if (value >= 2 ** 64) return UINT64_LAST
  return value >= INT64_MAX ? INT64_LAST : BigInt(value)
}

function wholeText(value: number): ByteString {
  return Number.isSafeInteger(value) ? String(value) : String(value === INT64_MAX ? INT64_LAST : bound(value))
}

function rangeText(min: number, max: number): string {
  return max >= INT64_MAX ? `from ${min}` : `${min}..${max}`
}

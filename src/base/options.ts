/**
 * Checks of what a caller passes in: an unknown key or a value out of range is an error that names it.
 *
 * OTP accepts unknown options silently, and a misspelt limit is then no limit; we refuse them and name the
 * nearest key. Tests: test/base/options.test.ts
 */
import { ShardloomError } from './errors.ts'

/** Throws `SHL_OPTION_UNKNOWN` for the first key of `options` that is not in `known`. */
export function checkKnownOptions(where: string, options: object, known: readonly string[]): void {
  for (const option of Object.keys(options)) {
    if (known.includes(option)) continue
    throw new ShardloomError('SHL_OPTION_UNKNOWN', { where, option, nearest: nearestName(option, known) })
  }
}

/** Bounds of a numeric option, both inclusive. */
export interface NumberRange {
  readonly min: number
  readonly max: number
  /** Whether only whole numbers are allowed. */
  readonly integer?: boolean
}

/** The value, or `fallback` where it is undefined; `SHL_OPTION_INVALID` out of `range`. */
export function numberOption(option: string, value: unknown, fallback: number, range: NumberRange): number {
  if (value === undefined) return fallback
  const isFit =
    typeof value === 'number' &&
    value >= range.min &&
    value <= range.max &&
    (range.integer !== true || Number.isInteger(value))
  if (isFit) return value
  const allowed = `${range.integer === true ? 'integer ' : ''}${range.min}..${range.max}`
  throw new ShardloomError('SHL_OPTION_INVALID', { option, value: printable(value), allowed })
}

/** The value, or `fallback` where it is undefined; `SHL_OPTION_INVALID` when it is none of `allowed`. */
export function choiceOption<T extends string>(
  option: string,
  value: unknown,
  fallback: T,
  allowed: readonly T[],
): T {
  if (value === undefined) return fallback
  if (allowed.includes(value as T)) return value as T
  throw new ShardloomError('SHL_OPTION_INVALID', {
    option,
    value: printable(value),
    allowed: allowed.join(' | '),
  })
}

/** Throws `SHL_OPTION_INVALID` with what is wanted. */
export function invalidOption(option: string, value: unknown, allowed: string): never {
  throw new ShardloomError('SHL_OPTION_INVALID', { option, value: printable(value), allowed })
}

function printable(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'an object'
  return String(value)
}

/** Of `known`, what takes the fewest changes of letters. */
export function nearestName(name: string, known: readonly string[]): string {
  let best = known[0] ?? '-'
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance >= bestDistance) continue
    best = candidate
    bestDistance = distance
  }
  return best
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(substitution, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

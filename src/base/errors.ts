/**
 * `ShardloomError`: every operating error that this package throws or rejects with.
 *
 * One class with a `code` from the catalogue instead of a class per code: callers match on `code`, which
 * survives a thread crossing, two copies of the package and a bundler. `instanceof` works across copies
 * through a registered symbol (undici's way), so an error rebuilt by the codec passes as well. Expected
 * outcomes are values and never errors; broken invariants are assertions (`assert.ts`).
 *
 * Tests: test/base/errors.test.ts
 */
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'

const BRAND: unique symbol = Symbol.for('shardloom.error') as never

/** Values that fill the template of the code, and stay readable on the error. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** The error of this package. `code` is stable, `details` holds the figures of the message. */
export class ShardloomError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails
  /** Whether the same call may succeed when it is made again, unchanged. */
  readonly retryable: boolean
  readonly [BRAND] = true

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(formatErrorMessage(code, details), options)
    this.name = 'ShardloomError'
    this.code = code
    this.details = details
    this.retryable = ERROR_CODES[code].retryable
    Object.defineProperty(this, BRAND, { enumerable: false })
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
  }
}

/** The text of a code with its details filled in: `[CODE] message; advice`. */
export function formatErrorMessage(code: ErrorCode, details: ErrorDetails): string {
  const row = ERROR_CODES[code]
  return `${fill(row.message, details)}; ${fill(row.advice, details)}`
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = details[name]
    return value === undefined ? '-' : typeof value === 'string' ? value : safeString(value)
  })
}

function safeString(value: unknown): string {
  try {
    return typeof value === 'object' ? JSON.stringify(value) : String(value)
  } catch {
    // A value that cannot be printed must not hide the error it belongs to.
    return '[unprintable]'
  }
}

/** Whatever was thrown, as an `Error`: a thrown non-error keeps its value in `cause`. */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new Error(`thrown: ${safeString(thrown)}`, { cause: thrown })
}

/**
 * One row of the catalogue of errors.
 * Tests: test/base/error-codes.test.ts
 */

/** What one row of the catalogue says. */
export interface ErrorCodeRow {
  /** Template; `{name}` stands for `details.name`. */
  readonly message: string
  /** What the reader should do next. */
  readonly advice: string
  /** Whether the same call may succeed when it is made again, unchanged. */
  readonly retryable: boolean
}

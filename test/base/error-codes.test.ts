/** The catalogue of errors: each row complete, each placeholder a word. */
import { expect, test } from 'vitest'
import { ERROR_CODES } from '../../src/base/error-codes.ts'

test.each(Object.entries(ERROR_CODES))('%s says what happened and what to do', (code, row) => {
  expect(code).toMatch(/^SHL_[A-Z]+(?:_[A-Z]+)*$/)
  // What a shard answered stands for itself.
  if (row.message !== '{reply}') expect(row.message.length).toBeGreaterThan(10)
  expect(row.advice.length).toBeGreaterThan(3)
  // Every brace belongs to a placeholder.
  expect(row.message.replace(/\{\w+\}/g, '')).not.toMatch(/[{}]/)
})

/** The values that stand for replies. */
import { expect, test } from 'vitest'
import {
  ErrorReply,
  err,
  NO_SUCH_KEY,
  NOT_FLOAT,
  NOT_INTEGER,
  NULL_ARRAY,
  OK,
  OUT_OF_MEMORY,
  OUT_OF_RANGE,
  QUEUED,
  SYNTAX_ERROR,
  WRONG_TYPE,
} from '../../../src/keyspace/engine/index.ts'

test('an error has its first word apart, and reads as Redis prints it', () => {
  const error = new ErrorReply('FENCED', 'a newer holder')
  expect([error.code, error.message, error.text]).toEqual([
    'FENCED',
    'a newer holder',
    'FENCED a newer holder',
  ])
  expect(err('no').text).toBe('ERR no')
})

test('an error is thrown without a stack, and is no Error', () => {
  const thrown = ((): unknown => {
    try {
      throw err('no')
    } catch (caught) {
      return caught
    }
  })()
  expect(thrown).toBeInstanceOf(ErrorReply)
  expect(thrown).not.toBeInstanceOf(Error)
  expect(thrown).not.toHaveProperty('stack')
})

test('the errors of many commands are worded as in Redis, to the letter', () => {
  expect(
    [WRONG_TYPE, SYNTAX_ERROR, NOT_INTEGER, NOT_FLOAT, NO_SUCH_KEY, OUT_OF_RANGE, OUT_OF_MEMORY].map(
      ({ text }) => text,
    ),
  ).toEqual([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'ERR syntax error',
    'ERR value is not an integer or out of range',
    'ERR value is not a valid float',
    'ERR no such key',
    'ERR index out of range',
    "OOM command not allowed when used memory > 'maxmemory'.",
  ])
})

test('statuses and the missing array are no strings and no null', () => {
  expect([OK.text, QUEUED.text]).toEqual(['OK', 'QUEUED'])
  expect(NULL_ARRAY).not.toBeNull()
  expect(NULL_ARRAY.isNull).toBe(true)
})

/** Errors: recognised across copies, readable without documentation. */
import { describe, expect, test } from 'vitest'
import { assert, unreachable } from '../../src/base/assert.ts'
import { ShardloomError, toError } from '../../src/base/errors.ts'

describe('ShardloomError', () => {
  test('says what was asked, what was found, what is allowed, and what to do', () => {
    const error = new ShardloomError(
      'SHL_ASK_TIMEOUT',
      { actor: 'a', type: 'b', timeoutMs: 5 },
      { cause: 'why' },
    )
    expect(error.message).toMatch(/ask timed out: actor=a type=b timeoutMs=5; raise timeoutMs/)
    expect(error).toMatchObject({
      code: 'SHL_ASK_TIMEOUT',
      retryable: true,
      cause: 'why',
      name: 'ShardloomError',
    })
    expect(Object.keys(error)).not.toContain('message')
  })

  test('is recognised when it was made by another copy of the package', () => {
    const other = Object.assign(new Error('x'), { [Symbol.for('shardloom.error')]: true })
    expect(other).toBeInstanceOf(ShardloomError)
    expect(new Error('x')).not.toBeInstanceOf(ShardloomError)
  })

  test('shows a gap for a missing detail, and survives one that cannot be printed', () => {
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(new ShardloomError('SHL_ASSERTION', {}).message).toContain('assertion failed: -')
    expect(new ShardloomError('SHL_ASSERTION', { text: circle }).message).toContain('[unprintable]')
  })
})

test('toError keeps errors and wraps everything else', () => {
  const error = new RangeError('x')
  expect(toError(error)).toBe(error)
  expect(toError('text')).toMatchObject({ message: 'thrown: text', cause: 'text' })
})

test('assertions throw SHL_ASSERTION with their text', () => {
  expect(() => assert(true, 'fine')).not.toThrow()
  expect(() => assert(false, 'the text')).toThrow(/the text/)
  expect(() => unreachable('x' as never)).toThrow(/unreachable: x/)
})

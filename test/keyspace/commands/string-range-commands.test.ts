/** Strings in part. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

const TOO_LONG = '(error) ERR string exceeds maximum allowed size (proto-max-bulk-len)'

describe('APPEND', () => {
  test('appends, or sets what was missing', () => {
    const { ask, events, effects } = makeEngine()
    expect(ask('APPEND', 'k', 'ab')).toBe(2)
    expect(events()).toEqual(['append k'])
    ask('EXPIRE', 'k', 10)
    expect(ask('APPEND', 'k', 'c')).toBe(3)
    expect(effects()).toEqual([['APPEND', 'k', 'c']])
    expect(ask('GET', 'k')).toBe('abc')
    expect(ask('TTL', 'k')).toBe(10)
  })
})

describe('SETRANGE', () => {
  test('writes over zeros where the string is shorter', () => {
    const { ask, events } = makeEngine()
    expect(ask('SETRANGE', 'k', 3, 'ab')).toBe(5)
    expect(events()).toEqual(['setrange k'])
    expect(ask('GET', 'k')).toBe('\0\0\0ab')
    expect(ask('SETRANGE', 'k', 1, 'x')).toBe(5)
    expect(ask('GET', 'k')).toBe('\0x\0ab')
  })

  test('writes nothing when there is nothing to write', () => {
    const { ask, commits } = makeEngine()
    expect(ask('SETRANGE', 'k', 5, '')).toBe(0)
    expect(ask('EXISTS', 'k')).toBe(0)
    ask('SET', 'k', 'abc')
    expect(ask('SETRANGE', 'k', 100, '')).toBe(3)
    expect(commits.length).toBe(1)
  })

  test('refuses offsets below zero and beyond the longest value', () => {
    const { ask } = makeEngine()
    expect(ask('SETRANGE', 'k', -1, '')).toBe('(error) ERR offset is out of range')
    expect(ask('SETRANGE', 'k', 'x', 'a')).toBe('(error) ERR value is not an integer or out of range')
    for (const offset of ['536870912', '9223372036854775807']) {
      expect(ask('SETRANGE', 'k', offset, 'a')).toBe(TOO_LONG)
    }
    expect(ask('EXISTS', 'k')).toBe(0)
  })
})

describe('GETRANGE', () => {
  test.each([
    [0, -1, 'hello'],
    [1, 3, 'ell'],
    [-3, -1, 'llo'],
    [-100, 100, 'hello'],
    [3, 1, ''],
    [5, 10, ''],
    [-1, -3, ''],
    [-100, -100, 'h'],
    [0, -100, 'h'],
    ['9223372036854775807', '9223372036854775807', ''],
  ])('from %s to %s of hello is %j', (start, end, part) => {
    const { ask } = makeEngine()
    ask('SET', 'k', 'hello')
    expect(ask('GETRANGE', 'k', start, end)).toBe(part)
    expect(ask('SUBSTR', 'k', start, end)).toBe(part)
  })

  test('of a missing key is empty', () => {
    const { ask } = makeEngine()
    expect(ask('GETRANGE', 'k', 0, -1)).toBe('')
    expect(ask('GETRANGE', 'k', 'x', -1)).toBe('(error) ERR value is not an integer or out of range')
  })
})

test('strings in part are what the same steps make of a string', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\0', '\xff'), maxLength: 9 })
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), text, at: fc.constant(0) }),
    fc.record({ kind: fc.constant('write' as const), text, at: fc.nat(30) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const { ask } = makeEngine()
      let model = ''
      for (const { kind, text: part, at } of steps) {
        if (kind === 'append') model += part
        else if (part !== '') {
          model = model.padEnd(at, '\0')
          model = model.slice(0, at) + part + model.slice(at + part.length)
        }
        expect(kind === 'append' ? ask('APPEND', 'k', part) : ask('SETRANGE', 'k', at, part)).toBe(
          model.length,
        )
        expect(ask('GET', 'k') ?? '').toBe(model)
        expect(ask('STRLEN', 'k')).toBe(model.length)
      }
    }),
  )
})

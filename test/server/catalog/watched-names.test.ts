/** What WATCHREV names. */
import { expect, it } from 'vitest'
import { parseWatch } from '../../../src/server/catalog/watched-names.ts'

function parsed(text: string): unknown {
  const request = parseWatch(text.split(' '))
  if (typeof request === 'string') return request
  const { names, ...rest } = request
  return { names: names.map(({ kind, pattern }) => `${kind} ${pattern}`), ...rest }
}

const PLAIN = { id: '', since: undefined, values: false, progressMs: 5000 }

it('patterns come first, then lists and options in any order', () => {
  expect(parsed('WATCHREV a* b')).toEqual({ ...PLAIN, names: ['pattern a*', 'pattern b'] })
  expect(parsed('watchrev a since 7 keys k* m values prefix p? progress 10 id one')).toEqual({
    names: ['pattern a', 'key k\\*', 'key m', 'pattern p\\?*'],
    id: 'one',
    since: 7,
    values: true,
    progressMs: 10,
  })
  expect(parsed('WATCHREV KEYS a b VALUES')).toEqual({ ...PLAIN, names: ['key a', 'key b'], values: true })
  expect(parsed('WATCHREV PREFIX keys keys since')).toBe('syntax')
})

it('the first word is a pattern where nothing else can be meant', () => {
  expect(parsed('WATCHREV keys')).toEqual({ ...PLAIN, names: ['pattern keys'] })
  expect(parsed('WATCHREV prefix SINCE 0')).toEqual({ ...PLAIN, names: ['pattern prefix'], since: 0 })
  expect(parsed('WATCHREV since')).toEqual({ ...PLAIN, names: ['pattern since'] })
  expect(parsed('WATCHREV x KEYS values')).toEqual({ ...PLAIN, names: ['pattern x', 'key values'] })
})

it('what cannot be meant is refused', () => {
  expect(parsed('WATCHREV a SINCE')).toBe('syntax')
  expect(parsed('WATCHREV a VALUES b')).toBe('syntax')
  expect(parsed('WATCHREV a KEYS')).toBe('syntax')
  expect(parsed('WATCHREV a SINCE -1')).toBe('revision')
  expect(parsed('WATCHREV a SINCE 9007199254740993')).toBe('revision')
  expect(parsed('WATCHREV a PROGRESS 9')).toBe('progress')
  expect(parsed('WATCHREV a PROGRESS 2147483648')).toBe('progress')
  expect(parsed('WATCHREV a PROGRESS x')).toBe('progress')
})

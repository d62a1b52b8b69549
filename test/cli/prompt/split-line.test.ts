/** Lines cut into words, as redis-cli cuts them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quoted, typedWord } from '../../../src/cli/prompt/quote.ts'
import { splitLine } from '../../../src/cli/prompt/split-line.ts'

test.each([
  ['', []],
  ['   ', []],
  ['get a', ['get', 'a']],
  ['  get   a  ', ['get', 'a']],
  ['set a "b c"', ['set', 'a', 'b c']],
  [String.raw`"\x41\n\t\r\b\a\"\\\q"`, ['A\n\t\r\b\x07"\\q']],
  [String.raw`"\xzz"`, ['xzz']],
  [String.raw`'a\'b\n'`, ["a'b\\n"]],
  ['a"b c"', ['ab c']],
  ['""', ['']],
  ["set k ''", ['set', 'k', '']],
])('%j has these words', (line, words) => {
  expect(splitLine(line)).toMatchObject({ words, openQuote: undefined, isInvalid: false })
})

test('an open quote is told, with the words so far', () => {
  expect(splitLine('set a "b')).toMatchObject({ words: ['set', 'a', 'b'], openQuote: '"' })
  expect(splitLine("set 'a")).toMatchObject({ words: ['set', 'a'], openQuote: "'" })
})

test('a quote that is closed within a word is wrong', () => {
  expect(splitLine('set "a"b c').isInvalid).toBe(true)
  expect(splitLine('set "a" b').isInvalid).toBe(false)
})

test('it is told whether the last word may go on, and where it begins', () => {
  expect(splitLine('get ab')).toMatchObject({ endsInWord: true, lastWordStart: 4 })
  expect(splitLine('get ab ')).toMatchObject({ endsInWord: false, lastWordStart: 7 })
})

test('words that were quoted are cut as they were', () => {
  const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) })
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), (words) => {
      expect(splitLine(words.map(quoted).join(' ')).words).toEqual(words)
      expect(splitLine(words.map(typedWord).join(' ')).words).toEqual(words)
    }),
  )
})

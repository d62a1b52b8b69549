/** Lines of a redis.conf are split as Redis splits them, and read as they were written. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { confLine, confWords } from '../../../src/server/parameters/conf-line.ts'

test.each([
  ['', []],
  ['  # comment "', []],
  ['port 6379', ['port', '6379']],
  [' \tdir\t"/a b" \r', ['dir', '/a b']],
  [`a "x\\x41\\n\\"\\q" 'y\\'z\\n'`, ['a', 'xA\n"q', "y'z\\n"]],
  ['save ""', ['save', '']],
  ['user a on >p#ss', ['user', 'a', 'on', '>p#ss']],
  ['a b"c d"', ['a', 'bc d']],
  ['"a"b', undefined],
  ['a "b', undefined],
  ["a 'b", undefined],
])('%j is %j', (line, words) => {
  expect(confWords(line)).toEqual(words)
})

test('what is written is read again', () => {
  const word = fc.oneof(
    fc.string(),
    fc.array(fc.nat(255), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes)),
    fc.constantFrom('', '#', '"', "'", '\\', '#x', 'a#b'),
  )
  const words = fc.array(
    word.filter((text) => [...text].every((char) => char.charCodeAt(0) < 256)),
    { minLength: 1 },
  )
  fc.assert(
    fc.property(words, (given) => {
      const line = confLine(given)
      expect(line).toMatch(/^[\x20-\x7e]*$/)
      expect(confWords(line)).toEqual(given)
    }),
  )
})

test('no bytes at all make it fail', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('"', "'", '\\', 'x', 'f', '0', ' ', '#', '\xff', '\0')), (chars) => {
      const words = confWords(chars.join(''))
      expect(words === undefined || Array.isArray(words)).toBe(true)
    }),
  )
})

/** Bytes as quoted strings and as JSON. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonQuoted, jsonQuotedAscii, quoted, typedWord } from '../../../src/cli/prompt/quote.ts'

test('what is not printable is escaped', () => {
  expect(quoted('a"b\\c\n\x00\xff')).toBe(String.raw`"a\"b\\c\n\x00\xff"`)
  expect(typedWord('plain')).toBe('plain')
  expect(typedWord('two words')).toBe('"two words"')
  expect(typedWord('')).toBe('""')
})

test('both forms of JSON can be parsed, whatever the text', () => {
  const texts = fc.array(fc.integer({ min: 0, max: 0x2fff })).map((codes) => String.fromCodePoint(...codes))
  fc.assert(
    fc.property(texts, (text) => {
      const bytes = Buffer.from(text).toString('latin1')
      expect(JSON.parse(Buffer.from(jsonQuoted(bytes), 'latin1').toString())).toBe(
        Buffer.from(text).toString(),
      )
      expect(JSON.parse(jsonQuotedAscii(bytes))).toBe(quoted(bytes).slice(1, -1))
    }),
  )
})

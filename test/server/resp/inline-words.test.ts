/** Words of a line, with quotes and escapes as Redis takes them. */
import { expect, test } from 'vitest'
import { ArgumentTable } from '../../../src/server/resp/argument-table.ts'
import { InlineWords } from '../../../src/server/resp/inline-words.ts'

function split(line: string): string[] | undefined {
  const table = new ArgumentTable()
  const words = new InlineWords(table)
  const bytes = Buffer.from(`<<${line}>>`, 'latin1')
  const before = bytes.toString('latin1')
  const isSplit = words.split(bytes, 2, 2 + line.length)
  expect(bytes.toString('latin1')).toBe(before)
  if (!isSplit) return undefined
  const at = (i: number): [number, number] => [table.offsets[i]!, table.offsets[i]! + table.lengths[i]!]
  return Array.from({ length: words.count }, (_, i) => Buffer.from(words.bytes).toString('latin1', ...at(i)))
}

test.each([
  ['', []],
  [' \t ', []],
  ['PING', ['PING']],
  ['  set  key\tvalue ', ['set', 'key', 'value']],
  ['a\vb', ['a\vb']],
  ['\va \fb', ['a', 'b']],
  ['a\rb', ['a', 'b']],
  ['a\\x41 \\n', ['a\\x41', '\\n']],
  ['""', ['']],
  ["'' x", ['', 'x']],
  ['"a b" c', ['a b', 'c']],
  ['a"b c"', ['ab c']],
  ["a'b'", ['ab']],
  ['"\\n\\r\\t\\b\\a\\q\\\\\\""', ['\n\r\t\b\x07q\\"']],
  ['"\\x41\\xfF\\x4\\xzz"', ['A\xffx4xzz']],
  ["'a\\'b\\n\\x41\"'", ['a\'b\\n\\x41"']],
  ['"it\'s"', ["it's"]],
  ['x "a\0b"', ['x', 'a\0b']],
])('%j is %j', (line, words) => {
  expect(split(line)).toEqual(words)
})

test.each(['"', "'", '"a', "'a", '"a"b', "'a'b", '"a\\"', "'a\\'", '"a\\', '"a""b"', 'x "y'])(
  '%j has no end',
  (line) => {
    expect(split(line)).toBeUndefined()
  },
)

test('a line of more words than the table has rows', () => {
  const line = Array.from({ length: 1000 }, (_, i) => `w${i}`)
  expect(split(line.join(' '))).toEqual(line)
})

/** Words, their parts, their lines and their definitions, on small texts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFINITION_KINDS, splitName, visitWords } from '../../examples/code-search/tokenize.ts'

function wordsOf(text: string, isCode = true): string[] {
  const words: string[] = []
  visitWords(text, isCode, (word, line, kind) => {
    words.push(kind === 0 ? `${word}:${line}` : `${word}:${line}:${DEFINITION_KINDS[kind]}`)
  })
  return words
}

describe('splitName', () => {
  test.each([
    ['readFileSync', ['readfilesync', 'read', 'file', 'sync']],
    ['worker_threads', ['worker_threads', 'worker', 'threads']],
    ['HTTPServer', ['httpserver', 'http', 'server']],
    ['MAX_SIZE', ['max_size', 'max', 'size']],
    ['$el', ['$el', 'el']],
    ['plain', ['plain']],
    ['utf8Bytes', ['utf8bytes', 'utf8', 'bytes']],
    ['x', ['x']],
  ])('%s', (word, terms) => {
    expect(splitName(word)).toEqual(terms)
  })
})

describe('visitWords', () => {
  test('words with their lines', () => {
    expect(wordsOf('a b\n\nc.d')).toEqual(['a:1', 'b:1', 'c:3', 'd:3'])
  })

  test('numbers are no words, and words may have digits', () => {
    expect(wordsOf('x2 = 0xff + 12n + é1')).toEqual(['x2:1', 'é1:1'])
  })

  test('what is too long to be a name is left out', () => {
    expect(wordsOf(`a ${'q'.repeat(65)} b`)).toEqual(['a:1', 'b:1'])
  })

  test.each([
    ['function run() {}', 'run:1:function'],
    ['function* items() {}', 'items:1:function'],
    ['export class Pool {', 'Pool:1:class'],
    ['const limit = 3', 'limit:1:const'],
    ['let\n  late', 'late:2:let'],
    ['interface Shape {', 'Shape:1:interface'],
    ['type Id = string', 'Id:1:type'],
    ['enum Color {', 'Color:1:enum'],
    ['  close(options) {', 'close:1:method'],
    ['  static async open(path) {\n', 'open:1:method'],
  ])('%s', (text, expected) => {
    expect(wordsOf(text)).toContain(expected)
  })

  test.each(['if (ready) {', 'for (;;) {', 'x = type.name', 'call(a)', 'return run() {', 'function (a) {}'])(
    'no definition in: %s',
    (text) => {
      expect(wordsOf(text).filter((word) => word.split(':').length > 2)).toEqual([])
    },
  )

  test('prose has no definitions', () => {
    expect(wordsOf('the class Pool', false)).toEqual(['the:1', 'class:1', 'Pool:1'])
  })

  test('any text: the count is that of the visits, and lines never go back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const lines: number[] = []
        const count = visitWords(text, true, (_word, line) => void lines.push(line))
        expect(count).toBe(lines.length)
        expect(lines).toEqual(lines.toSorted((a, b) => a - b))
      }),
    )
  })
})

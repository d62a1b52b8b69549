/** The notation of arguments: what is read of it, and what is refused. */
import { describe, expect, test } from 'vitest'
import { parseSyntax, type SyntaxNode } from '../../../src/server/catalog/syntax-tree.ts'

/** A tree as one line: `key <NX | XX>? (field value)+`. */
function line(nodes: readonly SyntaxNode[]): string {
  return nodes.map(word).join(' ')
}

function word(node: SyntaxNode): string {
  if (node.kind === 'repeat') return `(${line(node.nodes)})+`
  if (node.kind !== 'group') return node.text
  return `<${node.alternatives.map(line).join(' | ')}>${node.isOptional ? '?' : ''}`
}

const read = (syntax: string): string => line(parseSyntax(syntax))

describe('the notation of arguments', () => {
  test('knows words, options and alternatives', () => {
    expect(read('')).toBe('')
    expect(read('key value [NX | XX] [GET]')).toBe('key value <NX | XX>? <GET>?')
    expect(read('key <BEFORE | AFTER> pivot')).toBe('key <BEFORE | AFTER> pivot')
    expect(read('[protover [AUTH name password]]')).toBe('<protover <AUTH name password>?>?')
  })

  test('repeats what stands before dots', () => {
    expect(read('key [key ...]')).toBe('(key)+')
    expect(read('key field value [field value …]')).toBe('key (field value)+')
    expect(read('[pattern [pattern ...]]')).toBe('<(pattern)+>?')
    expect(read('[GET pattern [GET pattern ...]]')).toBe('<(GET pattern)+>?')
    expect(read('WEIGHTS weight [weight ...]')).toBe('WEIGHTS (weight)+')
  })

  test('lets what is repeated be missing where it stands in brackets alone', () => {
    expect(read('command [arg ...]')).toBe('command <(arg)+>?')
  })

  test.each(['[key', 'key]', '<A | B]', '[A | <B]>', '>'])('refuses %s', (syntax) => {
    expect(() => parseSyntax(syntax)).toThrow(/syntax/)
  })
})

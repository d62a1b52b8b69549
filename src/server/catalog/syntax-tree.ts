/**
 * Reads the arguments of a command as its documentation writes them: `key [NX | XX] [EX seconds] value …`.
 *
 * The notation is Redis': words in capitals are typed as they stand, words in small letters are values,
 * brackets are options, a bar parts alternatives, angle brackets hold alternatives of which one is needed,
 * and dots end what may be repeated: `key [key ...]` is one or more keys. This reads it into a tree whose
 * repeated parts are nodes of their own; command-arguments.ts makes of it what `COMMAND DOCS` tells.
 *
 * Invariant: a text that is not closed, or closed twice, is refused: rows are read by a test, every one.
 * Tests: test/server/catalog/syntax-tree.test.ts
 */
import { assert } from '../../base/index.ts'

/** A part of a command's arguments. */
export type SyntaxNode =
  /** Typed as it stands. */
  | { readonly kind: 'token'; readonly text: string }
  /** A value. */
  | { readonly kind: 'value'; readonly text: string }
  /** One of several, or, with one alternative alone, an option. */
  | {
      readonly kind: 'group'
      readonly isOptional: boolean
      readonly alternatives: readonly (readonly SyntaxNode[])[]
    }
  /** Once or several times. */
  | { readonly kind: 'repeat'; readonly nodes: readonly SyntaxNode[] }

const WORDS = /\.\.\.|…|[[\]<>|]|[^\s[\]<>|]+/g
const CLOSES: Readonly<Record<string, string>> = { '[': ']', '<': '>' }

/** The parts, in their order. @throws ShardloomError SHL_ASSERTION when it is not well formed */
export function parseSyntax(syntax: string): readonly SyntaxNode[] {
  const words = syntax.match(WORDS) ?? []
  const reader = { words, at: 0 }
  const [nodes] = readAlternatives(reader, undefined)
  assert(reader.at === words.length, `the syntax is well formed: ${syntax}`)
  return nodes as readonly SyntaxNode[]
}

interface Reader {
  readonly words: readonly string[]
  at: number
}

/** Up to `close`, which is read as well. */
function readAlternatives(reader: Reader, close: string | undefined): readonly (readonly SyntaxNode[])[] {
  const alternatives: SyntaxNode[][] = [[]]
  for (;;) {
    const nodes = alternatives.at(-1) as SyntaxNode[]
    const word = reader.words[reader.at]
    if (word === undefined || word === ']' || word === '>') {
      assert(word === close, `a syntax closes what it opens: ${reader.words.join(' ')}`)
      if (word !== undefined) reader.at++
      return alternatives
    }
    reader.at++
    if (word === '|') alternatives.push([])
    else if (word === '[' || word === '<') putGroup(nodes, readGroup(reader, word))
    else if (word === '...' || word === '…') nodes.push(DOTS)
    else nodes.push({ kind: isToken(word) ? 'token' : 'value', text: word })
  }
}

type Group = Extract<SyntaxNode, { kind: 'group' }>

function readGroup(reader: Reader, open: string): Group {
  const alternatives = readAlternatives(reader, CLOSES[open])
  return { kind: 'group', isOptional: open === '[', alternatives }
}

/** Stands only within a group, at its end. */
const DOTS: SyntaxNode = { kind: 'token', text: '...' }

/** `key` and then `[key ...]` is a repeated key; `[key ...]` alone is any number of them. */
function putGroup(nodes: SyntaxNode[], group: Group): void {
  const [only = [], other] = group.alternatives
  if (other !== undefined || only.at(-1) !== DOTS) {
    nodes.push(group)
    return
  }
  const repeated = only.slice(0, -1)
  const before = nodes.slice(-repeated.length)
  const repeat: SyntaxNode = { kind: 'repeat', nodes: repeated }
  if (JSON.stringify(before) === JSON.stringify(repeated)) nodes.splice(-repeated.length, Infinity, repeat)
  else nodes.push({ ...group, alternatives: [[repeat]] })
}

/** In capitals, or made of signs: nothing in small letters. */
function isToken(word: string): boolean {
  return !/[a-z]/.test(word)
}

/**
 * The arguments of a command as `COMMAND DOCS` tells them: a tree, made from the notation of its row.
 *
 * So the row's syntax is the one place where options are listed; help texts and completion follow. Which
 * values are keys is not guessed from names: the key specifications say where keys stand.
 *
 * A token takes the values behind it: `EX seconds` is one argument with a token, `LIMIT offset count` is a
 * block with one, `AGGREGATE <SUM | MIN>` a choice with one, and `WITHSCORES` alone is a token by itself.
 *
 * Tests: test/server/catalog/command-arguments.test.ts
 */
import { type ArgumentType, choiceName, tokenName, valueNamed } from './argument-names.ts'
import type { CommandInfo } from './command-info.ts'
import { parseSyntax, type SyntaxNode } from './syntax-tree.ts'

/** What may stand at an argument besides what it is. */
export type ArgumentFlag = 'optional' | 'multiple' | 'multiple_token'

/** An argument, a choice of arguments, or several that belong together. */
export interface CommandArgument {
  readonly name: string
  readonly type: ArgumentType
  /** Stands before it; of a pure token: all there is. */
  readonly token?: string
  /** Which of the key specifications finds it. */
  readonly keySpecIndex?: number
  readonly flags: readonly ArgumentFlag[]
  /** Of a choice or a block. */
  readonly parts?: readonly CommandArgument[]
}

const known = new WeakMap<CommandInfo, readonly CommandArgument[]>()

/** The arguments of a command. Read from the notation when they are asked for the first time. */
export function argumentsOf(info: CommandInfo): readonly CommandArgument[] {
  const read = known.get(info)
  if (read !== undefined) return read
  const made = new ArgumentReader(info).read()
  known.set(info, made)
  return made
}

/** Reads one command's notation. */
class ArgumentReader {
  readonly #info: CommandInfo
  /** The index in `argv` of what comes next; 0: it depends on what is given before. */
  #index: number
  /** How many sides are still to be chosen, of those of a request that names two. */
  #sides = 0

  constructor(info: CommandInfo) {
    this.#info = info
    this.#index = info.container === undefined ? 1 : 2
  }

  read(): readonly CommandArgument[] {
    const nodes = parseSyntax(this.#info.syntax)
    const sides = nodes.filter((node) => node.kind === 'group' && firstToken(node) === 'LEFT')
    // LMOVE names two: from which side, and to which.
    this.#sides = sides.length === 2 ? 2 : 0
    return this.#sequence(nodes)
  }

  #sequence(nodes: readonly SyntaxNode[]): CommandArgument[] {
    const made: CommandArgument[] = []
    for (let at = 0; at < nodes.length; ) {
      const node = nodes[at] as SyntaxNode
      at++
      if (node.kind !== 'token') {
        made.push(this.#one(node))
        continue
      }
      if (this.#index > 0) this.#index++
      const body = bodyOf(nodes, at)
      at += body.length
      made.push(this.#withToken(node.text, body))
    }
    return made
  }

  #one(node: Exclude<SyntaxNode, { kind: 'token' }>): CommandArgument {
    if (node.kind === 'value') return this.#value(node.text)
    if (node.kind === 'repeat') {
      const argument = joined(this.#sequence(node.nodes))
      this.#index = 0
      const hasToken = argument.token !== undefined && argument.type !== 'pure-token'
      return withFlags(argument, hasToken ? ['multiple', 'multiple_token'] : ['multiple'])
    }
    // What is behind an option, or a choice, stands where its length lets it; a token's length is known.
    const before = this.#index
    if (node.isOptional) this.#index = 0
    const made = node.alternatives.map((nodes) => this.#sequence(nodes))
    const isOfOneWord = !node.isOptional && made.every(([part]) => part?.type === 'pure-token')
    this.#index = isOfOneWord && before > 0 ? before + 1 : 0
    const argument = made.length === 1 ? joined(made[0] as CommandArgument[]) : this.#choice(node, made)
    return node.isOptional ? withFlags(argument, ['optional']) : argument
  }

  #choice(
    node: Extract<SyntaxNode, { kind: 'group' }>,
    made: readonly (readonly CommandArgument[])[],
  ): CommandArgument {
    const parts = made.map((sequence) => joined(sequence))
    let name = choiceName(
      firstToken(node),
      parts.map((part) => part.name),
    )
    if (name === 'where' && this.#sides > 0) name = this.#sides-- === 2 ? 'wherefrom' : 'whereto'
    return { name, type: 'oneof', flags: [], parts }
  }

  #withToken(token: string, body: readonly SyntaxNode[]): CommandArgument {
    if (body.length === 0) return { name: tokenName(token), type: 'pure-token', token, flags: [] }
    const parts = this.#sequence(body)
    const [only, other] = parts as [CommandArgument, CommandArgument | undefined]
    if (other === undefined) return { ...this.#ofToken(only, token), token }
    const isCounted = body.some(({ kind }) => kind === 'repeat')
    return { ...joined(parts), ...(isCounted ? { name: tokenName(token) } : undefined), token }
  }

  /** SORT finds keys by its options, of which the specifications only say that there are such keys. */
  #ofToken(argument: CommandArgument, token: string): CommandArgument {
    const { keySpecs } = this.#info
    const unknown = keySpecs.findIndex(
      ({ begin, access }) => begin.type === 'unknown' && (access === 'W') === (token === 'STORE'),
    )
    if (unknown < 0 || !['STORE', 'BY', 'GET'].includes(token)) return argument
    return { ...argument, type: token === 'STORE' ? 'key' : argument.type, keySpecIndex: unknown }
  }

  #value(word: string): CommandArgument {
    const index = this.#index
    if (index > 0) this.#index++
    const { name, type } = valueNamed(this.#info.name, word)
    const keySpecIndex = index > 0 ? this.#keyAt(index) : -1
    return keySpecIndex < 0 ? { name, type, flags: [] } : { name, type: 'key', keySpecIndex, flags: [] }
  }

  /** Which specification finds a key at this place; -1: none does. */
  #keyAt(index: number): number {
    return this.#info.keySpecs.findIndex(({ begin, find, flags }) => {
      if (begin.type !== 'index' || flags[0] === 'not_key') return false
      if (find.type === 'keynum') return index === begin.index + find.firstKey
      if (find.type !== 'range') return false
      return index === begin.index || (index > begin.index && index <= begin.index + find.lastKey)
    })
  }
}

/** The values that belong to a token: those right behind it, or one choice. */
function bodyOf(nodes: readonly SyntaxNode[], start: number): readonly SyntaxNode[] {
  const [first] = nodes.slice(start, start + 1)
  if (first?.kind === 'group' && !first.isOptional) return [first]
  let end = start
  while (end < nodes.length && isValue(nodes[end] as SyntaxNode)) end++
  return nodes.slice(start, end)
}

function isValue(node: SyntaxNode): boolean {
  return node.kind === 'value' || (node.kind === 'repeat' && node.nodes.every(isValue))
}

/** Several arguments as one. */
function joined(parts: readonly CommandArgument[]): CommandArgument {
  const [only, other] = parts as [CommandArgument, CommandArgument | undefined]
  if (other === undefined) return only
  const isOptional = parts.some(({ flags }) => flags.includes('optional'))
  return { name: isOptional ? 'options' : nameOf(parts), type: 'block', flags: [], parts }
}

function nameOf(parts: readonly CommandArgument[]): string {
  return parts.map(({ name }) => name).join('_')
}

function withFlags(argument: CommandArgument, flags: readonly ArgumentFlag[]): CommandArgument {
  return { ...argument, flags: [...flags, ...argument.flags] }
}

/** The word that a group begins with, if it is typed as it stands. */
function firstToken(node: Extract<SyntaxNode, { kind: 'group' }>): string | undefined {
  const first = node.alternatives[0]?.[0]
  return first?.kind === 'token' ? first.text : undefined
}

/**
 * What a server says of its commands in COMMAND DOCS: the trees that help, hints and completion are drawn
 * from.
 *
 * A tree is Redis' own: an argument is a word, a token (`NX`), a block of arguments or one of several; it may
 * be optional, and may come several times. Nothing about a command is known here, so that a prompt is as new
 * as the server it talks to.
 *
 * Tests: test/cli/prompt/command-docs.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { fieldsOf, itemsOf, pairsOf, textOf } from '../connection/reading.ts'

/** One argument of a command. */
export interface ArgumentDoc {
  readonly name: string
  /** `string`, `integer`, `double`, `key`, `pattern`, `unix-time`, `pure-token`, `oneof`, `block`. */
  readonly type: string
  readonly token: string | undefined
  readonly isOptional: boolean
  readonly isMultiple: boolean
  /** The token comes again with each value. */
  readonly isTokenRepeated: boolean
  /** Of a block, or of one of several. */
  readonly parts: readonly ArgumentDoc[]
}

/** One command, or one subcommand. */
export interface CommandDoc {
  /** In capitals: `CLIENT KILL`. */
  readonly name: string
  readonly summary: string
  readonly since: string
  readonly group: string
  readonly complexity: string
  readonly args: readonly ArgumentDoc[]
  /** By their own name, in capitals. */
  readonly subcommands: ReadonlyMap<string, CommandDoc>
}

/** Commands by name, in capitals. */
export type CommandDocs = ReadonlyMap<string, CommandDoc>

export const NO_DOCS: CommandDocs = new Map()

/** Reads a reply of COMMAND DOCS; nothing of a reply that is none. */
export function commandDocsOf(reply: RespValue): CommandDocs {
  const docs = new Map<string, CommandDoc>()
  for (const [key, value] of pairsOf(reply)) {
    const name = (textOf(key) ?? '').toUpperCase()
    docs.set(name, commandOf(name, value))
  }
  return docs
}

/** Names only, of a server that has no COMMAND DOCS: the reply of COMMAND. */
export function commandNamesOf(reply: RespValue): CommandDocs {
  const docs = new Map<string, CommandDoc>()
  for (const row of itemsOf(reply)) {
    const name = textOf(itemsOf(row)[0])?.toUpperCase()
    if (name === undefined) continue
    const none = { summary: '', since: '', group: '', complexity: '', args: [] }
    docs.set(name, { name, ...none, subcommands: NO_DOCS })
  }
  return docs
}

/** The command that words begin with, a subcommand where there is one, and how many words name it. */
export function commandOfWords(
  docs: CommandDocs,
  words: readonly string[],
): { readonly doc: CommandDoc; readonly nameWords: number } | undefined {
  const doc = docs.get((words[0] ?? '').toUpperCase())
  if (doc === undefined) return undefined
  const sub = doc.subcommands.get((words[1] ?? '').toUpperCase())
  return sub === undefined ? { doc, nameWords: 1 } : { doc: sub, nameWords: 2 }
}

function commandOf(name: string, reply: RespValue): CommandDoc {
  const fields = fieldsOf(reply)
  const text = (field: string): string => textOf(fields.get(field)) ?? ''
  // `client|kill`; servers give them in no order.
  const subcommands = pairsOf(fields.get('subcommands'))
    .map(([key, value]) => [(textOf(key) ?? '').toUpperCase().split('|').at(-1) as string, value] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([own, value]) => [own, commandOf(`${name} ${own}`, value)] as const)
  return {
    name,
    summary: text('summary'),
    since: text('since'),
    group: text('group'),
    complexity: text('complexity'),
    args: itemsOf(fields.get('arguments')).map(argumentOf),
    subcommands: new Map(subcommands),
  }
}

function argumentOf(reply: RespValue): ArgumentDoc {
  const fields = fieldsOf(reply)
  const flags = itemsOf(fields.get('flags')).map(textOf)
  const name = textOf(fields.get('name')) ?? ''
  return {
    name: textOf(fields.get('display_text')) ?? name,
    type: textOf(fields.get('type')) ?? 'string',
    token: textOf(fields.get('token')),
    isOptional: flags.includes('optional'),
    isMultiple: flags.includes('multiple') || flags.includes('multiple_token'),
    isTokenRepeated: flags.includes('multiple_token'),
    parts: itemsOf(fields.get('arguments')).map(argumentOf),
  }
}

/**
 * `help`, from what the server says of its commands.
 *
 * Tests: test/cli/prompt/help.test.ts
 */
import type { Paint } from '../connection/paint.ts'
import { syntaxOf } from './argument-syntax.ts'
import { type CommandDoc, type CommandDocs, commandOfWords } from './command-docs.ts'
import { LOCAL_HELP } from './local-commands.ts'

/** What `help` with these words prints. */
export function helpText(docs: CommandDocs, words: readonly string[], paint: Paint): string {
  const [first] = words
  if (first === undefined) return `${LOCAL_HELP}${groupsLine(docs)}`
  if (first.startsWith('@')) return groupHelp(docs, first.slice(1).toLowerCase(), paint)
  const found = commandOfWords(docs, words)
  if (found === undefined || found.nameWords < words.length) {
    return `No help on ${words.join(' ').toUpperCase()}: there is no such command here\n`
  }
  return commandHelp(found.doc, paint)
}

function groupsLine(docs: CommandDocs): string {
  const groups = [...new Set([...docs.values()].map(({ group }) => group))].filter((group) => group !== '')
  if (groups.length === 0) return ''
  const names = groups.sort().map((group) => `@${group}`)
  // Lines of a terminal are cut wherever they end: words are not.
  const lines = names.join(' ').replaceAll(/(.{1,68})(?: |$)/g, '        $1\n')
  return `\ngroups: ${lines.trimStart()}`
}

function groupHelp(docs: CommandDocs, group: string, paint: Paint): string {
  const commands = [...docs.values()].flatMap((doc) =>
    doc.subcommands.size > 0 ? [...doc.subcommands.values()] : [doc],
  )
  const own = commands
    .filter((doc) => doc.group === group)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
  return own.length === 0
    ? `No help on @${group}: there is no such group here${groupsLine(docs)}`
    : own.map((doc) => commandHelp(doc, paint)).join('')
}

function commandHelp(doc: CommandDoc, paint: Paint): string {
  const syntax = syntaxOf(doc.args)
  const subcommands = [...doc.subcommands.keys()].join('|')
  const args = doc.subcommands.size > 0 ? subcommands : syntax
  const rows = [
    ['summary', doc.summary],
    ['since', doc.since],
    ['group', doc.group],
    ['complexity', doc.complexity],
  ].filter(([, text]) => text !== '')
  const lines = rows.map(([name, text]) => `  ${paint('yellow', `${name}:`)} ${text}\n`)
  return `\n  ${paint('bold', doc.name)}${args === '' ? '' : ` ${paint('grey', args)}`}\n${lines.join('')}\n`
}

/**
 * The answers of `COMMAND DOCS`, and of `HELP` of containers: what a person is told of a command.
 *
 * Texts of ours are UTF-8, and replies are bytes: so they are converted here, at the edge.
 *
 * Tests: test/server/catalog/docs-reply.test.ts
 */
import { bytesOfText, MapReply, type Reply, StatusReply } from '../../keyspace/engine/index.ts'
import { argumentsOf, type CommandArgument } from './command-arguments.ts'
import type { CommandCatalog } from './command-catalog.ts'
import type { CommandInfo } from './command-info.ts'
import { DEPRECATIONS } from './deprecations.ts'
import { flagsReply } from './info-reply.ts'

/** Where a line of help ends. */
const HELP_COLUMNS = 74

/** What a person is told of a command, with its subcommands. */
export function docsReply(catalog: CommandCatalog, info: CommandInfo): Reply {
  const flat: Reply[] = ['summary', bytesOfText(withoutStop(info.summary)), 'since', info.since]
  flat.push('group', info.group, 'complexity', bytesOfText(info.complexity))
  const deprecation = DEPRECATIONS[info.name]
  if (deprecation !== undefined) {
    flat.push('doc_flags', flagsReply(['deprecated']))
    flat.push('deprecated_since', deprecation.since, 'replaced_by', deprecation.instead)
  }
  const parts = argumentsOf(info)
  if (parts.length > 0) flat.push('arguments', parts.map(argumentReply))
  const subcommands = catalog.subcommandsOf(info.name)
  if (subcommands.length > 0) {
    flat.push('subcommands', new MapReply(subcommands.flatMap((sub) => [sub.name, docsReply(catalog, sub)])))
  }
  return new MapReply(flat)
}

function argumentReply(argument: CommandArgument): Reply {
  const { name, type, token, keySpecIndex, flags, parts } = argument
  const flat: Reply[] = ['name', name, 'type', type]
  if (keySpecIndex !== undefined) flat.push('key_spec_index', keySpecIndex)
  if (token !== undefined) flat.push('token', token)
  if (flags.length > 0) flat.push('flags', flagsReply(flags))
  if (parts !== undefined) flat.push('arguments', parts.map(argumentReply))
  return new MapReply(flat)
}

/** `CLIENT HELP` and its kin: each subcommand, what it takes, and what it does. */
export function helpReply(catalog: CommandCatalog, container: string): Reply {
  const title = container.toUpperCase()
  const lines = [`${title} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`]
  const itself = catalog.get(container)
  if (itself !== undefined && itself.arity === -1) {
    lines.push('(no subcommand)', ...indented(itself.summary))
  }
  for (const { name, syntax, summary } of catalog.subcommandsOf(container)) {
    const subcommand = name.slice(container.length + 1)
    if (subcommand === 'help') continue
    lines.push(`${subcommand.toUpperCase()} ${syntax}`.trimEnd(), ...indented(summary))
  }
  lines.push('HELP', ...indented('Prints this help.'))
  return lines.map((line) => new StatusReply(bytesOfText(line)))
}

function indented(text: string): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > HELP_COLUMNS) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].map((part) => `    ${part}`)
}

/** As Redis words it: a summary ends without a full stop. */
function withoutStop(summary: string): string {
  return summary.replace(/\.$/, '')
}

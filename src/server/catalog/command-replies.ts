/**
 * The answers of `COMMAND` and its subcommands, as functions of the catalog and the request.
 *
 * Pure: who asks, and over which protocol, makes no difference. The texts of errors are Redis', since clients
 * and their test suites compare them.
 *
 * Tests: test/server/catalog/command-replies.test.ts
 */
import {
  type Argument,
  byteString,
  err,
  globMatcher,
  MapReply,
  type Reply,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import type { CommandCatalog } from './command-catalog.ts'
import type { CommandInfo } from './command-info.ts'
import { docsReply, helpReply } from './docs-reply.ts'
import { flagsReply, infoReply } from './info-reply.ts'
import type { RequestKey } from './key-specification.ts'

/** The answer to a request of the COMMAND family, whose number of arguments is right. */
export type CommandReply = (catalog: CommandCatalog, argv: readonly Argument[]) => Reply

/** Behind `COMMAND LIST` or its kin. */
const REST = 2

/** `COMMAND`: all commands. */
export const commandReply: CommandReply = (catalog) =>
  catalog.commands.map((info) => infoReply(catalog, info))

/** `COMMAND COUNT`. */
export const commandCountReply: CommandReply = (catalog) => catalog.commands.length

/** `COMMAND INFO [name …]`: null for names that nothing has. */
export const commandInfoReply: CommandReply = (catalog, argv) => {
  if (argv.length === REST) return commandReply(catalog, argv)
  return argv.slice(REST).map((name) => {
    const info = catalog.get(byteString(name))
    return info === undefined ? null : infoReply(catalog, info)
  })
}

/** `COMMAND DOCS [name …]`: names that nothing has are left out. */
export const commandDocsReply: CommandReply = (catalog, argv) => {
  const asked =
    argv.length === REST
      ? catalog.commands
      : argv.slice(REST).flatMap((name) => catalog.get(byteString(name)) ?? [])
  return new MapReply(asked.flatMap((info) => [info.name, docsReply(catalog, info)]))
}

/** `COMMAND LIST [FILTERBY <MODULE name | ACLCAT category | PATTERN pattern>]`. */
export const commandListReply: CommandReply = (catalog, argv) => {
  if (argv.length === REST) return catalog.all.map(({ name }) => name)
  const [word, kind, text, more] = argv.slice(REST).map((argument) => byteString(argument))
  if (text === undefined || more !== undefined || word?.toLowerCase() !== 'filterby') return SYNTAX_ERROR
  switch (kind?.toLowerCase()) {
    case 'module':
      return []
    case 'aclcat':
      return catalog.inCategory(text.toLowerCase()).map(({ name }) => name)
    case 'pattern': {
      const matches = globMatcher(text.toLowerCase())
      return catalog.all.filter(({ name }) => matches(name)).map(({ name }) => name)
    }
    default:
      return SYNTAX_ERROR
  }
}

/** `COMMAND GETKEYS request …`. */
export const commandGetKeysReply: CommandReply = (catalog, argv) =>
  ofKeys(catalog, argv, (request, { index }) => request[index] as Argument)

/** `COMMAND GETKEYSANDFLAGS request …`. */
export const commandGetKeysAndFlagsReply: CommandReply = (catalog, argv) =>
  ofKeys(catalog, argv, (request, { index, flags }) => [request[index] as Argument, flagsReply(flags)])

/** `COMMAND HELP`. */
export const commandHelpReply: CommandReply = (catalog) => helpReply(catalog, 'command')

function ofKeys(
  catalog: CommandCatalog,
  argv: readonly Argument[],
  reply: (request: readonly Argument[], key: RequestKey) => Reply,
): Reply {
  const request = argv.slice(REST)
  const info = catalog.find(request)
  if (info === undefined) return err('Invalid command specified')
  if (!hasKeys(info)) return err('The command has no key arguments')
  const { arity } = info
  if (arity >= 0 ? request.length !== arity : request.length < -arity) {
    return err('Invalid number of arguments specified for command')
  }
  const keys = catalog.keysOf(info, request)
  if (keys.length === 0) return err('Invalid arguments specified for command')
  return keys.map((key) => reply(request, key))
}

function hasKeys({ keySpecs, keysOf }: CommandInfo): boolean {
  return keysOf !== undefined || keySpecs.some(({ flags }) => flags[0] !== 'not_key')
}

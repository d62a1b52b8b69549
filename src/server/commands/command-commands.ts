/**
 * COMMAND and its subcommands, from the catalog; and LOLWUT.
 *
 * Tests: test/server/commands/command-commands.test.ts
 */
import {
  type CommandReply,
  commandCountReply,
  commandDocsReply,
  commandGetKeysAndFlagsReply,
  commandGetKeysReply,
  commandHelpReply,
  commandInfoReply,
  commandListReply,
  commandReply,
} from '../catalog/index.ts'
import { lolwutReply } from './lolwut.ts'
import type { ServerCommand } from './server-command.ts'

/** What all of the family have in common. */
const COMMON = {
  flags: ['loading', 'stale'],
  group: 'server',
  categories: ['connection'],
} as const satisfies Partial<ServerCommand>

const PER_COMMAND = 'O(N) with N commands that are told of'

function answering(reply: CommandReply): ServerCommand['run'] {
  return ({ thread }, argv) => reply(thread.catalog, argv)
}

export const commandCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'command',
    arity: -1,
    summary: 'Describes all commands.',
    complexity: PER_COMMAND,
    syntax: '',
    since: '2.8.13',
    run: answering(commandReply),
  },
  {
    ...COMMON,
    name: 'command|count',
    arity: 2,
    summary: 'Counts the commands.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.13',
    run: answering(commandCountReply),
  },
  {
    ...COMMON,
    name: 'command|list',
    arity: -2,
    summary: 'Lists the names of commands and subcommands.',
    complexity: 'O(N) with N commands',
    syntax: '[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]',
    since: '7.0.0',
    run: answering(commandListReply),
  },
  {
    ...COMMON,
    name: 'command|info',
    arity: -2,
    summary: 'Describes commands, or all, for programs that route and check requests.',
    complexity: PER_COMMAND,
    syntax: '[command-name [command-name ...]]',
    since: '2.8.13',
    run: answering(commandInfoReply),
  },
  {
    ...COMMON,
    name: 'command|docs',
    arity: -2,
    summary: 'Describes commands, or all, for people.',
    complexity: PER_COMMAND,
    syntax: '[command-name [command-name ...]]',
    since: '7.0.0',
    differs: 'Our own commands are described as well; there is no history of changes.',
    run: answering(commandDocsReply),
  },
  {
    ...COMMON,
    name: 'command|getkeys',
    arity: -4,
    summary: 'Tells the keys of a request.',
    complexity: 'O(N) with N arguments of the request',
    syntax: 'command [arg ...]',
    since: '2.8.13',
    run: answering(commandGetKeysReply),
  },
  {
    ...COMMON,
    name: 'command|getkeysandflags',
    arity: -4,
    summary: 'Tells the keys of a request, and what is done to them.',
    complexity: 'O(N) with N arguments of the request',
    syntax: 'command [arg ...]',
    since: '7.0.0',
    run: answering(commandGetKeysAndFlagsReply),
  },
  {
    ...COMMON,
    name: 'command|help',
    arity: 2,
    summary: 'Describes the subcommands of COMMAND.',
    complexity: 'O(1)',
    syntax: '',
    since: '5.0.0',
    run: answering(commandHelpReply),
  },
  {
    name: 'lolwut',
    arity: -1,
    flags: ['readonly', 'fast'],
    group: 'server',
    summary: 'Weaves a piece of cloth, and tells the version.',
    complexity: 'O(N) with N crossings of threads',
    syntax: '[VERSION shafts] [columns [rows [seed]]]',
    since: '5.0.0',
    differs: 'It weaves; and VERSION is the number of shafts of the loom.',
    // Another cloth at each call, from what differs anyway: no secret, and no chance is needed.
    run: ({ id, commands, thread }, argv) =>
      lolwutReply(argv, id * 65_537 + commands * 257 + Math.floor(thread.wallMs()), thread.facts.version),
  },
]

/**
 * Commands that concern no key: PING and ECHO.
 * Tests: test/keyspace/commands/connection-commands.test.ts
 */
import { type CommandSpec, err, StatusReply } from '../engine/index.ts'

const PONG = new StatusReply('PONG')
const TOO_MANY = err("wrong number of arguments for 'ping' command")

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    group: 'server',
    summary: 'Answers PONG, or its argument.',
    complexity: 'O(1)',
    syntax: '[message]',
    since: '1.0.0',
    handler: (_call, argv) => (argv.length > 2 ? TOO_MANY : (argv[1] ?? PONG)),
  },
  {
    name: 'echo',
    arity: 2,
    flags: ['fast'],
    group: 'server',
    summary: 'Answers its argument.',
    complexity: 'O(1)',
    syntax: 'message',
    since: '1.0.0',
    handler: (_call, argv) => argv[1] as string,
  },
]

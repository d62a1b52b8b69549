/**
 * Commands that concern no key: PING and ECHO.
 * Tests: test/keyspace/commands/connection-commands.test.ts
 */
import { type CommandSpec, StatusReply } from '../engine/index.ts'

const PONG = new StatusReply('PONG')

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
    handler: (_call, argv) => argv[1] ?? PONG,
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

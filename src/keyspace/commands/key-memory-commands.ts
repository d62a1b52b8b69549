/**
 * MEMORY USAGE: what one key takes.
 *
 * Collections count what they take as they grow, so that nothing is sampled: SAMPLES is checked and means
 * nothing.
 *
 * Tests: test/keyspace/commands/key-memory-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  isInteger64,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { quietly } from './quietly.ts'

const NOT_AN_INTEGER = err('value is not an integer or out of range')

function usage({ db }: Call, argv: readonly ByteString[]): Reply {
  for (let i = 3; i < argv.length; i += 2) {
    const count = argv[i + 1]
    if (argv[i]!.toLowerCase() !== 'samples' || count === undefined) return SYNTAX_ERROR
    if (!isInteger64(count)) return NOT_AN_INTEGER
    if (count.startsWith('-')) return SYNTAX_ERROR
  }
  return quietly(db, () => db.bytesOf(argv[2]!)) ?? null
}

export const keyMemoryCommands: readonly CommandSpec[] = [
  {
    name: 'memory|usage',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 2 },
    group: 'server',
    summary: 'Answers the bytes that a key and its value take, as estimated.',
    complexity: 'O(1)',
    syntax: 'key [SAMPLES count]',
    since: '4.0.0',
    differs: 'Nothing is sampled: SAMPLES is taken and has no effect.',
    handler: usage,
  },
]

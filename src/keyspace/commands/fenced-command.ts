/**
 * FENCED: any command, run only while a lock is held with the token given. Check and command are one step.
 *
 * What is logged is the inner command alone: it has passed the fence, and a replay must not ask again. It
 * does not wait, as within a transaction, since the lease may be over before it is served.
 *
 * Tests: test/keyspace/commands/fenced-command.test.ts
 */
import {
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  checkFence,
  type Reply,
} from '../engine/index.ts'

/** Where the inner command begins. */
const INNER = 3

function fenced(call: Call, argv: readonly ByteString[]): Reply {
  checkFence(call, byteString(argv[1]!), byteString(argv[2]!))
  return call.runInstead(argv.slice(INNER))
}

export const fencedCommands: readonly CommandSpec[] = [
  {
    name: 'fenced',
    arity: -4,
    flags: ['write', 'rawValues'],
    keys: { first: 1, written: 'none' },
    keysOf: (argv, keysOfInner) => [
      { index: 1, isWritten: false },
      ...keysOfInner(argv.slice(INNER)).map((use) => ({ ...use, index: use.index + INNER })),
    ],
    group: 'lock',
    summary: 'Runs a command if the lock is held with this token, and refuses it with FENCED if not.',
    complexity: 'That of the command',
    syntax: 'lock token command [argument ...]',
    since: 'Shardloom 0.2.0',
    handler: fenced,
  },
]

/**
 * What the log says of locks. Only its replay runs these: they make leases out of nothing.
 *
 * A restored holder gets its full lease once more: how much of it was left when the process died is unknown,
 * and a lease that ends too late only makes others wait.
 *
 * Tests: test/keyspace/commands/lock-log-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type ErrorReply,
  err,
  type LockMode,
  OK,
  type Reply,
} from '../engine/index.ts'
import { integer } from './arguments.ts'

const REPLAY_ONLY: ErrorReply = err('this command is for the replay of the log')

function granted(call: Call, argv: readonly ByteString[]): Reply {
  const [, name, owner, mode, ...numbers] = argv as [string, string, string, LockMode, ...string[]]
  const [token, ttlMs, limit, entries] = numbers.map((text) => integer(text)) as [
    number,
    number,
    number,
    number,
  ]
  call.engine.locks.restore(name, { owner, mode, token, ttlMs, limit, entries }, ttlMs)
  return OK
}

function freed(call: Call, argv: readonly ByteString[]): Reply {
  call.engine.locks.restoreFreed(argv[1]!, argv[2]!, integer(argv[3]!))
  return OK
}

function floor(call: Call, argv: readonly ByteString[]): Reply {
  call.engine.locks.raiseTokens(integer(argv[1]!))
  return OK
}

function inReplay(handler: CommandSpec['handler']): CommandSpec['handler'] {
  return (call, argv) => {
    if (call.caller.isReplay !== true) throw REPLAY_ONLY
    return handler(call, argv)
  }
}

const COMMON = {
  flags: ['write', 'fast', 'internal'],
  group: 'lock',
  complexity: 'O(log(N)) with N the number of leases',
  since: 'Shardloom 0.2.0',
} as const satisfies Partial<CommandSpec>

export const lockLogCommands: readonly CommandSpec[] = [
  {
    ...COMMON,
    name: 'lock.granted',
    arity: 8,
    keys: { first: 1 },
    summary: 'In the log: a lease is so.',
    syntax: 'key owner mode token milliseconds limit entries',
    handler: inReplay(granted),
  },
  {
    ...COMMON,
    name: 'lock.freed',
    arity: 4,
    keys: { first: 1 },
    summary: 'In the log: a lease has ended.',
    syntax: 'key owner token',
    handler: inReplay(freed),
  },
  {
    ...COMMON,
    name: 'lock.floor',
    arity: 2,
    summary: 'In the log: fencing tokens from here on are above this one.',
    syntax: 'token',
    handler: inReplay(floor),
  },
]

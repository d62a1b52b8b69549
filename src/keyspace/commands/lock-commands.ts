/**
 * Locks and semaphores: leases with fencing tokens. See `engine/locks/lock-table.ts` for their rules.
 *
 * A lock is answered as `[token, lease]`, or null when it was not to be had in time. WAIT 0 waits for ever,
 * as with Redis' blocking commands; without WAIT nobody waits. A name is a lock or a semaphore, and a
 * semaphore has one limit, until nobody uses it.
 *
 * Tests: test/keyspace/commands/lock-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  globMatcher,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, keyCount, OptionReader } from './arguments.ts'
import { showLock } from './lock-info.ts'
import { acquire, type LockOption, leaseMs, lockOptions } from './lock-request.ts'

function acquireOne(call: Call, argv: readonly ByteString[], known: readonly LockOption[]): Reply {
  const options = lockOptions(argv, 3, known)
  if (known === SEMAPHORE_OPTIONS && options.limit === 0) throw SYNTAX_ERROR
  const request = { ...options, names: [argv[1]!], owner: argv[2]! }
  return acquire(call, call.engine.locks, request, ([token], lease) => [token as number, lease])
}

const LOCK_OPTIONS: readonly LockOption[] = ['SHARED', 'WAIT', 'LIMIT']
const SEMAPHORE_OPTIONS: readonly LockOption[] = ['WAIT', 'LIMIT']

function acquireAll(call: Call, argv: readonly ByteString[]): Reply {
  const count = keyCount(argv, 1, SYNTAX_ERROR)
  const names = argv.slice(2, 2 + count)
  const owner = argv[2 + count]
  if (owner === undefined) throw SYNTAX_ERROR
  const request = { ...lockOptions(argv, 3 + count, ['SHARED', 'WAIT']), names, owner }
  return acquire(call, call.engine.locks, request, (tokens, lease) => [tokens, lease])
}

function renew(call: Call, argv: readonly ByteString[]): Reply {
  const [, name, owner, token, word, ms] = argv as [string, string, string, string, string, string]
  if (word.toUpperCase() !== 'PX') throw SYNTAX_ERROR
  return call.engine.locks.renew(name, owner, integer(token), leaseMs(ms)) ? 1 : 0
}

function release(call: Call, argv: readonly ByteString[]): Reply {
  return call.engine.locks.release(argv[1]!, argv[2]!, integer(argv[3]!)) ? 1 : 0
}

function validate(call: Call, argv: readonly ByteString[]): Reply {
  return call.engine.locks.validate(argv[1]!, integer(argv[2]!)) ? 1 : 0
}

function cancel(call: Call, argv: readonly ByteString[]): Reply {
  const number = argv[3] === undefined ? undefined : integer(argv[3])
  return call.engine.locks.cancelWaits(argv[1]!, argv[2]!, number)
}

function list(call: Call, argv: readonly ByteString[]): Reply {
  const options = new OptionReader(argv, 1)
  let matches = (_name: ByteString): boolean => true
  if (options.takes('MATCH')) matches = globMatcher(options.value())
  if (!options.isAtEnd) throw SYNTAX_ERROR
  return [...call.engine.locks.names()].filter(matches)
}

const RENEW = {
  arity: 6,
  flags: ['write', 'fast'],
  keys: { first: 1 },
  group: 'lock',
  complexity: 'O(log(N)) with N the number of leases',
  syntax: 'key owner token PX milliseconds',
  since: 'Shardloom 0.2.0',
  handler: renew,
} as const satisfies Partial<CommandSpec>

const RELEASE = {
  arity: 4,
  flags: ['write', 'fast'],
  keys: { first: 1 },
  group: 'lock',
  complexity: 'O(log(N)) with N the number of leases',
  syntax: 'key owner token',
  since: 'Shardloom 0.2.0',
  handler: release,
} as const satisfies Partial<CommandSpec>

const INFO = {
  arity: 2,
  flags: ['readonly'],
  keys: { first: 1 },
  group: 'lock',
  complexity: 'O(N) with N the number of those who hold it or wait',
  syntax: 'key',
  since: 'Shardloom 0.2.0',
  handler: (call, argv) => showLock(call, argv[1]!),
} as const satisfies Partial<CommandSpec>

const locks: readonly CommandSpec[] = [
  {
    name: 'lock.acquire',
    arity: -5,
    flags: ['write', 'denyoom', 'fast', 'blocking'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Takes a lock, and answers its fencing token and the length of the lease; null if it is held.',
    complexity: 'O(log(N)) with N the number of leases',
    syntax: 'key owner PX milliseconds [SHARED] [WAIT milliseconds] [LIMIT count]',
    since: 'Shardloom 0.2.0',
    handler: (call, argv) => acquireOne(call, argv, LOCK_OPTIONS),
  },
  {
    name: 'lock.acquireall',
    arity: -6,
    flags: ['write', 'denyoom', 'blocking'],
    keys: { keynum: 1 },
    group: 'lock',
    summary:
      'Takes several locks of one shard (a common {tag}) at once, or none; answers their tokens and the ' +
      'length of the leases.',
    complexity: 'O(K*log(N)) with K the number of keys and N the number of leases',
    syntax: 'numkeys key [key ...] owner PX milliseconds [SHARED] [WAIT milliseconds]',
    since: 'Shardloom 0.2.0',
    handler: acquireAll,
  },
  { name: 'lock.renew', summary: 'Prolongs a lease; 0 if it is lost.', ...RENEW },
  {
    name: 'lock.release',
    summary: 'Leaves a lock that was entered; 0 if the lease is lost or was given back before.',
    ...RELEASE,
  },
  {
    name: 'lock.validate',
    arity: 3,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Answers 1 if the token belongs to a lease that runs.',
    complexity: 'O(N) with N the number of those who hold the lock',
    syntax: 'key token',
    since: 'Shardloom 0.2.0',
    handler: validate,
  },
  { name: 'lock.info', summary: 'Shows who holds a lock and who waits for it.', ...INFO },
  {
    name: 'lock.list',
    arity: -1,
    flags: ['readonly', 'all_shards'],
    split: 'concat',
    group: 'lock',
    summary: 'Lists the locks that are held or waited for; a user must have all keys, or all that fit.',
    complexity: 'O(N) with N the number of locks',
    syntax: '[MATCH pattern]',
    since: 'Shardloom 0.2.0',
    handler: list,
  },
  {
    name: 'lock.cancel',
    arity: -3,
    flags: ['write'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Ends the waits of an owner for a lock, or the one with this id; answers how many.',
    complexity: 'O(N) with N the number of those who wait',
    syntax: 'key owner [id]',
    since: 'Shardloom 0.2.0',
    handler: cancel,
  },
]

const semaphores: readonly CommandSpec[] = [
  {
    name: 'sem.acquire',
    arity: -7,
    flags: ['write', 'denyoom', 'fast', 'blocking'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Takes one of the places of a semaphore, as LOCK.ACQUIRE with LIMIT.',
    complexity: 'O(log(N)) with N the number of leases',
    syntax: 'key owner LIMIT count PX milliseconds [WAIT milliseconds]',
    since: 'Shardloom 0.2.0',
    handler: (call, argv) => acquireOne(call, argv, SEMAPHORE_OPTIONS),
  },
  { name: 'sem.renew', summary: 'Prolongs the lease of a place; 0 if it is lost.', ...RENEW },
  { name: 'sem.release', summary: 'Gives a place back; 0 if it is lost or was given back.', ...RELEASE },
  { name: 'sem.info', summary: 'Shows who has a place of a semaphore and who waits for one.', ...INFO },
]

export const lockCommands: readonly CommandSpec[] = [...locks, ...semaphores]

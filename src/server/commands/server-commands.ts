/**
 * Small things that clients ask of a server: the time, its role, and what it has none of, replicas, modules
 * and functions. Where Redis would do something that there is not here, it is an error that says so.
 *
 * Tests: test/server/commands/own-state.race.test.ts
 */
import { type Argument, byteString, err, OK } from '../../keyspace/engine/index.ts'
import { helpReply } from '../catalog/index.ts'
import type { ServerReply } from '../resp/index.ts'
import type { ServerCommand, ServerThread, Session } from './server-command.ts'

const NO_REPLICATION = err('replication is not supported: this server can be the replica of nobody')
const FLUSH_MODES = err('FUNCTION FLUSH only supports SYNC|ASYNC option')

/** The wall clock has milliseconds; what is between them comes from the other one. */
const offsets = new WeakMap<ServerThread, number>()

/** Microseconds since 1970. */
function wallUs(thread: ServerThread): number {
  const [wallMs, nowMs] = [thread.wallMs(), thread.clock.nowMs()]
  let offset = offsets.get(thread) ?? 0
  if (Math.abs(wallMs - (nowMs + offset)) > 1) {
    offset = wallMs - nowMs
    offsets.set(thread, offset)
  }
  return Math.floor((nowMs + offset) * 1000)
}

function time({ thread }: Session): ServerReply {
  const us = wallUs(thread)
  return [String(Math.floor(us / 1e6)), String(us % 1e6)]
}

function replicaOf(_session: Session, argv: readonly Argument[]): ServerReply {
  const [host, port] = [byteString(argv[1]!), byteString(argv[2]!)]
  if (host.toLowerCase() === 'no' && port.toLowerCase() === 'one') return OK
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535
  return isPort ? NO_REPLICATION : err('Invalid master port')
}

function failover(_session: Session, argv: readonly Argument[]): ServerReply {
  const isAbort = argv.length === 2 && byteString(argv[1]!).toLowerCase() === 'abort'
  return err(isAbort ? 'No failover in progress.' : 'FAILOVER requires connected replicas.')
}

function functionFlush(_session: Session, argv: readonly Argument[]): ServerReply {
  const isMode = argv.length === 3 && /^a?sync$/i.test(byteString(argv[2]!))
  return argv.length === 2 || isMode ? OK : FLUSH_MODES
}

const REPLICA = {
  arity: 3,
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  group: 'server',
  complexity: 'O(1)',
  syntax: '<host port | NO ONE>',
  differs: 'There is no replication: NO ONE changes nothing, and anything else is refused.',
  run: replicaOf,
} as const satisfies Partial<ServerCommand>

export const ownServerCommands: readonly ServerCommand[] = [
  {
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'server',
    summary: 'Tells the time: seconds since 1970, and microseconds.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.6.0',
    run: time,
  },
  {
    name: 'role',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    group: 'server',
    summary: 'Tells that it is a master without replicas.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.8.12',
    run: () => ['master', 0, []],
  },
  { ...REPLICA, name: 'replicaof', since: '5.0.0', summary: 'Makes it no replica, which it never is.' },
  { ...REPLICA, name: 'slaveof', since: '1.0.0', summary: 'The same as REPLICAOF.' },
  {
    name: 'failover',
    arity: -1,
    flags: ['admin', 'noscript', 'stale'],
    group: 'server',
    summary: 'Is refused: there are no replicas.',
    complexity: 'O(1)',
    syntax: '[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]',
    since: '6.2.0',
    run: failover,
  },
  {
    name: 'module|list',
    arity: 2,
    flags: ['admin', 'noscript'],
    group: 'server',
    summary: 'Lists modules: there are none.',
    complexity: 'O(1)',
    syntax: '',
    since: '4.0.0',
    run: () => [],
  },
  {
    name: 'module|help',
    arity: 2,
    flags: ['loading', 'stale'],
    group: 'server',
    summary: 'Tells what the subcommands of MODULE do.',
    complexity: 'O(1)',
    syntax: '',
    since: '5.0.0',
    run: ({ thread }) => helpReply(thread.catalog, 'module'),
  },
  {
    name: 'function|flush',
    arity: -2,
    flags: ['write', 'noscript'],
    group: 'scripting',
    summary: 'Removes all functions: there are none.',
    complexity: 'O(1)',
    syntax: '[ASYNC | SYNC]',
    since: '7.0.0',
    run: functionFlush,
  },
]

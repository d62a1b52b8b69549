/**
 * MONITOR.
 * Tests: test/server/push/monitors.race.test.ts
 */
import { err, OK } from '../../keyspace/engine/index.ts'
import { ConnectionState } from '../connection/connection-state.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import { NO_REPLY } from '../resp/index.ts'
import type { ServerCommand } from './server-command.ts'

const NOT_IN_EXEC = err("MONITOR isn't allowed for DENY BLOCKING client")

export const monitorCommands: readonly ServerCommand[] = [
  {
    name: 'monitor',
    arity: 1,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    group: 'server',
    summary: 'Shows every command that the server runs.',
    complexity: 'O(N) with N commands that the server runs',
    syntax: '',
    since: '1.0.0',
    differs:
      'Commands of several threads may come out of order: their times tell it. An argument of more than ' +
      '16 KiB is cut.',
    run(session) {
      // Who is in a transaction expects one reply for each command.
      if (session instanceof ConnectionState && session.isInExec) return NOT_IN_EXEC
      // As in Redis, a second one is not answered.
      if (session.isMonitor) return NO_REPLY
      return pushesOf(session.thread)
        .monitors.start(session)
        .then(() => OK)
    },
  },
]

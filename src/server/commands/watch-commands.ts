/**
 * WATCHREV and UNWATCHREV: our own, for what WATCH and keyspace notifications cannot do: every change, in
 * order, also of the time when nobody was connected.
 *
 * Tests: test/server/push/revision-watches.race.test.ts
 */
import { byteString, type ErrorReply, err, SYNTAX_ERROR } from '../../keyspace/engine/index.ts'
import { PROGRESS_MS_MAX, PROGRESS_MS_MIN, parseWatch, type WatchFault } from '../catalog/index.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import type { ServerCommand } from './server-command.ts'

const FAULTS: Readonly<Record<WatchFault, ErrorReply>> = {
  syntax: SYNTAX_ERROR,
  revision: err('SINCE is not a revision: a whole number from 0'),
  progress: err(`PROGRESS is not 0, or milliseconds from ${PROGRESS_MS_MIN} to ${PROGRESS_MS_MAX}`),
}

const watchRev: ServerCommand['run'] = (session, argv) => {
  const request = parseWatch(argv)
  if (typeof request === 'string') return FAULTS[request]
  const { commands } = session.thread
  return pushesOf(session.thread).watches.start(session, request, commands.get('watchrev')!.info, argv)
}

export const watchCommands: readonly ServerCommand[] = [
  {
    name: 'watchrev',
    arity: -2,
    flags: ['readonly', 'noscript'],
    group: 'generic',
    summary:
      'Sends every change of keys that fit, in the order of revisions, a commit at a time: pushes of ' +
      '`watchrev`, the revision, and a list of database, key, event, value and type.',
    complexity: 'O(N) with N patterns, per change',
    syntax:
      'pattern [pattern ...] [KEYS key [key ...]] [PREFIX prefix [prefix ...]] [SINCE revision] [VALUES] ' +
      '[PROGRESS milliseconds] [ID name]',
    since: 'Shardloom 0.4.0',
    run: watchRev,
  },
  {
    name: 'unwatchrev',
    arity: -1,
    flags: ['noscript', 'fast'],
    group: 'generic',
    summary: 'Ends watches of WATCHREV, by their names or all; how many there were.',
    complexity: 'O(N) with N watches',
    syntax: '[name [name ...]]',
    since: 'Shardloom 0.4.0',
    run: (session, argv) => pushesOf(session.thread).watches.stop(session, argv.slice(1).map(byteString)),
  },
]

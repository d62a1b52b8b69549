/**
 * A client as a line of CLIENT LIST: the fields of Redis 7.0, in its order.
 * Tests: test/server/commands/client-commands.race.test.ts
 */

import type { Argument } from '../../keyspace/engine/index.ts'
import type { Session } from '../commands/server-command.ts'

const LINE_END_BYTES = 2

/** Bytes of a request, as clients send it. */
export function requestBytes(argv: readonly Argument[]): number {
  const lengths = argv.map(({ length }) => length + `$${length}`.length + 2 * LINE_END_BYTES)
  return `*${argv.length}`.length + LINE_END_BYTES + lengths.reduce((sum, bytes) => sum + bytes, 0)
}

/**
 * The line, without its end. `runningBytes`: those of the request that asks for it, which are still held.
 * `nameBytesMax`: what was given as a name, which may be as long as an argument, is told up to there.
 */
export function clientLine(session: Session, runningBytes = 0, nameBytesMax?: number): string {
  const { thread, tracking } = session
  const queryBytes = session.queryBytes + runningBytes
  const ageSeconds = Math.floor((thread.wallMs() - session.createdMs) / 1000)
  const idleSeconds = Math.floor((thread.nowMs() - session.lastUsedMs) / 1000)
  const fields: readonly (readonly [string, string | number])[] = [
    ['id', session.id],
    ['addr', session.address],
    ['laddr', session.localAddress],
    ['fd', session.id],
    ['name', session.name.slice(0, nameBytesMax)],
    ['age', ageSeconds],
    ['idle', idleSeconds],
    ['flags', flagsOf(session)],
    ['db', session.db],
    ['sub', session.channelCount],
    ['psub', session.patternCount],
    ['ssub', session.shardedCount],
    ['multi', session.queued],
    ['qbuf', queryBytes],
    ['qbuf-free', 0],
    ['argv-mem', 0],
    ['multi-mem', session.queuedBytes],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', 0],
    ['omem', session.outputBytes],
    ['tot-mem', session.memoryBytes + runningBytes],
    ['events', 'r'],
    ['cmd', session.lastCommand === '' ? 'NULL' : session.lastCommand],
    ['user', session.user?.name.slice(0, nameBytesMax) ?? '(superuser)'],
    ['redir', tracking === undefined ? -1 : tracking.redirect],
    ['resp', session.resp],
    ['lib-name', session.libName.slice(0, nameBytesMax)],
    ['lib-ver', session.libVersion.slice(0, nameBytesMax)],
  ]
  return fields.map(([name, value]) => `${name}=${value}`).join(' ')
}

/** Letters as Redis has them; N: none of the others. */
function flagsOf(session: Session): string {
  let flags = ''
  if (session.isMonitor) flags += 'O'
  if (session.channelCount + session.patternCount + session.shardedCount > 0) flags += 'P'
  if (session.queued >= 0) flags += 'x'
  if (session.blockedIn !== undefined || session.isPostponed) flags += 'b'
  if (session.tracking !== undefined) flags += session.tracking.isBroadcast ? 'tB' : 't'
  if (session.isUnix) flags += 'U'
  if (session.noEvict) flags += 'e'
  if (session.noTouch) flags += 'T'
  return flags === '' ? 'N' : flags
}

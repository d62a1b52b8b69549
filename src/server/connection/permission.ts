/**
 * Whether a client's user may do what it asks for.
 * Tests: test/server/commands/acl-commands.race.test.ts
 */

import type { Argument, ErrorReply } from '../../keyspace/engine/index.ts'
import type { RightsMoment } from '../acl/index.ts'
import type { CommandEntry, Session } from '../commands/server-command.ts'

/** The refusal, which is noted; undefined: it may. */
export function refusalOf(
  session: Session,
  entry: CommandEntry,
  argv: readonly Argument[],
  moment: RightsMoment,
): ErrorReply | undefined {
  const { user, thread } = session
  if (user === undefined || user.isUnrestricted) return undefined
  const refusal = thread.acl.refusalOf(user, entry.info, argv, session, moment)
  if (refusal !== undefined) thread.counters.aclDenied++
  return refusal
}

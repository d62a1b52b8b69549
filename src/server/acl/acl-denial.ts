/**
 * Why a request may not run, and what its client is told, in the words of Redis 7.0.
 *
 * Tests: test/server/acl/acl-user.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import { type ByteString, ErrorReply } from '../../keyspace/engine/index.ts'

/** What a user may not do. */
export interface AclDenial {
  readonly reason: 'command' | 'key' | 'channel'
  /** The command's name, the key, or the channel. */
  readonly object: ByteString
  /** Where it stands in `argv`. */
  readonly index: number
}

/** Of two selectors' reasons, the one to tell: that of the selector which let the request come furthest. */
const RANK: Readonly<Record<AclDenial['reason'], number>> = { command: 0, key: 1, channel: 2 }

const NO_AUTHORITY = 'NOPERM'

/** Which of two denials is told. */
export function worse(one: AclDenial | undefined, other: AclDenial): AclDenial {
  if (one === undefined || RANK[other.reason] > RANK[one.reason]) return other
  return RANK[other.reason] === RANK[one.reason] && other.index > one.index ? other : one
}

/** The reply to a request that may not run. */
export function denialReply({ reason, object }: AclDenial): ErrorReply {
  const what =
    reason === 'command' ? `run the '${object}' command` : `access one of the ${reason}s used as arguments`
  return new ErrorReply(NO_AUTHORITY, `this user has no permissions to ${what}`)
}

/** The reply of EXEC where rules were changed since the command was queued. */
export function execDenialReply({ reason }: AclDenial): ErrorReply {
  const why = {
    command: 'no permission to execute the command or subcommand',
    key: 'no permission to touch the specified keys',
    channel: 'no permission to access one of the channels used as arguments',
  }[reason]
  return new ErrorReply(
    NO_AUTHORITY,
    'ACLs rules changed between the moment the transaction was accumulated and the EXEC call. ' +
      `This command is no longer allowed for the following reason: ${why}`,
  )
}

/** What `ACL DRYRUN` answers. */
export function dryRunText({ reason, object }: AclDenial): ByteString {
  const what = reason === 'command' ? `run the '${object}' command` : `access the '${object}' ${reason}`
  return `This user has no permissions to ${what}`
}

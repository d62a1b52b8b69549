/**
 * Parameters of users, rights and the audit log. Tests: test/server/parameters/parameter-table.test.ts
 */
import { INT64_MAX, integer } from './number-types.ts'
import { type RowsOf, rowsFor } from './parameter.ts'
import { bytes, lineList, oneOf, path, wordList } from './word-types.ts'

/** Values of these parameters, by the names of their options. */
export interface SecurityValues {
  /** Bytes, as a `ByteString`. */
  readonly requirePass: string
  readonly aclFile: string
  /** Lines of rules, as `ByteString`s: `alice on >secret ~* +@all`. */
  readonly user: readonly string[]
  readonly aclLogMaxLen: number
  readonly aclPubsubDefault: 'allchannels' | 'resetchannels'
  readonly enableDebugCommand: 'no' | 'yes' | 'local'
  readonly enableProtectedConfigs: 'no' | 'yes' | 'local'
  readonly auditLogFile: string
  readonly auditLogCommands: readonly string[]
}

const row = rowsFor('server')

export const SECURITY_ROWS: RowsOf<SecurityValues> = {
  requirePass: row('requirepass', bytes(), '', 'live', 'Password of the default user; empty: none.', {
    isSecret: true,
  }),
  aclFile: row('aclfile', path(), '', 'start', 'File of users; it is read again on SIGHUP and on ACL LOAD.'),
  user: row(
    'user',
    lineList('"NAME RULES"', 'a name and the rules of ACL SETUSER'),
    [],
    'start',
    'A user and its rules; may be given several times.',
    { isSecret: true, isDirective: true, isMutable: false },
  ),
  aclLogMaxLen: row('acllog-max-len', integer(0, INT64_MAX), 128, 'live', 'Entries of ACL LOG.'),
  aclPubsubDefault: row(
    'acl-pubsub-default',
    oneOf('allchannels', 'resetchannels'),
    'resetchannels',
    'live',
    'Channels of a new user.',
  ),
  enableDebugCommand: row(
    'enable-debug-command',
    oneOf('no', 'yes', 'local'),
    'no',
    'start',
    'Whether DEBUG may be used; local: by clients of this machine.',
  ),
  enableProtectedConfigs: row(
    'enable-protected-configs',
    oneOf('no', 'yes', 'local'),
    'no',
    'start',
    'Whether CONFIG SET may change protected parameters; local: by clients of this machine.',
  ),
  auditLogFile: row(
    'audit-log-file',
    path(),
    '',
    'start',
    'File that says who did what to what; empty: none.',
  ),
  auditLogCommands: row(
    'audit-log-commands',
    wordList('"WORD …"', 'names of commands, and categories such as @write; @all for all'),
    ['@write', '@admin', '@dangerous'],
    'live',
    'Commands that the audit log tells of. Logins are always told.',
  ),
}

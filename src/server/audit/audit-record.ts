/**
 * A line of the audit log: who asked for what, of which keys, and whether they were let. One JSON object
 * each:
 *
 *     {"time":"2025-03-01T10:00:00.123Z","user":"alice","id":12,"address":"10.0.0.7:5311","certificate":"al",
 *      "command":"config|set","db":0,"objects":["maxmemory"],"result":"denied","reason":"NOPERM …"}
 *
 * Never a value, and never a secret: keys, channels, and the names of users and parameters are all that is
 * taken from a request. A key is text where it is UTF-8, else its bytes as `\xff`.
 *
 * Tests: test/server/audit/audit-record.test.ts
 */
import { type Argument, type ByteString, byteString, type ErrorReply } from '../../keyspace/engine/index.ts'
import type { CommandCatalog } from '../catalog/index.ts'
import type { CommandEntry, Session } from '../commands/server-command.ts'

/** Names that a line has at most; the rest is counted. */
const NAMES_MAX = 32
const NAME_BYTES_MAX = 256
const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Who, as far as a line tells. */
export type AuditedSession = Pick<Session, 'id' | 'address' | 'certificateUser' | 'db'> & {
  readonly user: { readonly name: ByteString } | undefined
}

/** The line, without its end. `denial`: what was answered in place of a reply. */
export function auditLine(
  catalog: CommandCatalog,
  { id, address, certificateUser, db, user }: AuditedSession,
  { name, info }: Pick<CommandEntry, 'name' | 'info'>,
  argv: readonly Argument[],
  denial: ErrorReply | undefined,
  wallMs: number,
): string {
  const keys = catalog.keysOf(info, argv).map(({ index }) => argv[index]!)
  const channels = catalog.channelsOf(info, argv).map(({ index }) => argv[index]!)
  return JSON.stringify({
    time: new Date(wallMs).toISOString(),
    user: loginNameOf(name, argv) ?? (user === undefined ? null : nameText(user.name)),
    id,
    address,
    ...(certificateUser !== undefined && { certificate: certificateUser }),
    command: name,
    db,
    ...namesOf('keys', keys),
    ...namesOf('channels', channels),
    ...namesOf('objects', objectsOf(name, argv)),
    result: denial === undefined ? 'allowed' : 'denied',
    ...(denial !== undefined && { reason: denial.code }),
  })
}

/** The name that somebody tries to log in by. */
function loginNameOf(command: string, argv: readonly Argument[]): string | undefined {
  if (command === 'auth') return argv.length === 3 ? nameText(argv[1]!) : 'default'
  if (command !== 'hello') return undefined
  const at = authAt(argv)
  return at < 0 || at + 2 >= argv.length ? undefined : nameText(argv[at + 1]!)
}

/** Where AUTH stands in a HELLO; -1: nowhere. */
function authAt(argv: readonly Argument[]): number {
  return argv.findIndex((word, i) => i >= 2 && word.length === 4 && /^auth$/i.test(byteString(word)))
}

/** Whether somebody tries to log in. */
export function isLogin(command: string, argv: readonly Argument[]): boolean {
  return command === 'auth' || (command === 'hello' && authAt(argv) >= 0)
}

/** Users and parameters that a command is about: their names alone. */
function objectsOf(command: string, argv: readonly Argument[]): readonly Argument[] {
  switch (command) {
    case 'acl|setuser':
    case 'acl|getuser':
    case 'acl|dryrun':
      return argv.slice(2, 3)
    case 'acl|deluser':
    case 'config|get':
    case 'client|kill':
      return argv.slice(2)
    case 'config|set':
      return argv.filter((_, i) => i >= 2 && i % 2 === 0)
    default:
      return []
  }
}

function namesOf(field: string, names: readonly Argument[]): object {
  if (names.length === 0) return {}
  const told = { [field]: names.slice(0, NAMES_MAX).map(nameText) }
  return names.length <= NAMES_MAX ? told : { ...told, [`more_${field}`]: names.length - NAMES_MAX }
}

function nameText(name: Argument): string {
  const bytes = Buffer.from(byteString(name.slice(0, NAME_BYTES_MAX)), 'latin1')
  const rest = name.length > NAME_BYTES_MAX ? `… (${name.length} bytes)` : ''
  try {
    return UTF8.decode(bytes) + rest
  } catch {
    const hex = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
    return bytes.toString('latin1').replaceAll(/[^\x20-\x7e]/g, hex) + rest
  }
}

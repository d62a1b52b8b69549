/**
 * What may be sent again after its connection was lost, and what may not: derived from the command table.
 *
 *     read    `readonly` in the table, and a few of the server's own    again
 *     again   the same effect and the same answer, however often        again
 *     once    takes effect at most once, as its own condition sees to   again; a refusal then says nothing
 *     never   everything else                                           only when it provably was not sent
 *
 * A plain SET is not among them: sent again after a pause, it would undo what somebody else has set between.
 * NX is no condition that sees to it: somebody may have deleted the key between. `IFREV` is one, since no
 * revision ever comes again. When such a command, sent again, succeeds, the first one had not happened; when
 * it is refused, it may have been by its own first self, and its outcome is called unknown.
 *
 * What a command is, beyond that: whether it waits, which needs a connection of its own, or changes what a
 * connection is, which nobody may do to one that is shared.
 *
 * Tests: test/client/retry-rules.test.ts
 */
import { commandTable } from '../keyspace/commands/index.ts'
import { type Argument, byteString, type CommandSpec, ErrorReply } from '../keyspace/engine/index.ts'

/** What may be done with a command whose connection was lost. */
export type RetryRule = 'read' | 'again' | 'once' | 'never'

/** What is known of a command before it is sent. */
export interface CommandProfile {
  /** In lower case, with its subcommand as in the table. */
  readonly name: string
  /** Its row; undefined: the server may know it all the same. */
  readonly spec: CommandSpec | undefined
  readonly rule: RetryRule
  /** Whether it may wait: `blocking`; or changes its connection: `session`. */
  readonly kind: 'plain' | 'blocking' | 'session'
}

/** Commands of the server that only look. */
const SERVER_READS: ReadonlySet<string> = new Set(['ping', 'echo', 'time', 'info', 'command', 'lolwut'])

/** A renewal counts from now, and whoever lost the lease is told so each time. */
const AGAIN: ReadonlySet<string> = new Set(['lock.renew', 'sem.renew'])

/** What they do, they do to the connection. */
const SESSION: ReadonlySet<string> = new Set([
  ...['subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'ssubscribe', 'sunsubscribe'],
  ...['multi', 'exec', 'discard', 'watch', 'unwatch', 'select', 'reset', 'quit', 'hello', 'auth'],
  ...['monitor', 'sync', 'psync', 'watchrev', 'asking', 'readonly', 'readwrite'],
])
const CLIENT_SESSION: ReadonlySet<string> = new Set(['reply', 'tracking', 'caching', 'setname', 'no-touch'])

/** Newer than our table, and may wait. */
const WAITS: ReadonlySet<string> = new Set(['wait', 'waitaof'])
const STREAM_READS: ReadonlySet<string> = new Set(['xread', 'xreadgroup'])

const KNOWN = new Map<CommandSpec, CommandProfile>()

/** What is known of a command. */
export function profileOf(argv: readonly Argument[]): CommandProfile {
  const spec = commandTable.find(argv)
  if (spec instanceof ErrorReply) return strangerOf(argv)
  const known = KNOWN.get(spec) ?? profileOfRow(spec)
  return spec.name === 'set' && isConditional(argv) ? { ...known, rule: 'once' } : known
}

function profileOfRow(spec: CommandSpec): CommandProfile {
  const { name, flags } = spec
  const isRead = flags.includes('readonly') || SERVER_READS.has(name) || name.startsWith('pubsub|')
  const profile: CommandProfile = {
    name,
    spec,
    rule: isRead ? 'read' : AGAIN.has(name) ? 'again' : 'never',
    kind: flags.includes('blocking') ? 'blocking' : 'plain',
  }
  KNOWN.set(spec, profile)
  return profile
}

/** A command that the table has not, or that has too few arguments: the server says what is wrong with it. */
function strangerOf(argv: readonly Argument[]): CommandProfile {
  const name = byteString(argv[0] ?? '').toLowerCase()
  const sub = byteString(argv[1] ?? '').toLowerCase()
  const isSession = SESSION.has(name) || (name === 'client' && CLIENT_SESSION.has(sub))
  const isWait = WAITS.has(name) || (STREAM_READS.has(name) && hasWord(argv, 'block'))
  return {
    name,
    spec: undefined,
    rule: SERVER_READS.has(name) ? 'read' : 'never',
    kind: isSession ? 'session' : isWait ? 'blocking' : 'plain',
  }
}

/** SET key value … IFREV revision: with one that exists. Revision 0 is that of a key that is not there. */
function isConditional(argv: readonly Argument[]): boolean {
  for (let i = 3; i + 1 < argv.length; i++) {
    if (byteString(argv[i]!).toLowerCase() === 'ifrev') return Number(byteString(argv[i + 1]!)) > 0
  }
  return false
}

function hasWord(argv: readonly Argument[], word: string): boolean {
  return argv.some((one) => one.length === word.length && byteString(one).toLowerCase() === word)
}

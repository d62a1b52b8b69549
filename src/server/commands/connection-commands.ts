/**
 * What concerns a connection alone: who it is, which database and which version of the protocol it speaks.
 *
 * Tests: test/server/commands/connection-commands.race.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  databaseIndex,
  ErrorReply,
  err,
  MapReply,
  OK,
  StatusReply,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import { FailedLogins } from '../acl/index.ts'
import type { ServerReply } from '../resp/index.ts'
import type { ServerCommand, ServerThread, Session } from './server-command.ts'

const PONG = new StatusReply('PONG')
const RESET = new StatusReply('RESET')
const WRONG_PASSWORD = new ErrorReply('WRONGPASS', 'invalid username-password pair or user is disabled.')
const NO_PASSWORD_SET = err(
  'AUTH <password> called without any password configured for the default user. ' +
    'Are you sure your configuration is correct?',
)
const HELLO_NO_AUTH = new ErrorReply(
  'NOAUTH',
  'HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> ' +
    'option can be used to authenticate the client and select the RESP protocol version at the same time',
)
const BAD_PROTOCOL = err('Protocol version is not an integer or out of range')
const NO_PROTOCOL = new ErrorReply('NOPROTO', 'unsupported protocol version')
export const BAD_CLIENT_NAME: ErrorReply = err(
  'Client names cannot contain spaces, newlines or special characters.',
)
/** What a name may be made of: it stands in lines of CLIENT LIST. */
const NAME = /^[!-~]*$/

/** Whether a text may be a client's name. */
export function isClientName(name: ByteString): boolean {
  return NAME.test(name)
}

const FAILED_LOGINS = new WeakMap<ServerThread, FailedLogins>()

/** Of a thread. */
function failedLoginsOf(thread: ServerThread): FailedLogins {
  let logins = FAILED_LOGINS.get(thread)
  if (logins === undefined) {
    logins = new FailedLogins(thread.clock, (event, details) => thread.log('warn', event, details))
    FAILED_LOGINS.set(thread, logins)
  }
  return logins
}

function login(
  session: Session,
  command: Argument,
  name: ByteString,
  password: Argument,
): ErrorReply | undefined {
  const { thread } = session
  const user = thread.acl.authenticate(name, password)
  if (user === undefined) {
    thread.counters.authFailures++
    thread.acl.noteFailedLogin(name, session, byteString(command))
    failedLoginsOf(thread).note(name, session.address)
    return WRONG_PASSWORD
  }
  session.authenticate(user)
  return undefined
}

function auth(session: Session, argv: readonly Argument[]): ServerReply {
  if (argv.length > 3) return SYNTAX_ERROR
  const [name, password] = argv.length === 3 ? [byteString(argv[1]!), argv[2]!] : ['default', argv[1]!]
  if (argv.length === 2 && session.thread.acl.defaultUser.isPasswordFree) {
    return NO_PASSWORD_SET
  }
  return login(session, argv[0]!, name, password) ?? OK
}

function hello(session: Session, argv: readonly Argument[]): ServerReply {
  let version: 2 | 3 | undefined
  if (argv.length > 1) {
    const text = byteString(argv[1]!)
    if (!/^-?\d+$/.test(text)) return BAD_PROTOCOL
    if (text !== '2' && text !== '3') return NO_PROTOCOL
    version = text === '3' ? 3 : 2
  }
  let name: ByteString | undefined
  let credentials: readonly [ByteString, Argument] | undefined
  for (let i = 2; i < argv.length; ) {
    const option = byteString(argv[i]!).toUpperCase()
    if (option === 'AUTH' && i + 2 < argv.length) {
      credentials = [byteString(argv[i + 1]!), argv[i + 2]!]
      i += 3
    } else if (option === 'SETNAME' && i + 1 < argv.length) {
      name = byteString(argv[i + 1]!)
      if (!isClientName(name)) return BAD_CLIENT_NAME
      i += 2
    } else return err(`Syntax error in HELLO option '${byteString(argv[i]!)}'`)
  }
  if (credentials !== undefined) {
    const refusal = login(session, argv[0]!, ...credentials)
    if (refusal !== undefined) return refusal
  }
  if (session.user === undefined) return HELLO_NO_AUTH
  if (name !== undefined) session.name = name
  if (version !== undefined && version !== session.resp) {
    session.resp = version
    session.changed()
  }
  const { facts } = session.thread
  return new MapReply([
    ...['server', 'redis', 'version', facts.version, 'proto', session.resp, 'id', session.id],
    ...['mode', 'standalone', 'role', 'master', 'modules', []],
  ])
}

function ping(session: Session, argv: readonly Argument[]): ServerReply {
  if (argv.length > 2) return err("wrong number of arguments for 'ping' command")
  const listens = session.channelCount + session.patternCount + session.shardedCount > 0
  // A client that takes everything for a message gets its answer as one.
  if (listens && session.resp === 2) return ['pong', argv[1] ?? '']
  return argv[1] ?? PONG
}

function select(session: Session, argv: readonly Argument[]): ServerReply {
  const index = databaseIndex(byteString(argv[1]!), session.thread.parameters.get('databases'))
  if (index instanceof ErrorReply) return index
  session.db = index
  return OK
}

function quit(session: Session): ServerReply {
  session.closeAfterReplies()
  return OK
}

export const connectionCommands: readonly ServerCommand[] = [
  {
    name: 'auth',
    arity: -2,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    group: 'connection',
    summary: 'Authenticates the connection.',
    complexity: 'O(N) with N passwords of the user',
    syntax: '[username] password',
    since: '1.0.0',
    run: auth,
  },
  {
    name: 'hello',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    group: 'connection',
    summary: 'Shakes hands: the version of the protocol, and optionally credentials and a name.',
    complexity: 'O(1)',
    syntax: '[protover [AUTH username password] [SETNAME clientname]]',
    since: '6.0.0',
    differs:
      'It takes effect as a whole or not at all. Queued by MULTI, it holds from the reply after EXEC on.',
    run: hello,
  },
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    group: 'connection',
    summary: 'Answers PONG, or its argument.',
    complexity: 'O(1)',
    syntax: '[message]',
    since: '1.0.0',
    run: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    group: 'connection',
    summary: 'Answers its argument.',
    complexity: 'O(1)',
    syntax: 'message',
    since: '1.0.0',
    run: (_session, argv) => argv[1]!,
  },
  {
    name: 'select',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    group: 'connection',
    summary: 'Changes the database of the connection.',
    complexity: 'O(1)',
    syntax: 'index',
    since: '1.0.0',
    run: select,
  },
  {
    name: 'reset',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    group: 'connection',
    summary: 'Makes the connection as it was when it began.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.2.0',
    run(session) {
      session.reset()
      return RESET
    },
  },
  {
    name: 'quit',
    arity: -1,
    flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
    group: 'connection',
    summary: 'Closes the connection.',
    complexity: 'O(1)',
    syntax: '',
    since: '1.0.0',
    run: quit,
  },
]

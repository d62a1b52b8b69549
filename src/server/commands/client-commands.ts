/**
 * CLIENT: what is known of clients, over all threads, and what is done to them.
 *
 * A client lives on one thread; who asks for all asks every thread. A pause is a change that every thread
 * makes, each by its own clock.
 *
 * Tests: test/server/commands/client-commands.race.test.ts
 * Source: Redis 7.2, src/networking.c
 */
import {
  type Argument,
  type ByteString,
  byteString,
  ErrorReply,
  err,
  NOT_INTEGER,
  OK,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import { helpReply } from '../catalog/index.ts'
import { clientLine, requestBytes } from '../connection/client-line.ts'
import { ConnectionState } from '../connection/connection-state.ts'
import { NO_REPLY, type ServerReply, VerbatimReply } from '../resp/index.ts'
import { type ClientFilter, filterFits, isClientType, readKillFilter } from './client-filter.ts'
import { BAD_CLIENT_NAME, isClientName } from './connection-commands.ts'
import type { CommandResult, ServerCommand, ServerThread, Session } from './server-command.ts'

const LIST_TOPIC = 'client.list'
const KILL_TOPIC = 'client.kill'
const UNBLOCK_TOPIC = 'client.unblock'
const PAUSE_TOPIC = 'client.pause'
const UNPAUSE_TOPIC = 'client.unpause'
const PAUSE_MS_MAX = 2 ** 53
const NO_SUCH_CLIENT = err('No such client')

interface Unblock {
  readonly id: number
  readonly withError: boolean
}

interface Pause {
  readonly durationMs: number
  readonly isWriteOnly: boolean
}

/** Makes a thread answer for its clients. */
export function answerClients(thread: ServerThread): void {
  const { topics } = thread.peers
  topics.set(LIST_TOPIC, (filter: ClientFilter) =>
    [...thread.sessions.values()]
      .filter((session) => filterFits(filter, session))
      .map((session) => {
        const bytes = session.id === filter.askedBy ? filter.requestBytes : 0
        return [session.id, clientLine(session, bytes)] as const
      }),
  )
  topics.set(KILL_TOPIC, (filter: ClientFilter) => {
    const killed = [...thread.sessions.values()].filter((session) => filterFits(filter, session))
    for (const session of killed) {
      // Whoever kills itself is answered first.
      if (session.id === filter.askedBy) session.closeAfterReplies('CLIENT KILL')
      else session.close('CLIENT KILL')
    }
    return killed.length
  })
  topics.set(UNBLOCK_TOPIC, ({ id, withError }: Unblock) => {
    const session = thread.sessions.get(id)
    return session?.blockedIn !== undefined && session.unblock(withError)
  })
  topics.set(PAUSE_TOPIC, async ({ durationMs, isWriteOnly }: Pause) => {
    thread.pause.begin(durationMs, isWriteOnly)
    const answered = [...thread.sessions.values()].map(
      (session) => session instanceof ConnectionState && session.whenRemoteAnswered(),
    )
    await Promise.all([thread.pause.settled(), ...answered])
  })
  topics.set(UNPAUSE_TOPIC, () => thread.pause.set(undefined))
}

async function list(session: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const words = argv.slice(2).map(byteString)
  let filter: ClientFilter = {}
  if (words.length === 2 && words[0]!.toUpperCase() === 'TYPE') {
    const type = words[1]!.toLowerCase()
    if (!isClientType(type)) return err(`Unknown client type '${words[1]}'`)
    filter = { type }
  } else if (words.length > 1 && words[0]!.toUpperCase() === 'ID') {
    const ids = words.slice(1).map(Number)
    if (ids.some((id) => !Number.isSafeInteger(id) || id < 1)) return err('Invalid client ID')
    filter = { ids }
  } else if (words.length > 0) return SYNTAX_ERROR
  const question: ClientFilter = { ...filter, askedBy: session.id, requestBytes: requestBytes(argv) }
  const found = await session.thread.peers.ask<readonly (readonly [number, string])[]>(LIST_TOPIC, question)
  const lines = found.flat().sort(([one], [other]) => one - other)
  return new VerbatimReply(lines.map(([, line]) => `${line}\n`).join(''))
}

async function kill(session: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const words = argv.slice(2).map(byteString)
  const { peers } = session.thread
  if (words.length === 1) {
    const filter = { address: words[0]!, askedBy: session.id }
    const counts = await peers.ask<number>(KILL_TOPIC, filter)
    return counts.some((count) => count > 0) ? OK : NO_SUCH_CLIENT
  }
  const filter = readKillFilter(words, session)
  if (filter instanceof ErrorReply) return filter
  const counts = await peers.ask<number>(KILL_TOPIC, filter)
  return counts.reduce((sum, count) => sum + count, 0)
}

async function unblock(session: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const text = byteString(argv[2]!)
  if (!/^-?\d+$/.test(text)) return NOT_INTEGER
  const reason = argv.length > 3 ? byteString(argv[3]!).toUpperCase() : 'TIMEOUT'
  if (reason !== 'TIMEOUT' && reason !== 'ERROR') {
    return err('CLIENT UNBLOCK reason should be TIMEOUT or ERROR')
  }
  const question = { id: Number(text), withError: reason === 'ERROR' }
  const found = await session.thread.peers.ask<boolean>(UNBLOCK_TOPIC, question)
  return found.includes(true) ? 1 : 0
}

async function pause(session: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const mode = argv.length > 3 ? byteString(argv[3]!).toUpperCase() : 'ALL'
  if (mode !== 'ALL' && mode !== 'WRITE') return err('CLIENT PAUSE mode must be WRITE or ALL')
  const text = byteString(argv[2]!)
  if (!/^-?\d+$/.test(text)) return err('timeout is not an integer or out of range')
  const durationMs = Number(text)
  if (durationMs < 0) return err('timeout is negative')
  if (durationMs > PAUSE_MS_MAX) return err('timeout is out of range')
  await session.thread.peers.change(PAUSE_TOPIC, { durationMs, isWriteOnly: mode === 'WRITE' })
  return OK
}

async function unpause(session: Session): Promise<ServerReply> {
  await session.thread.peers.change(UNPAUSE_TOPIC, undefined)
  return OK
}

function reply(session: Session, argv: readonly Argument[]): CommandResult {
  const mode = byteString(argv[2]!).toUpperCase()
  if (mode === 'ON') {
    session.replyMode = 'on'
    session.changed()
    return OK
  }
  if (mode !== 'OFF' && mode !== 'SKIP') return SYNTAX_ERROR
  if (mode === 'SKIP' && session.replyMode === 'off') return NO_REPLY
  session.replyMode = mode === 'OFF' ? 'off' : 'skip'
  session.changed()
  return NO_REPLY
}

function setName(session: Session, argv: readonly Argument[]): ServerReply {
  const name = byteString(argv[2]!)
  if (!isClientName(name)) return BAD_CLIENT_NAME
  session.name = name
  return OK
}

function setInfo(session: Session, argv: readonly Argument[]): ServerReply {
  const [option, value] = [byteString(argv[2]!).toLowerCase(), byteString(argv[3]!)]
  if (option !== 'lib-name' && option !== 'lib-ver') {
    return err(`Unrecognized option '${byteString(argv[2]!)}'`)
  }
  if (!isClientName(value)) return err(`${option} cannot contain spaces, newlines or special characters.`)
  if (option === 'lib-name') session.libName = value
  else session.libVersion = value
  return OK
}

/** ON or OFF. */
function flag(session: Session, argv: readonly Argument[], name: 'noEvict' | 'noTouch'): ServerReply {
  const word = byteString(argv[2]!).toUpperCase()
  if (word !== 'ON' && word !== 'OFF') return SYNTAX_ERROR
  session[name] = word === 'ON'
  session.changed()
  return OK
}

type Row = readonly [
  name: string,
  arity: number,
  syntax: string,
  since: string,
  summary: string,
  run: ServerCommand['run'],
  isAdmin?: boolean,
  differs?: string,
]

const name = (session: Session): ByteString | null => (session.name === '' ? null : session.name)

const ROWS: readonly Row[] = [
  ['id', 2, '', '5.0.0', 'The number of the connection, which is never used again.', ({ id }) => id],
  [
    ...(['info', 2, '', '6.2.0', 'The line of CLIENT LIST of this connection.'] as const),
    (session, argv) => new VerbatimReply(`${clientLine(session, requestBytes(argv))}\n`),
  ],
  ['getname', 2, '', '2.6.9', 'The name of the connection.', name],
  ['setname', 3, 'connection-name', '2.6.9', 'Names the connection.', setName],
  [
    ...(['setinfo', 4, '<LIB-NAME libname | LIB-VER libver>', '7.2.0'] as const),
    ...(['Says which library speaks here.', setInfo] as const),
  ],
  [
    ...(['list', -2, '[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]'] as const),
    ...(['2.4.0', 'Lists the connections of all threads.', list, true] as const),
  ],
  [
    'kill',
    -3,
    '<ip:port | [ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] [USER username] ' +
      '[ADDR ip:port] [LADDR ip:port] [SKIPME yes/no] [MAXAGE seconds]>',
    ...(['2.4.0', 'Closes connections.', kill, true] as const),
  ],
  [
    ...(['pause', -3, 'timeout [WRITE | ALL]', '2.9.50'] as const),
    ...(['Lets commands wait for some milliseconds.', pause, true] as const),
  ],
  ['unpause', 2, '', '6.2.0', 'Ends a pause.', unpause, true],
  ['reply', 3, '<ON | OFF | SKIP>', '3.2.0', 'Says whether replies are wanted.', reply],
  [
    ...(['unblock', -3, 'client-id [TIMEOUT | ERROR]', '5.0.0'] as const),
    ...(['Ends the wait of a connection.', unblock, true] as const),
  ],
  [
    ...([
      'no-evict',
      3,
      '<ON | OFF>',
      '7.0.0',
      'Whether the connection is spared when memory is short.',
    ] as const),
    ...([(session, argv) => flag(session, argv, 'noEvict'), true] as const satisfies readonly [
      Row[5],
      boolean,
    ]),
  ],
  [
    ...([
      'no-touch',
      3,
      '<ON | OFF>',
      '7.2.0',
      'Whether reads leave the time of the last use alone.',
    ] as const),
    ...([
      (session, argv) => flag(session, argv, 'noTouch'),
      false,
      'It is kept and shown, and has no effect yet.',
    ] as const satisfies readonly [Row[5], boolean, string]),
  ],
  [
    ...(['help', 2, '', '5.0.0', 'Lists the subcommands.'] as const),
    ({ thread }) => helpReply(thread.catalog, 'client'),
  ],
]

const QUIET = ['noscript', 'loading', 'stale'] as const

export const clientCommands: readonly ServerCommand[] = ROWS.map(
  ([subcommand, arity, syntax, since, summary, run, isAdmin = false, differs]) => ({
    name: `client|${subcommand}`,
    arity,
    flags: subcommand === 'help' ? ['loading', 'stale'] : isAdmin ? ['admin', ...QUIET] : QUIET,
    group: 'connection',
    summary,
    complexity: subcommand === 'list' || subcommand === 'kill' ? 'O(N) with N connections' : 'O(1)',
    syntax,
    since,
    ...(differs !== undefined && { differs }),
    run,
  }),
)

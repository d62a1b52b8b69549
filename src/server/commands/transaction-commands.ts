/**
 * MULTI, EXEC, DISCARD, WATCH and UNWATCH.
 *
 * What is queued for the keyspace runs as one transaction over any shards. What is queued for the server
 * itself runs behind it, in its order, so that a SELECT among the commands holds for those after it.
 *
 * Tests: test/server/commands/transaction-commands.race.test.ts
 */
import { assert } from '../../base/index.ts'
import {
  type Argument,
  byteString,
  databaseIndex,
  ErrorReply,
  err,
  NULL_ARRAY,
  OK,
  type Reply,
} from '../../keyspace/engine/index.ts'
import type { BatchCommand } from '../../keyspace/serving/index.ts'
import { ConnectionState, type QueuedCommand } from '../connection/connection-state.ts'
import { errorReplyOf } from '../connection/error-reply.ts'
import { refusalOf } from '../connection/permission.ts'
import { EXEC_OUT_OF_MEMORY, lacksRoomAtExec } from '../connection/queue-room.ts'
import { NO_REPLY, type ServerReply } from '../resp/index.ts'
import type { CommandResult, ServerCommand, ServerThread, Session } from './server-command.ts'

const EXEC_ABORTED = new ErrorReply('EXECABORT', 'Transaction discarded because of previous errors.')

function clientOf(session: Session): ConnectionState {
  assert(session instanceof ConnectionState, 'a session is a connection')
  return session
}

function multi(session: Session): CommandResult {
  const client = clientOf(session)
  if (client.transaction !== undefined) return err('MULTI calls can not be nested')
  client.transaction = { commands: [], bytes: 0, hasFailed: false, mayWrite: false }
  client.changed()
  return OK
}

function discard(session: Session): CommandResult {
  const client = clientOf(session)
  if (client.transaction === undefined) return err('DISCARD without MULTI')
  client.forgetTransaction()
  return OK
}

function exec(session: Session): CommandResult {
  const client = clientOf(session)
  const { transaction } = client
  if (transaction === undefined) return err('EXEC without MULTI')
  const watched = [...client.watched.values()]
  client.forgetTransaction()
  if (transaction.hasFailed) return EXEC_ABORTED
  const { commands } = transaction
  if (commands.length === 0 && watched.length === 0) return []
  return runQueued(client, commands, watched)
}

type Watched = ConnectionState['watched'] extends Map<string, infer W> ? readonly W[] : never

/** What the keyspace has run of a transaction. */
interface Ran {
  /** Of commands that may not run any more, by their places. */
  readonly refusals: readonly (ErrorReply | undefined)[]
  /** Of the others, but for those of the server; undefined: a watched key has changed. */
  readonly replies: readonly Reply[] | undefined
  /** How long each of them has taken. Nobody knows: they share alike. */
  readonly shareMs: number
}

/** The part that a pause waits for, from the first look at memory on. */
async function runInKeyspace(
  client: ConnectionState,
  queued: readonly QueuedCommand[],
  watched: Watched,
): Promise<Ran | undefined> {
  const { thread } = client
  if (await lacksRoomAtExec(thread, queued)) return undefined
  const refusals = queued.map(({ entry, argv }) => refusalOf(client, entry, argv, 'exec'))
  queued.forEach(({ entry, argv }, i) => {
    if (entry.isAudited) thread.audit?.(client, entry, argv, refusals[i])
  })
  const batch: BatchCommand[] = []
  const dbs: number[] = []
  let { db } = client
  queued.forEach(({ entry, argv }, i) => {
    if (entry.name === 'select') db = databaseOf(thread, argv, db)
    dbs.push(db)
    if (entry.server === undefined && refusals[i] === undefined)
      batch.push({ argv, db, resp: client.resp, by: client.namedAs })
  })
  const startMs = thread.nowMs()
  const replies: readonly Reply[] | undefined =
    batch.length === 0 && watched.length === 0 ? [] : await thread.client.transactions.batch(batch, watched)
  return { refusals, replies, shareMs: (thread.nowMs() - startMs) / Math.max(1, batch.length) }
}

async function runQueued(
  client: ConnectionState,
  queued: readonly QueuedCommand[],
  watched: Watched,
): Promise<ServerReply> {
  const { thread } = client
  const ran = await thread.pause.track(runInKeyspace(client, queued, watched))
  if (ran === undefined) return EXEC_OUT_OF_MEMORY
  const { refusals, replies, shareMs } = ran
  if (replies === undefined) return NULL_ARRAY
  const all: ServerReply[] = []
  let next = 0
  for (const [i, { entry, argv }] of queued.entries()) {
    const refusal = refusals[i]
    const ownMs = thread.nowMs()
    const isOwn = refusal !== undefined || entry.server !== undefined
    const reply = refusal ?? (isOwn ? await runOwn(client, entry.server!, argv) : replies[next++]!)
    entry.calls++
    thread.onRan(client, entry, argv, isOwn ? ownMs : ownMs - shareMs, reply)
    all.push(reply)
  }
  return all
}

async function runOwn(
  client: ConnectionState,
  command: ServerCommand,
  argv: readonly Argument[],
): Promise<ServerReply> {
  client.isInExec = true
  try {
    const reply = await command.run(client, argv)
    return reply === NO_REPLY ? OK : reply
  } catch (thrown) {
    return errorReplyOf(thrown)
  } finally {
    client.isInExec = false
  }
}

function databaseOf({ parameters }: ServerThread, argv: readonly Argument[], before: number): number {
  const index = databaseIndex(byteString(argv[1]!), parameters.get('databases'))
  return index instanceof ErrorReply ? before : index
}

function watch(session: Session, argv: readonly Argument[]): CommandResult {
  const client = clientOf(session)
  if (client.transaction !== undefined) return err('WATCH inside MULTI is not allowed')
  return watchKeys(client, argv.slice(1).map(byteString))
}

async function watchKeys(client: ConnectionState, keys: readonly string[]): Promise<ServerReply> {
  const { db, thread, watched } = client
  const revisions = await Promise.all(keys.map((key) => thread.call(['REVISION', key], db)))
  keys.forEach((key, i) => {
    const name = `${db}:${key}`
    // A key that is watched already keeps the revision that it had then.
    if (!watched.has(name)) watched.set(name, { db, key, revision: Number(revisions[i] ?? 0) })
  })
  return OK
}

function unwatch(session: Session): CommandResult {
  clientOf(session).watched.clear()
  return OK
}

const FLAGS = ['noscript', 'loading', 'stale', 'fast', 'allow_busy'] as const

export const transactionCommands: readonly ServerCommand[] = [
  {
    name: 'multi',
    arity: 1,
    flags: FLAGS,
    group: 'transactions',
    summary: 'Begins a transaction: what follows is queued.',
    complexity: 'O(1)',
    syntax: '',
    since: '1.2.0',
    run: multi,
  },
  {
    name: 'exec',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    group: 'transactions',
    summary: 'Runs what was queued, as one.',
    complexity: 'That of the commands',
    syntax: '',
    since: '1.2.0',
    differs: 'Commands of the server among them (CLIENT, CONFIG, INFO) run after those of the keyspace.',
    run: exec,
  },
  {
    name: 'discard',
    arity: 1,
    flags: FLAGS,
    group: 'transactions',
    summary: 'Forgets what was queued.',
    complexity: 'O(N) with N queued commands',
    syntax: '',
    since: '2.0.0',
    run: discard,
  },
  {
    name: 'watch',
    arity: -2,
    flags: FLAGS,
    keys: { first: 1, last: -1 },
    group: 'transactions',
    summary: 'Lets the next EXEC run nothing if one of the keys has changed by then.',
    complexity: 'O(1) for each key',
    syntax: 'key [key ...]',
    since: '2.2.0',
    run: watch,
  },
  {
    name: 'unwatch',
    arity: 1,
    flags: FLAGS,
    group: 'transactions',
    summary: 'Forgets the watched keys.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.2.0',
    run: unwatch,
  },
]

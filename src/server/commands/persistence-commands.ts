/**
 * What concerns files and the end: SAVE and its kin are snapshots of every shard's log; WAIT and WAITAOF say
 * how safe a write is; SHUTDOWN asks the main thread to end.
 *
 * Without a directory there is nothing to save to, and whoever asks is told so: an OK would be believed.
 *
 * Tests: test/server/commands/own-state.race.test.ts
 */
import {
  type Argument,
  byteString,
  err,
  isInteger64,
  NOT_INTEGER,
  OK,
  StatusReply,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import { shardFigures, snapshotAll, syncShards } from '../../keyspace/serving/index.ts'
import { persistenceOf } from '../report/index.ts'
import { NO_REPLY, type ServerReply } from '../resp/index.ts'
import type { CommandResult, ServerCommand, ServerThread, Session } from './server-command.ts'

const NO_FILES = err('the data is kept in memory alone: the server was started without a dir')
const IS_SAVING = err('Background save already in progress')
const BAD_TIMEOUT = err('timeout is not an integer or out of range')
const NEGATIVE_TIMEOUT = err('timeout is negative')
const NO_LOG = err('WAITAOF cannot be used when numlocal is set but appendonly is disabled.')
const BAD_LOCAL = err('value is out of range, value must between 0 and 1')
const NO_SHUTDOWN = err('No shutdown in progress.')
const NOT_BY_CLIENTS = err('this program does not let clients end it: it has no onShutdown')
const SHUTDOWN_FAILED = err('Errors trying to SHUTDOWN. Check logs.')
const WAIT_MS_MAX = 2 ** 31 - 1

async function isSaving({ client, facts }: ServerThread): Promise<boolean> {
  return persistenceOf(await shardFigures(client), facts.startedWallMs).isSaving
}

async function save({ thread }: Session): Promise<ServerReply> {
  if (!thread.facts.isDurable) return NO_FILES
  if (await isSaving(thread)) return IS_SAVING
  await snapshotAll(thread.client)
  return OK
}

/** Answers when it has begun; what becomes of it is in INFO and in the log. */
async function saveLater(thread: ServerThread, started: string): Promise<ServerReply> {
  if (!thread.facts.isDurable) return NO_FILES
  if (await isSaving(thread)) return IS_SAVING
  snapshotAll(thread.client).then(
    ({ keys, bytes, ms }) => thread.log('info', 'snapshot made', { keys, bytes, ms: Math.round(ms) }),
    (error: unknown) => thread.log('error', 'the snapshot has failed', { error: String(error) }),
  )
  return new StatusReply(started)
}

function bgsave({ thread }: Session, argv: readonly Argument[]): CommandResult {
  const isScheduled = argv.length === 2 && byteString(argv[1]!).toUpperCase() === 'SCHEDULE'
  if (argv.length > 1 && !isScheduled) return SYNTAX_ERROR
  return saveLater(thread, 'Background saving started')
}

async function lastSave({ thread }: Session): Promise<ServerReply> {
  const { lastSaveWallMs } = persistenceOf(await shardFigures(thread.client), thread.facts.startedWallMs)
  return Math.floor(lastSaveWallMs / 1000)
}

/** A timeout in milliseconds, or the error to answer. */
function timeoutOf(argument: Argument): number | ReturnType<typeof err> {
  const word = byteString(argument)
  if (!isInteger64(word)) return BAD_TIMEOUT
  return word.startsWith('-') ? NEGATIVE_TIMEOUT : Math.min(WAIT_MS_MAX, Number(word))
}

function wait(_session: Session, argv: readonly Argument[]): CommandResult {
  if (!isInteger64(byteString(argv[1]!))) return NOT_INTEGER
  const timeout = timeoutOf(argv[2]!)
  // No replica will ever come: nobody waits for one.
  return typeof timeout === 'number' ? 0 : timeout
}

function waitAof(session: Session, argv: readonly Argument[]): CommandResult {
  const { thread } = session
  const [local, replicas] = [byteString(argv[1]!), byteString(argv[2]!)]
  if (local !== '0' && local !== '1') return isInteger64(local) ? BAD_LOCAL : NOT_INTEGER
  if (!isInteger64(replicas)) return NOT_INTEGER
  const timeoutMs = timeoutOf(argv[3]!)
  if (typeof timeoutMs !== 'number') return timeoutMs
  if (local === '1' && !thread.facts.isDurable) return NO_LOG
  return untilSynced(session, local === '1', timeoutMs)
}

/** Until what this client has written is synced, its time is over, or it is gone. */
async function untilSynced(session: Session, wantsLocal: boolean, timeoutMs: number): Promise<ServerReply> {
  const { client, clock } = session.thread
  if (!session.thread.facts.isDurable) return [0, 0]
  if (!wantsLocal) return [(await syncShards(client, false)) ? 1 : 0, 0]
  const synced = syncShards(client, true).then(() => 1)
  let end = (): void => undefined
  const over = new Promise<number>((resolve) => {
    const timer = timeoutMs === 0 ? undefined : clock.after(timeoutMs, () => resolve(0))
    const gone = (): void => resolve(0)
    session.onGone.add(gone)
    end = () => {
      timer?.cancel()
      session.onGone.delete(gone)
    }
  })
  try {
    return [await Promise.race([synced, over]), 0]
  } finally {
    end()
    synced.catch(() => undefined)
  }
}

function shutdown(session: Session, argv: readonly Argument[]): CommandResult {
  const words = argv.slice(1).map((word) => byteString(word).toUpperCase())
  const has = (word: string): boolean => words.includes(word)
  const isKnown = words.every((word) => ['SAVE', 'NOSAVE', 'NOW', 'FORCE', 'ABORT'].includes(word))
  if (!isKnown || (has('SAVE') && has('NOSAVE')) || (has('ABORT') && words.length > 1)) return SYNTAX_ERROR
  if (has('ABORT')) return NO_SHUTDOWN
  return end(session, has('SAVE') ? true : has('NOSAVE') ? false : undefined, has('FORCE'))
}

/** A snapshot that was asked for is made before; without it the logs are as good. */
async function end(
  { thread, address }: Session,
  save: boolean | undefined,
  isForced: boolean,
): Promise<ServerReply | typeof NO_REPLY> {
  try {
    if (save === true) {
      if (!thread.facts.isDurable && !isForced) {
        thread.log('error', 'the server could not be ended', { error: 'there is no dir to save to' })
        return SHUTDOWN_FAILED
      }
      if (thread.facts.isDurable) {
        await snapshotAll(thread.client).catch((error: unknown) => {
          if (!isForced) throw error
        })
      }
    }
    thread.log('info', 'a client has asked for the end', { address, save })
    return (await thread.request('shutdown', { save })) === true ? NO_REPLY : NOT_BY_CLIENTS
  } catch (error) {
    thread.log('error', 'the server could not be ended', { error: String(error) })
    return SHUTDOWN_FAILED
  }
}

const ADMIN = { group: 'server', flags: ['admin', 'noscript', 'no_async_loading'] } as const
const PER_KEY = 'O(N) with N keys'
const NO_DIRECTORY = 'Without `dir` it is an error: Redis would write to where it was started.'

export const persistenceCommands: readonly ServerCommand[] = [
  {
    ...ADMIN,
    name: 'save',
    arity: 1,
    flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
    summary: 'Makes a snapshot of all shards, and answers when it is on the disk.',
    complexity: PER_KEY,
    syntax: '',
    since: '1.0.0',
    differs: `Others go on meanwhile. There is no dump.rdb. ${NO_DIRECTORY}`,
    run: save,
  },
  {
    ...ADMIN,
    name: 'bgsave',
    arity: -1,
    summary: 'Begins a snapshot of all shards.',
    complexity: PER_KEY,
    syntax: '[SCHEDULE]',
    since: '1.0.0',
    differs: NO_DIRECTORY,
    run: bgsave,
  },
  {
    ...ADMIN,
    name: 'bgrewriteaof',
    arity: 1,
    summary: 'The same as BGSAVE: a snapshot takes the place of the log before it.',
    complexity: PER_KEY,
    syntax: '',
    since: '1.0.0',
    differs: NO_DIRECTORY,
    run: ({ thread }) => saveLater(thread, 'Background append only file rewriting started'),
  },
  {
    name: 'lastsave',
    group: 'server',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    summary: 'Tells when the last snapshot was made, in seconds since 1970.',
    complexity: 'O(N) with N shards',
    syntax: '',
    since: '1.0.0',
    run: lastSave,
  },
  {
    ...ADMIN,
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    summary: 'Ends the server, as a signal would.',
    complexity: 'O(N) with N keys when a snapshot is asked for',
    syntax: '[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]',
    since: '1.0.0',
    differs: 'Logs are synced in any case. There are no replicas to wait for, and it cannot be taken back.',
    run: shutdown,
  },
  {
    name: 'wait',
    group: 'generic',
    arity: 3,
    flags: ['noscript'],
    summary: 'Answers how many replicas have what this client has written: 0, as there are none.',
    complexity: 'O(1)',
    syntax: 'numreplicas timeout',
    since: '3.0.0',
    differs: 'It answers at once: nobody will come. WAITAOF waits for the disk.',
    run: wait,
  },
  {
    name: 'waitaof',
    group: 'generic',
    arity: 4,
    flags: ['noscript'],
    summary: 'Waits until what this client has written is on the disk.',
    complexity: 'O(N) with N shards',
    syntax: 'numlocal numreplicas timeout',
    since: '7.2.0',
    differs: 'There are no replicas: it waits for the own disk alone.',
    run: waitAof,
  },
]

/**
 * What becomes of a request that does not take the short way: who may, what waits, what is queued, who runs
 * it.
 *
 * The order of the looks is Redis': is there such a command, with so many arguments; is the client known; may
 * its user; may it in this state; is it queued. A refusal within a transaction fails the transaction.
 *
 * Tests: test/server/serve.race.test.ts, test/server/connection/pipeline.prop.test.ts
 */
import {
  type Argument,
  byteString,
  ErrorReply,
  err,
  QUEUED,
  type Reply,
} from '../../keyspace/engine/index.ts'
import {
  callWaiting,
  channelHome,
  hashSlotOf,
  hasMoved,
  type InlineRun,
  MOVED,
  NO_SLOT,
} from '../../keyspace/serving/index.ts'
import type { CommandEntry, CommandResult } from '../commands/server-command.ts'
import type { NO_REPLY } from '../resp/index.ts'
import { leavesUnknown } from './answer-deadlines.ts'
import { type ConnectionState, mayChange } from './connection-state.ts'
import { errorReplyOf } from './error-reply.ts'
import { undoOf } from './give-back.ts'
import { nullOf } from './null-reply.ts'
import { refusalOf } from './permission.ts'
import { lacksRoom, queueWithRoom } from './queue-room.ts'

const WAIT_MS_MAX = 2 ** 31 - 1
const NO_AUTH = new ErrorReply('NOAUTH', 'Authentication required.')
const MONITORING = err("Replica can't interact with the keyspace")
const UNBLOCKED = new ErrorReply('UNBLOCKED', 'client unblocked via CLIENT UNBLOCK')
/** What a client that listens may do in version 2 of the protocol, where messages look like replies. */
const WHILE_LISTENING: ReadonlySet<string> = new Set([
  ...['subscribe', 'unsubscribe', 'psubscribe', 'punsubscribe', 'ssubscribe', 'sunsubscribe'],
  ...['ping', 'quit', 'reset'],
])
/** What runs at once although commands are being queued. */
const NEVER_QUEUED: ReadonlySet<string> = new Set(['multi', 'exec', 'discard', 'watch', 'quit', 'reset'])

/** Runs one request, or queues it, or refuses it, or has it wait for the end of a pause. */
export function dispatch(
  client: ConnectionState,
  argv: readonly Argument[],
  moment: 'first' | 'again' = 'first',
): void {
  const { thread } = client
  if (moment === 'first') client.commands++
  const entry = thread.commands.find(argv)
  if (entry instanceof ErrorReply) {
    if (isOfBrowser(argv)) return client.close('it speaks HTTP')
    return refuse(client, undefined, entry)
  }
  client.lastCommand = entry.name
  const { arity } = entry
  if (arity >= 0 ? argv.length !== arity : argv.length < -arity) {
    return refuse(client, entry, err(`wrong number of arguments for '${entry.name}' command`))
  }
  const { user } = client
  if (user === undefined) {
    if (!entry.flags.has('no_auth')) return deny(client, entry, argv, NO_AUTH)
  } else if (!user.isUnrestricted && !entry.flags.has('no_auth')) {
    const refusal = refusalOf(client, entry, argv, moment)
    if (refusal !== undefined) return deny(client, entry, argv, refusal)
  }
  if (client.resp === 2 && client.isSubscribed && !WHILE_LISTENING.has(entry.name)) {
    const allowed = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET'
    const name = entry.name.replace('|', ' ')
    return refuse(client, entry, err(`Can't execute '${name}': only ${allowed} are allowed in this context`))
  }
  if (client.isMonitor && (entry.flags.has('readonly') || entry.flags.has('write'))) {
    return refuse(client, entry, MONITORING)
  }
  if (thread.pause.state !== undefined && thread.pause.holds(mayWrite(client, entry))) {
    return client.postpone(argv)
  }
  if (client.transaction !== undefined && !NEVER_QUEUED.has(entry.name)) {
    if (entry.flags.has('no_multi')) {
      return refuse(client, entry, err('Command not allowed inside a transaction'))
    }
    const lacks = lacksRoom(thread, [{ entry, argv }])
    if (lacks !== undefined) {
      return client.alone(queueWithRoom(client, client.transaction, { entry, argv }, lacks))
    }
    if (client.queue(client.transaction, { entry, argv })) return client.answer(QUEUED)
    // As Redis: who sends too much is closed without a word.
    return client.closeAfterReplies('it has queued too much')
  }
  if (entry.isAudited) thread.audit?.(client, entry, argv, undefined)
  for (const observe of thread.observers) observe(client, entry, argv)
  entry.calls++
  const { around } = client
  around?.before(client, entry, argv)
  run(client, entry, argv)
  around?.after(client)
}

/** Refuses what a client may not do. */
function deny(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  reply: ErrorReply,
): void {
  if (entry.isAudited) client.thread.audit?.(client, entry, argv, reply)
  refuse(client, entry, reply)
}

/**
 * Words of HTTP: a page in somebody's browser that sends commands as the body of a request is not served, as
 * in Redis. The first of them comes before the body.
 */
function isOfBrowser(argv: readonly Argument[]): boolean {
  const name = byteString(argv[0] ?? '').toLowerCase()
  return name === 'post' || name === 'host:'
}

/** Answers with an error that is none of the command's own; a transaction does not go through after it. */
function refuse(client: ConnectionState, entry: CommandEntry | undefined, reply: ErrorReply): void {
  client.thread.noteError(entry, reply, true)
  if (entry?.name === 'exec') {
    client.forgetTransaction()
    const why = reply.code === 'ERR' ? reply.message : reply.text
    return client.answer(new ErrorReply('EXECABORT', `Transaction discarded because of: ${why}`))
  }
  if (client.transaction !== undefined) client.transaction.hasFailed = true
  client.answer(reply)
}

function run(client: ConnectionState, entry: CommandEntry, argv: readonly Argument[]): void {
  const { thread } = client
  const startMs = thread.nowMs()
  if (entry.server !== undefined) {
    const given = runServer(client, entry, argv)
    if (given instanceof Promise) {
      return client.alone(counted(client, entry, argv, startMs, given))
    }
    thread.onRan(client, entry, argv, startMs, given)
    return client.answer(given)
  }
  if (entry.spec?.channelAt !== undefined) return runChannel(client, entry, argv, startMs)
  if (entry.isOneKey && (entry.name !== 'set' || argv.length === 3)) {
    return runKey(client, entry, argv, startMs)
  }
  const done = runData(client, entry, argv)
  client.alone(counted(client, entry, argv, startMs, done))
}

/** The reply of something that takes time, when it has been counted. */
async function counted<R>(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  startMs: number,
  done: Promise<R>,
): Promise<R | ErrorReply> {
  if (mayChange(entry) && !entry.flags.has('blocking')) void client.thread.pause.track(done)
  const reply = await client.thread.answers
    .within(entry, done, () => onLate(client, entry))
    .catch(errorReplyOf)
  // While it waited for a key the server did something else.
  const fromMs = entry.flags.has('blocking') ? client.thread.nowMs() : startMs
  client.thread.onRan(client, entry, argv, fromMs, reply)
  return reply
}

/** What it will still do, or has done, the client cannot know. */
function onLate(client: ConnectionState, entry: CommandEntry): void {
  client.thread.log('warn', 'a command was not answered in time', { id: client.id, command: entry.name })
  if (leavesUnknown(entry)) client.closeAfterReplies('it was not answered in time')
}

function runServer(client: ConnectionState, entry: CommandEntry, argv: readonly Argument[]): CommandResult {
  try {
    return entry.server!.run(client, argv)
  } catch (thrown) {
    return errorReplyOf(thrown)
  }
}

/** Runs a command on a shard of this thread. */
function runHere(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  startMs: number,
  shard: InlineRun,
  slot: number,
): ReturnType<InlineRun['run']> {
  const reply = shard.run(entry.spec!, argv, slot, client.db, client.resp)
  if (reply instanceof Promise) return counted(client, entry, argv, startMs, reply)
  client.thread.onRan(client, entry, argv, startMs, reply)
  return reply
}

/** A command with one key: here if its shard is of this thread. */
function runKey(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  startMs: number,
): void {
  const slot = hashSlotOf(byteString(argv[1]!))
  const shard = client.localShard(slot)
  if (shard === undefined) return client.sendRemote(entry, slot, argv)
  const reply = runHere(client, entry, argv, startMs, shard, slot)
  if (reply === MOVED) return client.sendRemote(entry, slot, argv)
  if (!(reply instanceof Promise)) return client.answer(reply)
  client.later(entry, slot, argv, reply)
}

/** PUBLISH: here if its channel is at home on this thread. Who hears it finds done what was asked before. */
function runChannel(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  startMs: number,
): void {
  const { thread } = client
  const before = client.whenRemoteAnswered()
  const channel = byteString(argv[entry.spec!.channelAt!]!)
  const home = channelHome(channel, thread.memory.shardCount)
  const shard = before === undefined ? thread.stretch.of(home) : undefined
  if (shard !== undefined) {
    const reply = runHere(client, entry, argv, startMs, shard, NO_SLOT)
    if (reply instanceof Promise) return client.alone(reply as Promise<Reply>)
    return client.answer(reply as Reply)
  }
  const done = (before ?? Promise.resolve()).then(() => runData(client, entry, argv))
  client.alone(counted(client, entry, argv, startMs, done))
}

/** Any command of the keyspace. */
async function runData(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
): Promise<Reply | typeof NO_REPLY> {
  const options = { db: client.db, resp: client.resp, by: client.namedAs }
  if (!entry.flags.has('blocking')) return client.thread.client.callRaw(argv, options)
  return runBlocking(client, entry, argv)
}

/** A command that may wait: it ends when it is served, its time is over, or the client is gone. */
async function runBlocking(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
): Promise<Reply | typeof NO_REPLY> {
  const { thread } = client
  const end = new AbortController()
  let isError = false
  client.beginWait(entry.name, (withError) => {
    isError = withError
    end.abort()
  })
  const inVain = (): Reply | typeof NO_REPLY => {
    if (!client.hasEnded) return isError ? UNBLOCKED : nullOf(entry.name)
    // As Redis: who has gone while it waited is told nothing, and may ask elsewhere.
    client.closeAfterReplies('the client has gone')
    return client.nothing
  }
  try {
    for (;;) {
      const reply = await callBlocking(client, entry, argv, end.signal)
      if (reply !== MOVED && !hasMoved(reply)) {
        // What is tried over several shards finds nothing, and does not know that it was waited for.
        const isInVain = reply === null || reply === nullOf(entry.name)
        if (!isInVain) {
          if (client.isClosed) giveBack(client, entry, argv, reply)
          return reply
        }
        return end.signal.aborted ? inVain() : nullOf(entry.name)
      }
      if (end.signal.aborted) return inVain()
      thread.client.flush()
    }
  } finally {
    client.endedWait()
  }
}

/** Nobody is there to take it. */
function giveBack(
  { thread, db }: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  reply: Reply,
): void {
  for (const undo of undoOf(entry.name, argv, reply)) {
    thread.call(undo, db).catch((error: unknown) => {
      thread.log('warn', 'what was taken for a client that has gone is lost', {
        command: entry.name,
        reason: errorReplyOf(error).text,
      })
    })
  }
}

async function callBlocking(
  client: ConnectionState,
  entry: CommandEntry,
  argv: readonly Argument[],
  signal: AbortSignal,
): Promise<Reply | typeof MOVED> {
  const { thread, db, resp } = client
  const options = { db, resp }
  const shards = new Set(
    thread.catalog.keysOf(entry.info, argv).map(({ index }) => {
      return thread.memory.ownerOf(hashSlotOf(byteString(argv[index]!)))
    }),
  )
  if (shards.size === 1) {
    const reply = await callWaiting(thread.client, argv, WAIT_MS_MAX, signal, options)
    // A wait that was ended is answered with nothing, of no kind in particular.
    return reply === null && signal.aborted ? nullOf(entry.name) : reply
  }
  try {
    return await thread.client.callRaw(argv, { ...options, signal })
  } catch (error) {
    if (signal.aborted) return nullOf(entry.name)
    throw error
  }
}

/** Whether a request may change something: it waits for the end of any pause. */
function mayWrite({ transaction }: ConnectionState, entry: CommandEntry): boolean {
  return mayChange(entry) || (entry.name === 'exec' && transaction?.mayWrite === true)
}

/**
 * The short way of a request: a command with one key whose shard is of this thread runs where its bytes lie.
 *
 * What it needs of the client is that nothing is asked before or after each command: `isPlain`. A key of
 * another thread is sent on without a look at anything else.
 *
 *     GET, SET, INCR, DECR         from bytes to bytes, in the shard's table
 *     LPUSH, SADD, HSET, ZADD …    values become strings, the name and the key do not: `InPlace`
 *     all else, and what these leave (a key that expires, somebody who listens): by the engine
 *
 * Cost: bench/resp.ts. Tests: test/server/connection/pipeline.prop.test.ts
 */
import { type Argument, ErrorReply, type InPlace, LARGE_VALUE_BYTES } from '../../keyspace/engine/index.ts'
import { hashSlotOfBytes, type InlineRun, MOVED } from '../../keyspace/serving/index.ts'
import type { CommandEntry } from '../commands/server-command.ts'
import type { RequestParser } from '../resp/index.ts'
import { ARGUMENTS_FEW, HOT_GET, HOT_IN_PLACE, HOT_INCR, HOT_NONE, HOT_SET } from '../thread/command-index.ts'
import type { ConnectionState } from './connection-state.ts'

/** Runs a command with one key; false: it is not so simple, and nothing was done. */
export function runShort(client: ConnectionState, entry: CommandEntry, parser: RequestParser): boolean {
  const { count, bytes, offsets, lengths } = parser
  const { arity, hot } = entry
  if (arity >= 0 ? count !== arity : count < -arity) return false
  if (hot === HOT_SET && count !== 3) return false
  const slot = hashSlotOfBytes(bytes, offsets[1]!, lengths[1]!)
  const run = client.localShard(slot)
  entry.calls++
  client.commands++
  client.lastCommand = entry.name
  if (run === undefined) {
    if (!client.sendLent(entry, slot, parser)) client.sendRemote(entry, slot, argumentsOf(parser))
  } else if (hot === HOT_NONE || client.db !== 0) runHere(client, entry, parser, slot, run)
  else {
    const startMs = entry.shortCalls < entry.sampleAt ? 0 : client.thread.nowMs()
    if (runHot(client, entry, parser, slot, run)) {
      entry.shortCalls++
      if (startMs !== 0) sampled(client, entry, parser, startMs)
    } else runHere(client, entry, parser, slot, run)
  }
  return true
}

/** Runs what the shard does from bytes to bytes; false: not this one, and nothing was done. */
function runHot(
  client: ConnectionState,
  entry: CommandEntry,
  parser: RequestParser,
  slot: number,
  run: InlineRun,
): boolean {
  const { replies, resp } = client
  const { hot } = entry
  const { bytes, offsets, lengths } = parser
  const offset = offsets[1]!
  const length = lengths[1]!
  if (hot === HOT_GET) return run.get(slot, bytes, offset, length, replies.writerFor(resp))
  if (hot === HOT_SET) {
    if (!run.set(slot, bytes, offset, length, offsets[2]!, lengths[2]!)) return false
    replies.writerFor(resp).ok()
    return true
  }
  const reply =
    hot === HOT_IN_PLACE
      ? runInPlace(entry.spec!.inPlace!, parser, slot, run)
      : run.add(slot, bytes, offset, length, hot === HOT_INCR ? 1 : -1)
  if (Number.isNaN(reply)) return false
  replies.writerFor(resp).integer(reply)
  return true
}

/** What a command does to a collection that is there: its reply; NaN: take the long way. */
function runInPlace(inPlace: InPlace, parser: RequestParser, slot: number, run: InlineRun): number {
  const { count, bytes, offsets, lengths } = parser
  if (count > ARGUMENTS_FEW) return Number.NaN
  for (let i = 2; i < count; i++) if (lengths[i]! >= LARGE_VALUE_BYTES) return Number.NaN
  if (!run.find(bytes, offsets[1]!, lengths[1]!, inPlace)) return Number.NaN
  // Nobody reads the name and the key.
  const first = parser.argument(2, LARGE_VALUE_BYTES) as string
  if (count === 3) return run.change(slot, inPlace, ['', '', first])
  const argv = ['', '', first, parser.argument(3, LARGE_VALUE_BYTES) as string]
  for (let i = 4; i < count; i++) argv.push(parser.argument(i, LARGE_VALUE_BYTES) as string)
  return run.change(slot, inPlace, argv)
}

/** Runs any command with one key on a shard of this thread. */
function runHere(
  client: ConnectionState,
  entry: CommandEntry,
  parser: RequestParser,
  slot: number,
  run: InlineRun,
): void {
  const { thread } = client
  // Two looks at the clock are a tenth of such a command: of those that are quick, some are timed for all.
  const isTimed = !entry.isFast || parser.count > ARGUMENTS_FEW
  const isSampled = !isTimed && entry.shortCalls >= entry.sampleAt
  const startMs = isTimed || isSampled ? thread.nowMs() : 0
  const argv = isTimed ? argumentsOf(parser) : namedArguments(entry, parser)
  const reply = run.run(entry.spec!, argv, slot, client.db, client.resp)
  if (isTimed) thread.onRan(client, entry, argv, startMs, reply)
  else {
    entry.shortCalls++
    if (isSampled) sampled(client, entry, parser, startMs)
    if (reply instanceof ErrorReply) thread.noteError(entry, reply)
  }
  const { replies } = client
  if (typeof reply === 'number') replies.writerFor(client.resp).integer(reply)
  else if (reply === MOVED) client.sendRemote(entry, slot, argv)
  else if (reply instanceof Promise) client.later(entry, slot, argv, reply)
  else replies.add(reply, client.resp)
}

function sampled(client: ConnectionState, entry: CommandEntry, parser: RequestParser, startMs: number): void {
  client.thread.sampled(client, entry, () => argumentsOf(parser), startMs)
}

/** The same as `argumentsOf`, with the name as the table has it: no text is made of it. */
function namedArguments(entry: CommandEntry, parser: RequestParser): Argument[] {
  const { name } = entry
  const first = parser.argument(1, LARGE_VALUE_BYTES)
  // Arrays that are made as long as they will be need not grow.
  switch (parser.count) {
    case 2:
      return [name, first]
    case 3:
      return [name, first, parser.argument(2, LARGE_VALUE_BYTES)]
    case 4:
      return [name, first, parser.argument(2, LARGE_VALUE_BYTES), parser.argument(3, LARGE_VALUE_BYTES)]
    default: {
      const argv: Argument[] = [name, first]
      for (let i = 2; i < parser.count; i++) argv.push(parser.argument(i, LARGE_VALUE_BYTES))
      return argv
    }
  }
}

/** The arguments of a request, as values of their own. */
export function argumentsOf(parser: RequestParser): Argument[] {
  const argv: Argument[] = []
  for (let i = 0; i < parser.count; i++) argv.push(parser.argument(i, LARGE_VALUE_BYTES))
  return argv
}

/**
 * Commands that wait for a lock: sent so that the wait can be ended and its outcome is known all the same.
 *
 * An ask that is aborted forgets its answer, and with it a grant that is on its way. Here the caller goes on
 * listening: what ends the wait is a message of its own, behind the first on the same way, and the answer is
 * null then, or a grant that was quicker, which the caller gives back.
 *
 * Tests: test/keyspace/locks.race.test.ts, test/keyspace/locks.prop.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { addAbortListener, type Clock } from '../../base/index.ts'
import { commandTable } from '../commands/index.ts'
import { type Argument, byteString, ErrorReply, type Reply } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import { MOVED, ReplyReader, RequestWriter } from '../wire/index.ts'
import type { CallOptions } from './client-parts.ts'

const TIMEOUT_MAX_MS = 2 ** 31 - 1
/** Until the message that ends a wait is tried again, when there was no room for it. */
const AGAIN_MS = 5

/** What a wait needs of its thread's client. */
export interface WaitingClient {
  readonly clock: Clock
  readonly timeoutMs: number
  newName(): string
  sendInTurn<T>(slots: readonly number[], send: (ref: ActorRef<ShardMessages>) => Promise<T>): Promise<T>
}

/**
 * Sends a command whose keys lie on one shard, and which waits for at most `waitMs`. MOVED: its keys are on
 * other shards now. When `end` aborts, the wait ends: with null, or with what was granted just before.
 *
 * @throws SHL_SHARD_DOWN, SHL_THREAD_LOST, SHL_ACTOR_STOPPED: whether it took effect is unknown
 */
export async function callWaiting(
  client: WaitingClient,
  argv: readonly Argument[],
  waitMs: number,
  end: AbortSignal,
  { db = 0, level = 0, resp = 2 }: CallOptions = {},
): Promise<Reply | typeof MOVED> {
  const spec = commandTable.find(argv)
  if (spec instanceof ErrorReply) return spec
  const slots = commandTable.keysOf(spec, argv).map(({ index }) => hashSlotOf(byteString(argv[index]!)))
  const writer = new RequestWriter()
  writer.begin(commandTable.rowOf(spec), db, slots[0]!, argv.length - 1, level, resp)
  for (let i = 1; i < argv.length; i++) writer.argument(argv[i]!)
  const message = { id: client.newName(), request: writer.take() }
  const timeoutMs = Math.min(TIMEOUT_MAX_MS, waitMs + client.timeoutMs)
  return client.sendInTurn(slots, async (ref) => {
    if (end.aborted) return null
    let isAnswered = false
    const answer = ref.ask('wait', message, { timeoutMs })
    const forget = addAbortListener(end, () => endWait(client, ref, message.id, () => isAnswered))
    try {
      return new ReplyReader(await answer).next()
    } finally {
      isAnswered = true
      forget()
    }
  })
}

/** Again until there is room for the message, or an answer. */
function endWait(
  client: WaitingClient,
  ref: ActorRef<ShardMessages>,
  id: string,
  isAnswered: () => boolean,
): void {
  if (isAnswered() || ref.tell('endWait', id)) return
  client.clock.after(AGAIN_MS, () => endWait(client, ref, id, isAnswered), { unref: true })
}

/** Whether the keys of a command have to be looked for anew: they, or the locks of that name, have moved. */
export function hasMoved(reply: Reply | typeof MOVED): reply is ErrorReply | typeof MOVED {
  return reply === MOVED || (reply instanceof ErrorReply && reply.code === 'TRYAGAIN')
}

const GONE: ReadonlySet<unknown> = new Set([
  'SHL_SHARD_DOWN',
  'SHL_THREAD_LOST',
  'SHL_ACTOR_STOPPED',
  'SHL_ACTOR_NOT_FOUND',
  'SHL_CONNECTION_LOST',
])

/** Whether a call failed because its shard, or the way to it, has ended: it can be asked again soon. */
export function isShardGone(error: unknown): boolean {
  return GONE.has((error as { readonly code?: unknown } | undefined)?.code)
}

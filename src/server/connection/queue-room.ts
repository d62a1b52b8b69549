/**
 * Room for a transaction: at the ceiling of memory its commands are refused when they are queued, as in
 * Redis, and EXEC when one of them needs memory.
 *
 * Each shard has a ceiling of its own. Whether one is above it stands in memory that all threads see, so that
 * queueing costs no message; only a shard that is above it is asked, since it may find keys to throw out.
 *
 * Tests: test/server/commands/transaction-commands.race.test.ts
 */
import { byteString, ErrorReply, OUT_OF_MEMORY, QUEUED } from '../../keyspace/engine/index.ts'
import { hashSlotOf, makeRoom } from '../../keyspace/serving/index.ts'
import { NO_REPLY, type ServerReply } from '../resp/index.ts'
import type { ConnectionState, HostThread, OpenTransaction, QueuedCommand } from './connection-state.ts'

/** What EXEC is answered with. */
export const EXEC_OUT_OF_MEMORY: ErrorReply = new ErrorReply(
  'EXECABORT',
  `Transaction discarded because of: ${OUT_OF_MEMORY.text}`,
)

/** Whether the shards of these commands' keys lack room; undefined: none of them is above its ceiling. */
export function lacksRoom(
  { memory, catalog, client }: HostThread,
  commands: readonly QueuedCommand[],
): Promise<boolean> | undefined {
  if (!memory.isAnyFull) return undefined
  const full = new Set<number>()
  for (const { entry, argv } of commands) {
    for (const { index } of catalog.keysOf(entry.info, argv)) {
      const shard = memory.ownerOf(hashSlotOf(byteString(argv[index]!)))
      if (memory.isFull(shard)) full.add(shard)
    }
  }
  return full.size === 0 ? undefined : makeRoom(client, [...full]).then((hasRoom) => !hasRoom)
}

/** The same for a transaction that is to run: what needs no memory runs in any case. */
export function lacksRoomAtExec(
  thread: HostThread,
  commands: readonly QueuedCommand[],
): Promise<boolean> | undefined {
  if (!thread.memory.isAnyFull) return undefined
  return lacksRoom(
    thread,
    commands.filter(({ entry }) => entry.flags.has('denyoom')),
  )
}

/** Queues a command if there is room by then, or refuses it and with it the transaction. */
export async function queueWithRoom(
  client: ConnectionState,
  transaction: OpenTransaction,
  command: QueuedCommand,
  lacks: Promise<boolean>,
): Promise<ServerReply | typeof NO_REPLY> {
  if (await lacks) {
    transaction.hasFailed = true
    client.thread.noteError(command.entry, OUT_OF_MEMORY, true)
    return OUT_OF_MEMORY
  }
  if (client.queue(transaction, command)) return QUEUED
  client.closeAfterReplies('it has queued too much')
  return NO_REPLY
}

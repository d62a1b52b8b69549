/**
 * Which shards a batch of commands concerns, and how.
 * Tests: test/keyspace/transaction.race.test.ts
 */
import { commandTable } from '../commands/index.ts'
import {
  type Argument,
  byteString,
  type CommandSpec,
  ErrorReply,
  LARGE_VALUE_BYTES,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { NO_SLOT, RequestReader } from '../wire/index.ts'
import type { TransactionKey, TransactMessage } from './transaction-messages.ts'

/** One command of a transaction. */
export interface PlannedCommand {
  readonly spec: CommandSpec | ErrorReply
  readonly argv: readonly Argument[]
  readonly db: number
  readonly row: number
  /** The version of the protocol in whose form the reply is wanted. Default 2. */
  readonly resp?: 2 | 3
}

/** A transaction's keys by shard. */
export interface TransactionPlan {
  readonly commands: readonly PlannedCommand[]
  /** Shard → its keys; undefined as keys: the whole shard. */
  readonly shards: ReadonlyMap<number, readonly TransactionKey[] | undefined>
  /** Whether one of the commands is over all keys. */
  readonly isWhole: boolean
}

/** The commands of a batch. */
export function readBatch(batch: Uint8Array): PlannedCommand[] {
  const reader = new RequestReader(batch)
  const commands: PlannedCommand[] = []
  while (reader.next()) {
    const { row, db, resp } = reader
    const name = commandTable.rows[row]!.name.split('|')[0]!
    const argv = reader.arguments(name, LARGE_VALUE_BYTES)
    commands.push({ spec: commandTable.find(argv), argv, db, row, resp })
  }
  return commands
}

/** Where the keys of commands, and those that are watched, are now. */
export function planTransaction(
  commands: readonly PlannedCommand[],
  watched: TransactMessage['watched'],
  memory: KeyspaceMemory,
): TransactionPlan {
  const isWhole = commands.some(
    ({ spec }) => !(spec instanceof ErrorReply) && spec.flags.includes('all_shards'),
  )
  const shards = new Map<number, TransactionKey[] | undefined>()
  if (isWhole) {
    for (let shard = 0; shard < memory.shardCount; shard++) shards.set(shard, undefined)
    return { commands, shards, isWhole }
  }
  for (const use of keysUsedBy(commands, watched)) {
    const owner = use.slot === NO_SLOT ? 0 : memory.ownerOf(use.slot)
    const known = shards.get(owner)
    if (known === undefined) shards.set(owner, [use])
    else known.push(use)
  }
  return { commands, shards, isWhole }
}

/** The keys of commands, and those that are watched, each once. */
export function keysUsedBy(
  commands: readonly PlannedCommand[],
  watched: TransactMessage['watched'] = [],
): TransactionKey[] {
  const uses = new Map<string, TransactionKey>()
  const add = (db: number, key: string, isWritten: boolean): void => {
    const name = `${db}:${key}`
    const known = uses.get(name)
    const slot = known?.slot ?? hashSlotOf(key)
    uses.set(name, { db, key, slot, isWritten: isWritten || known?.isWritten === true })
  }
  for (const { spec, argv, db } of commands) {
    if (spec instanceof ErrorReply) continue
    for (const use of commandTable.keysOf(spec, argv)) {
      add(use.db ?? db, byteString(argv[use.index]!), use.isWritten)
    }
  }
  for (const { db, key } of watched) add(db, key, false)
  return [...uses.values()]
}

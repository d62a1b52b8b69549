/**
 * What a shard is asked about itself, and about its keys beside commands: figures, load, steps of a scan.
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/slots.race.test.ts
 */
import { addAbortListener } from '../../base/index.ts'
import { readScan, scanShard } from '../commands/index.ts'
import { ErrorReply, type Waiter } from '../engine/index.ts'
import type { Shard } from './shard.ts'
import type { ScanAnswer } from './shard-messages.ts'
import type { ShardStats } from './shard-stats.ts'
import type { ShardLoad } from './slot-messages.ts'

/** What a shard holds and has done. */
export function statsOf({ engine, participant }: Shard): ShardStats {
  const databases = engine.openDatabases()
  const sum = (of: (db: (typeof databases)[number]) => number): number =>
    databases.reduce((total, db) => total + of(db), 0)
  const { stats, blocked, locks } = engine
  return {
    shards: 1,
    keys: sum((db) => db.size),
    volatileKeys: sum((db) => db.volatileCount),
    usedBytes: engine.usedBytes(),
    heapBytes: sum((db) => db.heapBytes),
    reservedBytes: sum((db) => db.table.reservedBytes),
    commands: stats.commands,
    hits: stats.keyHits,
    misses: stats.keyMisses,
    expiredKeys: stats.expiredKeys,
    expiredMembers: stats.expiredMembers,
    evictedKeys: stats.evictedKeys,
    blocked: blocked.count,
    transactions: participant.count,
    locks: locks.holderCount,
  }
}

/** How busy a shard is, with its busiest slots. */
export function loadOf(shard: Shard, slotsMax: number): ShardLoad {
  const busiest = [...shard.slotLoad.entries()]
    .filter(([slot, commands]) => commands > 0 && shard.owns(slot))
    .sort(([, a], [, b]) => b - a)
    .slice(0, slotsMax)
  return {
    shard: shard.id,
    commands: shard.commands,
    usedBytes: shard.engine.usedBytes(),
    slots: busiest.map(([slot, commands]) => ({ slot, commands })),
  }
}

/** One step of SCAN. */
export function scanStep(
  { engine, slots }: Shard,
  { argv, db }: { readonly argv: readonly string[]; readonly db: number },
): ScanAnswer {
  try {
    const request = readScan(argv)
    const found = engine.atomically(() =>
      scanShard(engine.database(db), request.cursor, request.count, request),
    )
    if (!slots.mayHaveForeign) return found
    return { cursor: found.cursor, keys: found.keys.filter(({ key }) => !slots.isForeign(key)) }
  } catch (thrown) {
    if (thrown instanceof ErrorReply) return { error: [thrown.code, thrown.message] }
    throw thrown
  }
}

/** Resolves when one of the keys has changed, or the time is over, or nobody waits any more. */
export function awaitKeys(
  shard: Shard,
  request: { readonly keys: readonly string[]; readonly db: number; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { keys, db, timeoutMs } = request
  const { blocked } = shard.engine
  return new Promise((resolve) => {
    const waiter: Waiter = {
      caller: shard.callerOf(db),
      db,
      request: { keys, timeoutMs, serve: () => 1, onTimeout: null },
      deadlineMs: shard.clock.nowMs() + timeoutMs,
      resolve: () => {
        forget()
        resolve()
      },
      isDone: false,
    }
    const forget = addAbortListener(signal, () => blocked.settle(waiter, null))
    blocked.add(waiter)
    shard.afterCommands()
  })
}

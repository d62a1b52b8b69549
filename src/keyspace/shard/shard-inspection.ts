/**
 * Looks at a shard for its figures, and for the keys of a slot.
 * Tests: test/keyspace/shard/shard-figures.test.ts
 */
import type { Database } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { Shard } from './shard.ts'
import type { ShardFigures, SlotKeys } from './shard-figures.ts'
import { statsOf } from './shard-reports.ts'

/** Keys with an expiry that are looked at to guess the average. */
const TTL_SAMPLES = 64
/** Of an empty table, and for each key in it, roughly: its directory and its buckets. */
const TABLE_BYTES = 64 * 1024
const BUCKET_BYTES = 8
/** Keys between two looks at the clock. */
const KEYS_PER_LOOK = 256

/** What a shard has to say. */
export function figuresOf(shard: Shard): ShardFigures {
  const { engine, listeners, durability } = shard
  const { memory, locks } = engine
  const { pubsub } = listeners
  const averages = averageTtls(shard)
  return {
    shard: shard.id,
    stats: statsOf(shard),
    databases: engine.openDatabases().map((db) => ({
      db: db.index,
      keys: db.size,
      volatileKeys: db.volatileCount,
      averageTtlMs: averages.get(db) ?? 0,
      tableBytes: TABLE_BYTES + BUCKET_BYTES * db.size,
      usedBytes: db.table.usedBytes + db.heapBytes,
    })),
    maxBytes: memory.maxBytes,
    policy: memory.policy,
    changes: engine.stats.changes - durability.changesAtSnapshot,
    lockWaiters: locks.waiterCount,
    lockBytes: locks.bytes,
    channels: pubsub.channelCount,
    shardedChannels: pubsub.shardedCount,
    patterns: pubsub.patternCount,
    log: durability.figures,
  }
}

/** Looks for the keys of a slot, at all keys, in slices: no list is kept of them. */
export async function keysInSlot(
  shard: Shard,
  { slot, keysMax, countMax }: { readonly slot: number; readonly keysMax: number; readonly countMax: number },
): Promise<SlotKeys> {
  const { engine, clock, settings } = shard
  const db = engine.openDatabases().find(({ index }) => index === 0)
  const keys: string[] = []
  let count = 0
  let cursor = 0
  let startMs = clock.nowMs()
  while (db !== undefined && count < countMax) {
    cursor = engine.atomically(() =>
      db.scan(cursor, KEYS_PER_LOOK, (key) => {
        if (hashSlotOf(key) !== slot || engine.isHidden?.(key) === true) return
        count++
        if (keys.length < keysMax) keys.push(key)
      }),
    )
    if (cursor === 0) break
    if (clock.nowMs() - startMs < settings.sliceMs) continue
    await shard.breathe()
    startMs = clock.nowMs()
  }
  return { count, keys }
}

function averageTtls({ engine }: Shard): ReadonlyMap<Database, number> {
  const sums = new Map<Database, { sum: number; count: number }>()
  const nowMs = engine.clock.wallMs()
  for (let i = 0; i < Math.min(TTL_SAMPLES, engine.expirySize); i++) {
    const drawn = engine.expiry.sample(engine.random)
    const db = drawn && engine.databaseWithId(drawn.db)
    const ref = db?.volatileWithHash(drawn!.hash) ?? 0
    if (db === undefined || ref === 0) continue
    const so = sums.get(db) ?? { sum: 0, count: 0 }
    so.sum += Math.max(0, db.table.expireAt(ref) - nowMs)
    so.count++
    sums.set(db, so)
  }
  return new Map([...sums].map(([db, { sum, count }]) => [db, Math.round(sum / count)]))
}

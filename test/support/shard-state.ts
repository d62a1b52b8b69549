/** All that a shard must have after a recovery, as text that is equal when the shards are. */
import type { Database, ShardEngine } from '../../src/keyspace/engine/index.ts'
import { HashValue } from '../../src/keyspace/engine/values/hash-value.ts'
import { ListValue } from '../../src/keyspace/engine/values/list-value.ts'
import { SetValue } from '../../src/keyspace/engine/values/set-value.ts'
import { SortedSetValue } from '../../src/keyspace/engine/values/sorted-set-value.ts'

const ALL = Number.MAX_SAFE_INTEGER

/**
 * Keys of all databases with their types, expiries, revisions and values, and who holds which lock by which
 * token. Keys and members whose time has come are left out, removed or not. Nothing is changed by looking.
 */
export function stateOf(engine: ShardEngine): string[] {
  const keys = engine.openDatabases().flatMap((database) => {
    const found: string[] = []
    database.scanAll(0, ALL, (key) => void found.push(key))
    const { touches } = database
    database.touches = false
    const shown = found.flatMap((key) => keyState(database, key))
    database.touches = touches
    return shown
  })
  const locks = [...engine.locks.names()].map((name) => {
    const holders = engine.locks.info(name)!.holders.map(({ remainingMs: _, ...holder }) => holder)
    return `lock ${name} ${holders
      .map((holder) => JSON.stringify(holder))
      .sort()
      .join(' ')}`
  })
  return [...keys.sort(), ...locks.filter((one) => !/ $/.test(one)).sort()]
}

/** One key; nothing when its time has come. */
function keyState(database: Database, key: string): string[] {
  const { table, nowMs } = database
  const ref = table.find(key)
  const expireAt = table.expireAt(ref)
  if (expireAt !== 0 && expireAt <= nowMs) return []
  const about = `${database.index}:${JSON.stringify(key)} expires ${expireAt} at ${table.revision(ref)}`
  const value = database.collection(key)
  if (value === undefined) return [`${about} string ${JSON.stringify(database.string(key))}`]
  const entries = entriesOf(value, nowMs)
  return entries.length === 0 ? [] : [`${about} ${value.constructor.name} ${entries.join(' ')}`]
}

function entriesOf(value: unknown, nowMs: number): string[] {
  if (value instanceof ListValue) return value.slice(0, ALL).map((element) => JSON.stringify(element))
  const isAlive = ({ expireAtMs }: { readonly expireAtMs: number }): boolean =>
    expireAtMs === 0 || expireAtMs > nowMs
  if (value instanceof HashValue || value instanceof SetValue || value instanceof SortedSetValue) {
    const entries: readonly { readonly expireAtMs: number }[] = value.slice(0, ALL)
    return entries
      .filter(isAlive)
      .map((entry) => JSON.stringify(entry))
      .sort()
  }
  throw new Error(`of an unknown type: ${String(value)}`)
}

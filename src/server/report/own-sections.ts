/**
 * The sections of INFO that only this server has: its shards, its threads, its logs, its locks, its audit.
 *
 * A name stands in one section only, so that tools which forget sections keep them apart.
 * Tests: test/server/report/info-sections.test.ts, test/server/commands/info-commands.race.test.ts
 */
import { HASH_SLOTS } from '../../keyspace/serving/index.ts'
import type { InfoLines } from './info-sections.ts'
import { type InfoSource, sumOf } from './info-source.ts'

export function shardsSection({ thread, shards }: InfoSource): InfoLines {
  const { memory } = thread.client
  const slots = new Map<number, number>()
  for (let slot = 0; slot < HASH_SLOTS; slot++) {
    const owner = memory.ownerOf(slot)
    slots.set(owner, (slots.get(owner) ?? 0) + 1)
  }
  return shards.map(({ shard, stats }) => [
    `shard${shard}`,
    fields({
      thread: memory.addressOf(shard)?.thread ?? -1,
      slots: slots.get(shard) ?? 0,
      keys: stats.keys,
      used_memory: stats.usedBytes,
      reserved_memory: stats.reservedBytes,
      commands: stats.commands,
      hits: stats.hits,
      misses: stats.misses,
      expired: stats.expiredKeys,
      evicted: stats.evictedKeys,
      blocked: stats.blocked,
      transactions: stats.transactions,
      locks: stats.locks,
    }),
  ])
}

export function threadsSection({ threads }: InfoSource): InfoLines {
  return threads.map((one) => [
    `thread${one.thread}`,
    fields({
      connections: one.clients.connected,
      commands: sumOf(one.commands, ({ calls }) => calls),
      ops_per_sec: Math.round(one.rates.commands),
      bytes_in: one.bytesIn,
      bytes_out: one.bytesOut,
      loop_utilization: Number(one.utilization.toFixed(3)),
      heap: one.heapBytes,
    }),
  ])
}

export function durabilitySection({ shards }: InfoSource): InfoLines {
  const logs = shards.flatMap(({ shard, log, changes }) =>
    log === undefined ? [] : [{ shard, log, changes }],
  )
  return [
    ['durability_level', logs[0]?.log.level ?? 'memory'],
    ...logs.map(
      ({ shard, log, changes }) =>
        [
          `log${shard}`,
          fields({
            appended: log.appended,
            written: log.written,
            synced: log.synced,
            status: log.failure === undefined ? (log.isFull ? 'full' : 'ok') : 'failed',
            snapshots: log.snapshots,
            snapshot_running: log.isSnapshotting ? 1 : 0,
            changes_since_snapshot: changes,
          }),
        ] as const,
    ),
  ]
}

export function locksSection({ shards }: InfoSource): InfoLines {
  return [
    ['locks_held', sumOf(shards, ({ stats }) => stats.locks)],
    ['lock_waiters', sumOf(shards, (one) => one.lockWaiters)],
    ['lock_memory', sumOf(shards, (one) => one.lockBytes)],
  ]
}

export function auditSection({ thread, auditLost }: InfoSource): InfoLines {
  return [
    ['audit_log_enabled', thread.parameters.get('auditLogFile') === '' ? 0 : 1],
    ...(auditLost === undefined ? [] : [['audit_log_lost_lines', auditLost] as const]),
  ]
}

function fields(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(',')
}

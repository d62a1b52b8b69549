/** Lines of INFO out of figures. */
import { describe, expect, test } from 'vitest'
import type { ShardFigures } from '../../../src/keyspace/serving/index.ts'
import { ParameterStore } from '../../../src/server/parameters/index.ts'
import { CommandTimes } from '../../../src/server/report/command-times.ts'
import {
  commandStatsSection,
  humanBytes,
  keyspaceSection,
  latencyStatsSection,
  serverSection,
} from '../../../src/server/report/info-sections.ts'
import type { InfoSource } from '../../../src/server/report/info-source.ts'
import { auditSection, durabilitySection } from '../../../src/server/report/own-sections.ts'

test.each([
  [0, '0B'],
  [1023, '1023B'],
  [1024, '1.00K'],
  [941_408, '919.34K'],
  [100 * 2 ** 20, '100.00M'],
  [25_276_502_016, '23.54G'],
  [2 ** 51, '2.00P'],
])('%d bytes are %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text)
})

function source(parts: object): InfoSource {
  const facts = { version: '7.2.0', runId: 'a'.repeat(40), startedWallMs: 0, port: 1, addresses: ['x:1'] }
  return {
    thread: { facts, parameters: ParameterStore.of({}) },
    nowWallMs: 86_461_234,
    threads: [],
    shards: [],
    commands: [],
    ...parts,
  } as unknown as InfoSource
}

describe('lines', () => {
  test('of commands are those of Redis', () => {
    const times = new CommandTimes()
    for (let i = 0; i < 1000; i++) times.add(0.007)
    const commands = [
      { name: 'config|get', calls: 3, usec: 10.4, rejected: 1, failed: 2, times },
      { name: 'never', calls: 0, usec: 0, rejected: 1, failed: 0, times: new CommandTimes() },
    ]
    expect(commandStatsSection(source({ commands }))).toEqual([
      ['cmdstat_config|get', 'calls=3,usec=10,usec_per_call=3.47,rejected_calls=1,failed_calls=2'],
      ['cmdstat_never', 'calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0'],
    ])
    expect(latencyStatsSection(source({ commands }))).toEqual([
      ['latency_percentiles_usec_config|get', 'p50=7.167,p99=7.167,p99.9=7.167'],
    ])
  })

  test('of databases are sums over shards, with the mean time to live', () => {
    const db = { db: 0, keys: 10, volatileKeys: 2, averageTtlMs: 100, tableBytes: 0, usedBytes: 0 }
    const shards = [
      { databases: [db, { ...db, db: 3, keys: 0 }] },
      {
        databases: [
          { ...db, db: 1 },
          { ...db, volatileKeys: 6, averageTtlMs: 500 },
        ],
      },
    ] as unknown as ShardFigures[]
    expect(keyspaceSection(source({ shards }))).toEqual([
      ['db0', 'keys=20,expires=8,avg_ttl=400'],
      ['db1', 'keys=10,expires=2,avg_ttl=100'],
    ])
  })

  test('of the server tell versions, and how long it runs', () => {
    const lines = new Map(serverSection(source({})))
    expect(lines.get('redis_version')).toBe('7.2.0')
    expect(lines.get('shardloom_version')).toMatch(/^\d+\.\d+\.\d+/)
    expect(lines.get('uptime_in_seconds')).toBe(86_461)
    expect(lines.get('uptime_in_days')).toBe(1)
    expect(lines.get('server_time_usec')).toBe(86_461_234_000)
  })

  test('of logs say what state they are in', () => {
    const log = { level: 'fsync', appended: 9, written: 8, synced: 7, isFull: false, snapshots: 1 }
    const shards = [
      { shard: 0, changes: 4, log },
      { shard: 1, changes: 0, log: { ...log, isFull: true } },
      { shard: 2, changes: 0, log: { ...log, failure: 'gone' } },
    ] as unknown as ShardFigures[]
    const lines = new Map(durabilitySection(source({ shards })))
    expect(lines.get('durability_level')).toBe('fsync')
    expect(lines.get('log0')).toMatch(/^appended=9,written=8,synced=7,status=ok,.*changes_since_snapshot=4$/)
    expect(lines.get('log1')).toContain('status=full')
    expect(lines.get('log2')).toContain('status=failed')
  })

  test('of the audit log say what it lacks', () => {
    expect(auditSection(source({ auditLost: 0 }))).toEqual([
      ['audit_log_enabled', 0],
      ['audit_log_lost_lines', 0],
    ])
    const thread = { parameters: ParameterStore.of({ auditLogFile: 'x' }) }
    expect(auditSection(source({ thread, auditLost: 7 }))).toEqual([
      ['audit_log_enabled', 1],
      ['audit_log_lost_lines', 7],
    ])
    expect(auditSection(source({ thread }))).toEqual([['audit_log_enabled', 1]])
  })
})

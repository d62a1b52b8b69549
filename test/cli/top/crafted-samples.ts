/** Readings of a server with shards, threads, locks and hot keys, one second apart. */
import { infoOf } from '../../../src/cli/top/info.ts'
import type { Sample } from '../../../src/cli/top/sample.ts'

/** The reading at a second; counters grow with it. */
export function sampleAt(second: number): Sample {
  const n = second * 1000
  const info = [
    '# Server',
    'redis_version:7.2.0',
    'shardloom_version:0.3.0',
    `uptime_in_seconds:${93_784 + second}`,
    '# Clients',
    'connected_clients:3',
    'blocked_clients:1',
    '# Memory',
    'used_memory:536870912',
    'used_memory_rss:734003200',
    'maxmemory:1073741824',
    '# Stats',
    `total_commands_processed:${50 * n}`,
    `total_net_input_bytes:${2000 * n}`,
    `total_net_output_bytes:${8000 * n}`,
    `keyspace_hits:${9 * n}`,
    `keyspace_misses:${n}`,
    `expired_keys:${12 * second}`,
    'evicted_keys:0',
    `total_error_replies:${second}`,
    '# CPU',
    `used_cpu_user:${1.2 * second}`,
    `used_cpu_sys:${0.3 * second}`,
    '# Shards',
    `shard0:keys=600000,commands=${30 * n},used_memory=322122547,thread=1,slots=8192,blocked=1,queue=12`,
    `shard1:keys=400000,commands=${20 * n},used_memory=214748365,thread=2,slots=8192,blocked=0,queue=0`,
    '# Threads',
    `thread1:connections=2,commands=${28 * n},loop_utilization=0.93,heap=83886080`,
    `thread2:connections=1,commands=${22 * n},loop_utilization=0.41,heap=83886080`,
    '# Commandstats',
    `cmdstat_get:calls=${40 * n},usec=1,usec_per_call=0.01`,
    `cmdstat_ping:calls=${10 * n},usec=1,usec_per_call=0.01`,
    'cmdstat_config|get:calls=2,usec=32,usec_per_call=16.00',
    '# Keyspace',
    'db0:keys=900000,expires=10,avg_ttl=0',
    'db1:keys=100000,expires=0,avg_ttl=0',
  ]
  return {
    atMs: 1_000_000 + n,
    info: infoOf(info.join('\r\n')),
    slow: {
      rows: [
        {
          id: 8,
          atSeconds: 1_700_000_123,
          durationUs: 48_211,
          argv: ['SORT', 'big list', 'BY', 'w:*'],
          address: '10.0.0.7:51234',
          client: 'billing',
        },
        {
          id: 7,
          atSeconds: 1_700_000_100,
          durationUs: 12_000,
          argv: ['KEYS', '*'],
          address: '10.0.0.8:1',
          client: '',
        },
      ],
    },
    latency: {
      // Half of the calls are measured, and of some commands none.
      histograms: new Map([
        [
          'get',
          {
            calls: 20 * n,
            buckets: [
              [1, 15 * n],
              [4, 19 * n],
              [64, 20 * n],
            ],
          },
        ],
        ['config|get', { calls: 2, buckets: [[16, 2]] }],
      ]),
    },
    clients: {
      rows: [
        new Map(
          Object.entries({
            id: '3',
            addr: '10.0.0.7:51234',
            name: 'billing',
            age: '3600',
            idle: '0',
            db: '0',
            cmd: 'get',
            user: 'app',
            flags: 'N',
            'tot-mem': '22000',
          }),
        ),
        new Map(
          Object.entries({
            id: '4',
            addr: '10.0.0.8:40000',
            name: '',
            age: '12',
            idle: '12',
            db: '1',
            cmd: 'lock.acquire',
            user: 'default',
            flags: 'b',
            'tot-mem': '18000',
          }),
        ),
      ],
    },
    hotKeys: {
      rows: [
        { key: 'session:17', db: 0, callsPerSecond: 9_120, shard: 1 },
        { key: 'rate limit', db: 1, callsPerSecond: 400, shard: 0 },
      ],
    },
    locks: {
      rows: [
        {
          key: 'orders',
          mode: 'exclusive',
          holders: 1,
          owner: 'worker-3',
          token: 4711,
          remainingMs: 8_400,
          waiters: 2,
          waitingMs: 1_250,
        },
        {
          key: 'report',
          mode: 'shared',
          holders: 4,
          owner: 'a',
          token: 12,
          remainingMs: 30_000,
          waiters: 0,
          waitingMs: 0,
        },
      ],
    },
  }
}

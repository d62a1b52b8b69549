/**
 * MEMORY, but for MEMORY USAGE, which a shard answers: where the memory of the server is.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import { getHeapStatistics } from 'node:v8'
import { DoubleReply, MapReply, OK } from '../../keyspace/engine/index.ts'
import { helpReply } from '../catalog/index.ts'
import { gatherInfo, humanBytes, type InfoSource, memoryAdvice, sumOf } from '../report/index.ts'
import { type ServerReply, VerbatimReply } from '../resp/index.ts'
import type { ServerCommand, Session } from './server-command.ts'

const ALL = { threads: true, shards: true }

async function stats({ thread }: Session): Promise<ServerReply> {
  const source = await gatherInfo(thread, ALL)
  const { shards, threads, usedBytes, peakBytes, residentBytes } = source
  const clientBytes = sumOf(threads, (one) => one.clients.bufferBytes)
  const lockBytes = sumOf(shards, (one) => one.lockBytes)
  const keys = sumOf(shards, (one) => one.stats.keys)
  const dataset = usedBytes - lockBytes
  const reserved = sumOf(shards, (one) => one.stats.reservedBytes + one.stats.heapBytes)
  const per = (part: number, whole: number, by = 1): DoubleReply =>
    new DoubleReply(whole === 0 ? 0 : (part * by) / whole)
  return new MapReply([
    ...['peak.allocated', peakBytes, 'total.allocated', usedBytes, 'startup.allocated', 0],
    ...['replication.backlog', 0, 'clients.slaves', 0, 'clients.normal', clientBytes],
    ...['cluster.links', 0, 'aof.buffer', sumOf(shards, ({ log }) => (log ? log.appended - log.written : 0))],
    ...['lua.caches', 0, 'functions.caches', 0],
    ...databaseReplies(source),
    ...['overhead.total', clientBytes + lockBytes, 'keys.count', keys],
    ...['keys.bytes-per-key', keys === 0 ? 0 : Math.floor(dataset / keys)],
    ...['dataset.bytes', dataset, 'dataset.percentage', per(dataset, usedBytes, 100)],
    ...['peak.percentage', per(usedBytes, peakBytes, 100)],
    ...['allocator.allocated', usedBytes, 'allocator.active', reserved, 'allocator.resident', residentBytes],
    ...['allocator-fragmentation.ratio', per(reserved, usedBytes)],
    ...['allocator-fragmentation.bytes', reserved - usedBytes],
    ...['allocator-rss.ratio', per(residentBytes, reserved), 'allocator-rss.bytes', residentBytes - reserved],
    ...['rss-overhead.ratio', per(residentBytes, residentBytes), 'rss-overhead.bytes', 0],
    ...['fragmentation', per(residentBytes, usedBytes), 'fragmentation.bytes', residentBytes - usedBytes],
  ])
}

/** `db.0` and its kin: as Redis, those that have keys. */
function databaseReplies({ shards }: InfoSource): (string | MapReply)[] {
  const overheads = new Map<number, number>()
  for (const { db, keys, tableBytes } of shards.flatMap((one) => one.databases)) {
    if (keys > 0) overheads.set(db, (overheads.get(db) ?? 0) + tableBytes)
  }
  return [...overheads]
    .sort(([one], [other]) => one - other)
    .flatMap(([db, bytes]) => [
      `db.${db}`,
      new MapReply([
        ...['overhead.hashtable.main', bytes, 'overhead.hashtable.expires', 0],
        ...['overhead.hashtable.slot-to-keys', 0],
      ]),
    ])
}

async function doctor({ thread }: Session): Promise<ServerReply> {
  const { shards, threads, usedBytes, peakBytes } = await gatherInfo(thread, ALL)
  const { parameters } = thread
  return new VerbatimReply(
    memoryAdvice({
      used: usedBytes,
      peak: peakBytes,
      reserved: sumOf(shards, ({ stats: { reservedBytes } }) => reservedBytes),
      reservedUsed: usedBytes - sumOf(shards, ({ stats: { heapBytes } }) => heapBytes),
      ceiling: parameters.get('maxMemory'),
      canEvict: parameters.get('maxMemoryPolicy') !== 'noeviction',
      clients: sumOf(threads, (one) => one.clients.connected),
      clientBytes: sumOf(threads, (one) => one.clients.bufferBytes),
    }),
  )
}

/** Of this thread's heap and of the process, which all threads share. */
async function mallocStats({ thread }: Session): Promise<ServerReply> {
  const { shards, threads } = await gatherInfo(thread, ALL)
  const heap = getHeapStatistics()
  const { rss, external, arrayBuffers } = process.memoryUsage()
  const lines = [
    ['resident', rss],
    ['shared memory of keys, reserved', sumOf(shards, ({ stats: { reservedBytes } }) => reservedBytes)],
    ['collections, as estimated', sumOf(shards, ({ stats: { heapBytes } }) => heapBytes)],
    ['JavaScript heaps of all threads, used', sumOf(threads, (one) => one.heapBytes)],
    ['JavaScript heap of this thread, total', heap.total_heap_size],
    ['JavaScript heap of this thread, limit', heap.heap_size_limit],
    ['outside of the heap, this thread', external],
    ['buffers, this thread', arrayBuffers],
  ] as const
  return new VerbatimReply(
    lines.map(([name, bytes]) => `${name}: ${humanBytes(bytes)} (${bytes})\n`).join(''),
  )
}

const COMMON = { group: 'server', flags: [] } as const

export const memoryCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'memory|doctor',
    arity: 2,
    summary: 'Tells what is wrong with the memory, and what may be done about it.',
    complexity: 'O(1)',
    syntax: '',
    since: '4.0.0',
    run: doctor,
  },
  {
    ...COMMON,
    name: 'memory|malloc-stats',
    arity: 2,
    summary: 'Tells where the memory of the process is.',
    complexity: 'O(N) with N shards and threads',
    syntax: '',
    since: '4.0.0',
    differs: 'There is no allocator of its own to tell of: it tells of shared memory and of heaps.',
    run: mallocStats,
  },
  {
    ...COMMON,
    name: 'memory|purge',
    arity: 2,
    summary: 'Takes note: memory is given back by and by in any case.',
    complexity: 'O(1)',
    syntax: '',
    since: '4.0.0',
    differs: 'It does nothing.',
    run: () => OK,
  },
  {
    ...COMMON,
    name: 'memory|stats',
    arity: 2,
    summary: 'Tells how much memory is used for what.',
    complexity: 'O(N) with N shards and threads',
    syntax: '',
    since: '4.0.0',
    run: stats,
  },
  {
    group: 'server',
    flags: ['loading', 'stale'],
    name: 'memory|help',
    arity: 2,
    summary: 'Tells what the subcommands of MEMORY do.',
    complexity: 'O(1)',
    syntax: '',
    since: '4.0.0',
    run: ({ thread }) => helpReply(thread.catalog, 'memory'),
  },
]

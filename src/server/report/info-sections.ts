/**
 * The sections of INFO that Redis has, with its fields: what tools read must be there, under its name.
 *
 * What has no meaning here is 0, as it would be in a Redis that does not use it: replicas, modules, scripts.
 * Tests: test/server/report/info-sections.test.ts, test/server/commands/info-commands.race.test.ts
 * Source: INFO of Redis 7.0.15
 */
import { arch, machine, release, totalmem, type } from 'node:os'
import { VERSION } from '../../base/index.ts'
import type { InfoSource } from './info-source.ts'
import { sumOf } from './info-source.ts'
import { persistenceOf } from './persistence.ts'
import { sumErrors } from './thread-report.ts'

/** Lines of a section: names and values. */
export type InfoLines = readonly (readonly [name: string, value: string | number])[]

const SECOND_MS = 1000
const DAY_SECONDS = 86_400
const NO_REPLICATION_ID = '0'.repeat(40)
const LRU_CLOCK_MASK = 0xffffff

/** Bytes for people, as Redis writes them. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`
  let value = bytes
  let unit = -1
  while (value >= 1024 && unit < 4) {
    value /= 1024
    unit++
  }
  return `${value.toFixed(2)}${'KMGTP'[unit]}`
}

export function serverSection({ thread, nowWallMs }: InfoSource): InfoLines {
  const { facts, parameters } = thread
  const upSeconds = Math.floor((nowWallMs - facts.startedWallMs) / SECOND_MS)
  return [
    ['redis_version', facts.version],
    ['redis_git_sha1', '00000000'],
    ['redis_git_dirty', 0],
    ['redis_build_id', facts.runId.slice(0, 16)],
    ['redis_mode', 'standalone'],
    ['shardloom_version', VERSION],
    ['os', `${type()} ${release()} ${machine()}`],
    ['arch_bits', arch() === 'ia32' || arch() === 'arm' ? 32 : 64],
    ['monotonic_clock', 'POSIX clock_gettime'],
    ['multiplexing_api', 'libuv'],
    ['node_version', process.versions.node],
    ['v8_version', process.versions.v8],
    ['process_id', process.pid],
    ['process_supervised', 'no'],
    ['run_id', facts.runId],
    ['tcp_port', facts.port],
    ['server_time_usec', Math.floor(nowWallMs * 1000)],
    ['uptime_in_seconds', upSeconds],
    ['uptime_in_days', Math.floor(upSeconds / DAY_SECONDS)],
    ['hz', parameters.text('hz') ?? '10'],
    ['configured_hz', parameters.text('hz') ?? '10'],
    ['lru_clock', Math.floor(nowWallMs / SECOND_MS) & LRU_CLOCK_MASK],
    ['executable', process.execPath],
    ['config_file', facts.configFile ?? ''],
    ['io_threads_active', 0],
    ...facts.addresses.map((address, i) => [`listener${i}`, address] as const),
  ]
}

export function clientsSection({ thread, threads }: InfoSource): InfoLines {
  const clients = threads.map((one) => one.clients)
  const most = (of: (one: (typeof clients)[number]) => number): number => Math.max(0, ...clients.map(of))
  return [
    ['connected_clients', sumOf(clients, (one) => one.connected)],
    ['cluster_connections', 0],
    ['maxclients', thread.parameters.get('maxClients')],
    ['client_recent_max_input_buffer', most((one) => one.inputMax)],
    ['client_recent_max_output_buffer', most((one) => one.outputMax)],
    ['blocked_clients', sumOf(clients, (one) => one.blocked)],
    ['tracking_clients', sumOf(clients, (one) => one.tracking)],
    ['pubsub_clients', sumOf(clients, (one) => one.listening)],
    ['watching_clients', sumOf(clients, (one) => one.watching)],
    ['monitor_clients', sumOf(clients, (one) => one.monitors)],
    ['clients_in_timeout_table', sumOf(clients, (one) => one.blocked)],
  ]
}

export function memorySection(source: InfoSource): InfoLines {
  const { thread, threads, shards, usedBytes, peakBytes, residentBytes } = source
  const bufferBytes = sumOf(threads, (one) => one.clients.bufferBytes)
  const lockBytes = sumOf(shards, (one) => one.lockBytes)
  const overhead = bufferBytes + lockBytes
  const maxBytes = thread.parameters.get('maxMemory')
  const dataset = usedBytes - lockBytes
  const ratio = usedBytes === 0 ? 0 : residentBytes / usedBytes
  return [
    ['used_memory', usedBytes],
    ['used_memory_human', humanBytes(usedBytes)],
    ['used_memory_rss', residentBytes],
    ['used_memory_rss_human', humanBytes(residentBytes)],
    ['used_memory_peak', peakBytes],
    ['used_memory_peak_human', humanBytes(peakBytes)],
    ['used_memory_peak_perc', percent(usedBytes, peakBytes)],
    ['used_memory_overhead', overhead],
    ['used_memory_startup', 0],
    ['used_memory_dataset', dataset],
    ['used_memory_dataset_perc', percent(dataset, usedBytes)],
    ['allocator_allocated', usedBytes],
    ['allocator_active', sumOf(shards, ({ stats }) => stats.reservedBytes + stats.heapBytes)],
    ['allocator_resident', residentBytes],
    ['total_system_memory', totalmem()],
    ['total_system_memory_human', humanBytes(totalmem())],
    ['used_memory_lua', 0],
    ['used_memory_vm_eval', 0],
    ['used_memory_lua_human', humanBytes(0)],
    ['used_memory_scripts_eval', 0],
    ['number_of_cached_scripts', 0],
    ['number_of_functions', 0],
    ['number_of_libraries', 0],
    ['used_memory_vm_functions', 0],
    ['used_memory_vm_total', 0],
    ['used_memory_vm_total_human', humanBytes(0)],
    ['used_memory_functions', 0],
    ['used_memory_scripts', 0],
    ['used_memory_scripts_human', humanBytes(0)],
    ['used_memory_js_heap', sumOf(threads, (one) => one.heapBytes)],
    ['maxmemory', maxBytes],
    ['maxmemory_human', humanBytes(maxBytes)],
    ['maxmemory_policy', thread.parameters.get('maxMemoryPolicy')],
    ['mem_fragmentation_ratio', ratio.toFixed(2)],
    ['mem_fragmentation_bytes', residentBytes - usedBytes],
    ['mem_not_counted_for_evict', bufferBytes],
    ['mem_replication_backlog', 0],
    ['mem_total_replication_buffers', 0],
    ['mem_clients_slaves', 0],
    ['mem_clients_normal', bufferBytes],
    ['mem_cluster_links', 0],
    ['mem_aof_buffer', sumOf(shards, ({ log }) => (log === undefined ? 0 : log.appended - log.written))],
    ['mem_allocator', 'shardloom'],
    ['active_defrag_running', 0],
    ['lazyfree_pending_objects', 0],
    ['lazyfreed_objects', 0],
  ]
}

export function persistenceSection(source: InfoSource): InfoLines {
  const { isDurable, isSaving, lastSaveWallMs, saves, saveMs, hasFailed, isBroken, changes } = persistenceOf(
    source.shards,
    source.thread.facts.startedWallMs,
  )
  const status = hasFailed ? 'err' : 'ok'
  const saveSeconds = saveMs < 0 ? -1 : Math.floor(saveMs / SECOND_MS)
  const logs = source.shards.flatMap(({ log }) => log ?? [])
  const sizes: InfoLines = [
    ['aof_current_size', sumOf(logs, (log) => log.appended)],
    ['aof_base_size', 0],
    ['aof_pending_rewrite', 0],
    ['aof_buffer_length', sumOf(logs, (log) => log.appended - log.written)],
    ['aof_pending_bio_fsync', logs.filter((log) => log.synced < log.written).length],
    ['aof_delayed_fsync', 0],
  ]
  return [
    ['loading', 0],
    ['async_loading', 0],
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', '0.00'],
    ['current_save_keys_processed', 0],
    ['current_save_keys_total', 0],
    ['rdb_changes_since_last_save', changes],
    ['rdb_bgsave_in_progress', isSaving ? 1 : 0],
    ['rdb_last_save_time', Math.floor(lastSaveWallMs / SECOND_MS)],
    ['rdb_last_bgsave_status', status],
    ['rdb_last_bgsave_time_sec', saveSeconds],
    ['rdb_current_bgsave_time_sec', -1],
    ['rdb_saves', saves],
    ['rdb_last_cow_size', 0],
    ['rdb_last_load_keys_expired', 0],
    ['rdb_last_load_keys_loaded', 0],
    ['aof_enabled', isDurable ? 1 : 0],
    ['aof_rewrite_in_progress', isSaving ? 1 : 0],
    ['aof_rewrite_scheduled', 0],
    ['aof_last_rewrite_time_sec', saveSeconds],
    ['aof_current_rewrite_time_sec', -1],
    ['aof_last_bgrewrite_status', status],
    ['aof_rewrites', saves],
    ['aof_rewrites_consecutive_failures', hasFailed ? 1 : 0],
    ['aof_last_write_status', isBroken ? 'err' : 'ok'],
    ['aof_last_cow_size', 0],
    ['module_fork_in_progress', 0],
    ['module_fork_last_cow_size', 0],
    ...(isDurable ? sizes : []),
  ]
}

export function statsSection({ threads, shards, commands }: InfoSource): InfoLines {
  const all = (of: (one: (typeof threads)[number]) => number): number => sumOf(threads, of)
  const kept = (of: (one: (typeof shards)[number]) => number): number => sumOf(shards, of)
  const kib = (bytes: number): string => (bytes / 1024).toFixed(2)
  return [
    ['total_connections_received', all((one) => one.accepted)],
    ['total_commands_processed', sumOf(commands, (one) => one.calls)],
    ['instantaneous_ops_per_sec', Math.round(all((one) => one.rates.commands))],
    ['total_net_input_bytes', all((one) => one.bytesIn)],
    ['total_net_output_bytes', all((one) => one.bytesOut)],
    ['total_net_repl_input_bytes', 0],
    ['total_net_repl_output_bytes', 0],
    ['instantaneous_input_kbps', kib(all((one) => one.rates.bytesIn))],
    ['instantaneous_output_kbps', kib(all((one) => one.rates.bytesOut))],
    ['instantaneous_input_repl_kbps', '0.00'],
    ['instantaneous_output_repl_kbps', '0.00'],
    ['rejected_connections', all((one) => one.refused)],
    ['sync_full', 0],
    ['sync_partial_ok', 0],
    ['sync_partial_err', 0],
    ['expired_keys', kept(({ stats }) => stats.expiredKeys)],
    ['expired_members', kept(({ stats }) => stats.expiredMembers)],
    ['expired_stale_perc', '0.00'],
    ['expired_time_cap_reached_count', 0],
    ['expire_cycle_cpu_milliseconds', 0],
    ['evicted_keys', kept(({ stats }) => stats.evictedKeys)],
    ['evicted_clients', all((one) => one.evictedClients)],
    ['total_eviction_exceeded_time', 0],
    ['current_eviction_exceeded_time', 0],
    ['keyspace_hits', kept(({ stats }) => stats.hits)],
    ['keyspace_misses', kept(({ stats }) => stats.misses)],
    ['pubsub_channels', kept((one) => one.channels)],
    // A pattern is known to every shard.
    ['pubsub_patterns', Math.max(0, ...shards.map((one) => one.patterns))],
    ['pubsubshard_channels', kept((one) => one.shardedChannels)],
    ['latest_fork_usec', 0],
    ['total_forks', 0],
    ['migrate_cached_sockets', 0],
    ['slave_expires_tracked_keys', 0],
    ['active_defrag_hits', 0],
    ['active_defrag_misses', 0],
    ['active_defrag_key_hits', 0],
    ['active_defrag_key_misses', 0],
    ['total_active_defrag_time', 0],
    ['current_active_defrag_time', 0],
    ['tracking_total_keys', all((one) => one.tracking.keys)],
    ['tracking_total_items', all((one) => one.tracking.items)],
    ['tracking_total_prefixes', all((one) => one.tracking.prefixes)],
    ['unexpected_error_replies', 0],
    ['total_error_replies', all((one) => one.errors)],
    ['dump_payload_sanitizations', 0],
    ['total_reads_processed', 0],
    ['total_writes_processed', 0],
    ['io_threaded_reads_processed', 0],
    ['io_threaded_writes_processed', 0],
    ['client_output_buffer_limit_disconnections', all((one) => one.slowReaders)],
    ['reply_buffer_shrinks', 0],
    ['reply_buffer_expands', 0],
    ['acl_access_denied_auth', all((one) => one.authFailures)],
    ['acl_access_denied', all((one) => one.aclDenied)],
  ]
}

export function replicationSection({ thread }: InfoSource): InfoLines {
  return [
    ['role', 'master'],
    ['connected_slaves', 0],
    ['master_failover_state', 'no-failover'],
    ['master_replid', thread.facts.runId],
    ['master_replid2', NO_REPLICATION_ID],
    ['master_repl_offset', 0],
    ['second_repl_offset', -1],
    ['repl_backlog_active', 0],
    ['repl_backlog_size', thread.parameters.text('repl-backlog-size') ?? '0'],
    ['repl_backlog_first_byte_offset', 0],
    ['repl_backlog_histlen', 0],
  ]
}

export function cpuSection(): InfoLines {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const seconds = (us: number): string => (us / 1e6).toFixed(6)
  return [
    ['used_cpu_sys', seconds(systemCPUTime)],
    ['used_cpu_user', seconds(userCPUTime)],
    ['used_cpu_sys_children', seconds(0)],
    ['used_cpu_user_children', seconds(0)],
  ]
}

export function commandStatsSection({ commands }: InfoSource): InfoLines {
  return commands.map(({ name, calls, usec, rejected, failed }) => {
    const perCall = calls === 0 ? 0 : usec / calls
    const figures = `calls=${calls},usec=${Math.round(usec)},usec_per_call=${perCall.toFixed(2)}`
    return [`cmdstat_${name}`, `${figures},rejected_calls=${rejected},failed_calls=${failed}`]
  })
}

export function errorStatsSection({ threads }: InfoSource): InfoLines {
  return sumErrors(threads).map(([code, count]) => [`errorstat_${code}`, `count=${count}`])
}

export function latencyStatsSection({ thread, commands }: InfoSource): InfoLines {
  const percents = thread.parameters.get('latencyTrackingInfoPercentiles')
  if (!thread.parameters.get('latencyTracking')) return []
  return commands
    .filter(({ times }) => times.total > 0)
    .map(({ name, times }) => {
      const figures = percents.map((percent) => `p${percent}=${times.percentileUs(percent).toFixed(3)}`)
      return [`latency_percentiles_usec_${name}`, figures.join(',')]
    })
}

export function clusterSection(): InfoLines {
  return [['cluster_enabled', 0]]
}

export function keyspaceSection({ shards }: InfoSource): InfoLines {
  const databases = shards.flatMap((one) => one.databases)
  const numbers = [...new Set(databases.map(({ db }) => db))].sort((one, other) => one - other)
  return numbers.flatMap((number) => {
    const parts = databases.filter(({ db }) => db === number)
    const [keys, expires] = [sumOf(parts, (one) => one.keys), sumOf(parts, (one) => one.volatileKeys)]
    if (keys === 0) return []
    const ttls = sumOf(parts, (one) => one.averageTtlMs * one.volatileKeys)
    const average = expires === 0 ? 0 : Math.round(ttls / expires)
    return [[`db${number}`, `keys=${keys},expires=${expires},avg_ttl=${average}`] as const]
  })
}

function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part * 100) / whole).toFixed(2)}%`
}

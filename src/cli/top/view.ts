/**
 * What is shown: figures per second out of two readings, as plain data that `--json` prints as it is.
 *
 * A rate needs two readings; with one it is left out rather than guessed. A counter that is smaller than
 * before was reset or belongs to a new process: its rate is left out once.
 *
 * Tests: test/cli/top/view.test.ts
 */
import { asNumber, keyCount, numberOf, partsOf, rowsOf } from './info.ts'
import { type CommandHistogram, type CommandLatency, histogramSince, latencyOf } from './latency.ts'
import type { HotKeyRow, LockRow, Part, Sample, SlowRow } from './sample.ts'

/** The server as a whole. */
export interface ServerView {
  readonly name: string
  readonly version: string
  readonly uptimeSeconds: number
  readonly connections: number
  readonly blocked: number
  readonly keys: number
  readonly usedMemory: number
  readonly maxMemory: number
  readonly residentMemory: number
  readonly commandsPerSecond: number | undefined
  /** Of one core: 2 is two cores. */
  readonly processor: number | undefined
  readonly hitRatio: number | undefined
  readonly inPerSecond: number | undefined
  readonly outPerSecond: number | undefined
  readonly expiredPerSecond: number | undefined
  readonly evictedPerSecond: number | undefined
  readonly errorsPerSecond: number | undefined
}

/** One shard; undefined: the server does not say. */
export interface ShardView {
  readonly id: number
  readonly thread: number | undefined
  readonly commandsPerSecond: number | undefined
  readonly keys: number | undefined
  readonly usedMemory: number | undefined
  readonly slots: number | undefined
  readonly queue: number | undefined
  readonly blocked: number | undefined
}

/** One thread; undefined: the server does not say. */
export interface ThreadView {
  readonly id: number
  readonly connections: number | undefined
  readonly commandsPerSecond: number | undefined
  /** Part of the time in which its loop was busy. */
  readonly utilization: number | undefined
  readonly heapBytes: number | undefined
  readonly queue: number | undefined
}

/** One command. `latency` is that of the last interval, or of all time when nothing was measured in it. */
export interface CommandView {
  readonly name: string
  readonly callsPerSecond: number | undefined
  readonly calls: number
  readonly latency: CommandLatency | undefined
}

/** One client. */
export interface ClientView {
  readonly id: number
  readonly address: string
  readonly name: string
  readonly user: string
  readonly db: number
  readonly command: string
  readonly ageSeconds: number
  readonly idleSeconds: number
  readonly memory: number
  readonly flags: string
}

/** Everything that is shown. */
export interface TopView {
  readonly atMs: number
  readonly server: ServerView
  readonly shards: Part<ShardView>
  readonly threads: Part<ThreadView>
  readonly commands: Part<CommandView>
  readonly hotKeys: Part<HotKeyRow>
  readonly slow: Part<SlowRow>
  readonly locks: Part<LockRow>
  readonly clients: Part<ClientView>
}

/** A counter's rate, by what it is called and what it was. */
type Rate = (now: number | undefined, before: number | undefined) => number | undefined

/** The view of a reading, with the one before it for the rates. */
export function viewOf(sample: Sample, before: Sample | undefined): TopView {
  const seconds = before === undefined ? 0 : (sample.atMs - before.atMs) / 1000
  const rate: Rate = (now, then) =>
    seconds <= 0 || now === undefined || then === undefined || now < then ? undefined : (now - then) / seconds
  return {
    atMs: sample.atMs,
    server: serverView(sample, before, rate),
    shards: shardViews(sample, before, rate),
    threads: threadViews(sample, before, rate),
    commands: commandViews(sample, before, rate),
    hotKeys: sample.hotKeys,
    slow: sample.slow,
    locks: sample.locks,
    clients: clientViews(sample),
  }
}

function serverView({ info }: Sample, before: Sample | undefined, rate: Rate): ServerView {
  const number = (name: string): number => numberOf(info, name) ?? 0
  const rateOf = (...names: string[]): number | undefined =>
    rate(sumOf(info, names), before === undefined ? undefined : sumOf(before.info, names))
  const hits = rateOf('keyspace_hits')
  const misses = rateOf('keyspace_misses')
  const lookups = (hits ?? 0) + (misses ?? 0)
  const own = info.fields.get('shardloom_version')
  return {
    name: own === undefined ? 'redis' : 'shardloom',
    version: own ?? info.fields.get('redis_version') ?? '?',
    uptimeSeconds: number('uptime_in_seconds'),
    connections: number('connected_clients'),
    blocked: number('blocked_clients'),
    keys: keyCount(info),
    usedMemory: number('used_memory'),
    maxMemory: number('maxmemory'),
    residentMemory: number('used_memory_rss'),
    commandsPerSecond: rateOf('total_commands_processed'),
    processor: rateOf('used_cpu_user', 'used_cpu_sys'),
    hitRatio: lookups === 0 || hits === undefined ? undefined : hits / lookups,
    inPerSecond: rateOf('total_net_input_bytes'),
    outPerSecond: rateOf('total_net_output_bytes'),
    expiredPerSecond: rateOf('expired_keys'),
    evictedPerSecond: rateOf('evicted_keys'),
    errorsPerSecond: rateOf('total_error_replies'),
  }
}

function sumOf(info: Sample['info'], names: readonly string[]): number | undefined {
  const values = names.map((name) => numberOf(info, name))
  return values.reduce(
    (sum, value) => (sum === undefined || value === undefined ? undefined : sum + value),
    0,
  )
}

function shardViews({ info }: Sample, before: Sample | undefined, rate: Rate): Part<ShardView> {
  if (!info.sections.has('shards')) return { missing: 'this server has no shards: INFO shards is empty' }
  const earlier = earlierRows(before, 'shards', 'shard')
  return {
    rows: rowsOf(info, 'shards', 'shard').map(({ id, fields }) => ({
      id,
      thread: asNumber(fields.get('thread')),
      commandsPerSecond: rate(asNumber(fields.get('commands')), asNumber(earlier.get(id)?.get('commands'))),
      keys: asNumber(fields.get('keys')),
      usedMemory: asNumber(fields.get('used_memory')),
      slots: asNumber(fields.get('slots')),
      queue: asNumber(fields.get('queue')),
      blocked: asNumber(fields.get('blocked')),
    })),
  }
}

function threadViews({ info }: Sample, before: Sample | undefined, rate: Rate): Part<ThreadView> {
  if (!info.sections.has('threads')) return { missing: 'this server has no threads: INFO threads is empty' }
  const earlier = earlierRows(before, 'threads', 'thread')
  return {
    rows: rowsOf(info, 'threads', 'thread').map(({ id, fields }) => ({
      id,
      connections: asNumber(fields.get('connections')),
      commandsPerSecond: rate(asNumber(fields.get('commands')), asNumber(earlier.get(id)?.get('commands'))),
      utilization: asNumber(fields.get('loop_utilization')),
      heapBytes: asNumber(fields.get('heap')),
      queue: asNumber(fields.get('queue')),
    })),
  }
}

function earlierRows(
  before: Sample | undefined,
  section: string,
  prefix: string,
): ReadonlyMap<number, ReadonlyMap<string, string>> {
  const rows = before === undefined ? [] : rowsOf(before.info, section, prefix)
  return new Map(rows.map(({ id, fields }) => [id, fields]))
}

/** Calls come of INFO, which counts all of them; how long they took, of the histograms. */
function commandViews(sample: Sample, before: Sample | undefined, rate: Rate): Part<CommandView> {
  const calls = callsOf(sample)
  const earlier = before === undefined ? undefined : callsOf(before)
  const now = histogramsOf(sample)
  const then = before === undefined ? undefined : histogramsOf(before)
  if (calls.size === 0 && 'missing' in sample.latency) return { missing: sample.latency.missing }
  return {
    rows: [...calls].map(([name, count]) => {
      const histogram = now?.get(name)
      const since = histogram === undefined ? undefined : histogramSince(histogram, then?.get(name))
      return {
        name,
        callsPerSecond: earlier === undefined ? undefined : rate(count, earlier.get(name) ?? 0),
        calls: count,
        latency: since === undefined || histogram === undefined ? undefined : latencyOf(since, histogram),
      }
    }),
  }
}

function histogramsOf({ latency }: Sample): ReadonlyMap<string, CommandHistogram> | undefined {
  return 'missing' in latency ? undefined : latency.histograms
}

/** Command → calls, of the section commandstats; of the histograms where that is missing. */
function callsOf(sample: Sample): ReadonlyMap<string, number> {
  const { info } = sample
  const calls = new Map<string, number>()
  for (const name of info.sections.get('commandstats') ?? []) {
    const count = asNumber(partsOf(info.fields.get(name) ?? '').get('calls'))
    if (count !== undefined) calls.set(name.replace('cmdstat_', ''), count)
  }
  if (calls.size > 0) return calls
  return new Map([...(histogramsOf(sample) ?? [])].map(([name, histogram]) => [name, histogram.calls]))
}

function clientViews({ clients }: Sample): Part<ClientView> {
  if ('missing' in clients) return clients
  return {
    rows: clients.rows.map((row) => {
      const number = (name: string): number => asNumber(row.get(name)) ?? 0
      return {
        id: number('id'),
        address: row.get('addr') ?? '',
        name: row.get('name') ?? '',
        user: row.get('user') ?? '',
        db: number('db'),
        command: (row.get('cmd') ?? '').replace('|', ' '),
        ageSeconds: number('age'),
        idleSeconds: number('idle'),
        memory: number('tot-mem'),
        flags: row.get('flags') ?? '',
      }
    }),
  }
}

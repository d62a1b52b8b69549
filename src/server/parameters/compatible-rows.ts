/**
 * Parameters of Redis 7.0 that mean nothing here: known, checked, kept and shown, and without effect.
 *
 * Tools and test suites set them, and files of Redis have them; a refusal would stop both. Whether they
 * could be changed while Redis runs is kept as well. What a file sets here is told once by whoever reads it.
 *
 * Tests: test/server/parameters/parameter-table.test.ts
 */
import { oomScores, savePoints } from './list-types.ts'
import { INT32_MAX, INT64_MAX, integer, memory } from './number-types.ts'
import type { Parameter, RowExtras } from './parameter.ts'
import type { ParameterType, ParameterValue } from './parameter-type.ts'
import { bytes, fileName, oneOf, path, someOf, text, yesNo } from './word-types.ts'

type Row = readonly [name: string, type: ParameterType, fallback: ParameterValue, extras?: RowExtras]

const FIXED: RowExtras = { isMutable: false }
const SECRET: RowExtras = { isSecret: true }
const MEM = 1024 * 1024
const flag = yesNo()
const words = text()
const count = integer(0, INT32_MAX)
const wide = integer(0, INT64_MAX)
const port = integer(0, 65_535)

const FILES: readonly Row[] = [
  ['appendfilename', fileName(), 'appendonly.aof', FIXED],
  ['appenddirname', fileName(), 'appendonlydir', FIXED],
  ['no-appendfsync-on-rewrite', flag, false],
  ['auto-aof-rewrite-percentage', count, 100],
  ['auto-aof-rewrite-min-size', memory(0, INT64_MAX), 64 * MEM],
  ['aof-load-truncated', flag, true],
  ['aof-use-rdb-preamble', flag, true],
  ['aof-timestamp-enabled', flag, false],
  ['aof-rewrite-incremental-fsync', flag, true],
  ['aof-disable-auto-gc', flag, false],
  ['save', savePoints(), []],
  ['dbfilename', fileName(), 'dump.rdb', { isMutable: 'protected' }],
  ['rdbcompression', flag, true],
  ['rdbchecksum', flag, true, FIXED],
  ['rdb-del-sync-files', flag, false],
  ['rdb-save-incremental-fsync', flag, true],
  ['sanitize-dump-payload', oneOf('no', 'yes', 'clients'), 'no'],
  ['stop-writes-on-bgsave-error', flag, true],
]

const REPLICATION: readonly Row[] = [
  ['replicaof', words, '', { isMutable: false, aliases: ['slaveof'] }],
  ['masteruser', words, '', SECRET],
  ['masterauth', bytes(), '', SECRET],
  ['replica-serve-stale-data', flag, true, { aliases: ['slave-serve-stale-data'] }],
  ['replica-read-only', flag, true, { aliases: ['slave-read-only'] }],
  ['replica-ignore-maxmemory', flag, true, { aliases: ['slave-ignore-maxmemory'] }],
  ['replica-ignore-disk-write-errors', flag, false],
  ['replica-lazy-flush', flag, false, { aliases: ['slave-lazy-flush'] }],
  ['replica-priority', count, 100, { aliases: ['slave-priority'] }],
  ['replica-announced', flag, true],
  ['replica-announce-ip', words, '', { aliases: ['slave-announce-ip'] }],
  ['replica-announce-port', port, 0, { aliases: ['slave-announce-port'] }],
  ['min-replicas-to-write', count, 0, { aliases: ['min-slaves-to-write'] }],
  ['min-replicas-max-lag', count, 10, { aliases: ['min-slaves-max-lag'] }],
  ['repl-diskless-sync', flag, true],
  ['repl-diskless-sync-delay', count, 5],
  ['repl-diskless-sync-max-replicas', count, 0],
  ['repl-diskless-load', oneOf('disabled', 'on-empty-db', 'swapdb'), 'disabled'],
  ['repl-disable-tcp-nodelay', flag, false],
  ['repl-ping-replica-period', integer(1, INT32_MAX), 10, { aliases: ['repl-ping-slave-period'] }],
  ['repl-timeout', integer(1, INT32_MAX), 60],
  ['repl-backlog-size', memory(1, INT64_MAX), MEM],
  ['repl-backlog-ttl', wide, 3600],
  ['propagation-error-behavior', oneOf('ignore', 'panic', 'panic-on-replicas'), 'ignore'],
]

const CLUSTER: readonly Row[] = [
  ['cluster-enabled', flag, false, FIXED],
  ['cluster-config-file', path(), 'nodes.conf', FIXED],
  ['cluster-port', port, 0, FIXED],
  ['cluster-node-timeout', wide, 15_000],
  ['cluster-announce-ip', words, ''],
  ['cluster-announce-hostname', words, ''],
  ['cluster-announce-port', port, 0],
  ['cluster-announce-tls-port', port, 0],
  ['cluster-announce-bus-port', port, 0],
  ['cluster-preferred-endpoint-type', oneOf('ip', 'hostname', 'unknown-endpoint'), 'ip'],
  ['cluster-migration-barrier', count, 1],
  ['cluster-replica-validity-factor', count, 10, { aliases: ['cluster-slave-validity-factor'] }],
  ['cluster-replica-no-failover', flag, false, { aliases: ['cluster-slave-no-failover'] }],
  ['cluster-require-full-coverage', flag, true],
  ['cluster-allow-replica-migration', flag, true],
  ['cluster-allow-reads-when-down', flag, false],
  ['cluster-allow-pubsubshard-when-down', flag, true],
  ['cluster-link-sendbuf-limit', memory(0, 2 ** 64), 0],
]

const PROCESS: readonly Row[] = [
  ['daemonize', flag, false, FIXED],
  ['supervised', oneOf('no', 'systemd', 'upstart', 'auto'), 'no', FIXED],
  ['shutdown-on-sigint', someOf(['default', 'save', 'nosave', 'now', 'force']), ['default']],
  ['shutdown-on-sigterm', someOf(['default', 'save', 'nosave', 'now', 'force']), ['default']],
  ['syslog-enabled', flag, false, FIXED],
  ['syslog-ident', words, 'redis', FIXED],
  ['syslog-facility', words, 'local0', FIXED],
  ['crash-log-enabled', flag, true],
  ['crash-memcheck-enabled', flag, true],
  ['always-show-logo', flag, false, FIXED],
  ['set-proc-title', flag, true, FIXED],
  ['proc-title-template', words, '{title} {listen-addr} {server-mode}'],
  ['oom-score-adj', oneOf('no', 'yes', 'relative', 'absolute'), 'no'],
  ['oom-score-adj-values', oomScores(), [0, 200, 800]],
  ['disable-thp', flag, true, FIXED],
  ['io-threads', integer(1, 128), 1, FIXED],
  ['io-threads-do-reads', flag, false, FIXED],
  ['server_cpulist', words, '', FIXED],
  ['bio_cpulist', words, '', FIXED],
  ['aof_rewrite_cpulist', words, '', FIXED],
  ['bgsave_cpulist', words, '', FIXED],
  ['ignore-warnings', words, ''],
  ['socket-mark-id', integer(0, 2 ** 32 - 1), 0, FIXED],
  ['bind-source-addr', words, ''],
  ['enable-module-command', oneOf('no', 'yes', 'local'), 'no', FIXED],
]

const ENGINE: readonly Row[] = [
  ['hz', count, 10],
  ['dynamic-hz', flag, true],
  ['activerehashing', flag, true],
  ['active-expire-effort', integer(1, 10), 1],
  ['activedefrag', flag, false],
  ['active-defrag-cycle-min', integer(1, 99), 1],
  ['active-defrag-cycle-max', integer(1, 99), 25],
  ['active-defrag-ignore-bytes', memory(1, INT64_MAX), 100 * MEM],
  ['active-defrag-max-scan-fields', integer(1, INT64_MAX), 1000],
  ['active-defrag-threshold-lower', integer(0, 1000), 10],
  ['active-defrag-threshold-upper', integer(0, 1000), 100],
  ['jemalloc-bg-thread', flag, true],
  ['lazyfree-lazy-eviction', flag, false],
  ['lazyfree-lazy-expire', flag, false],
  ['lazyfree-lazy-server-del', flag, false],
  ['lazyfree-lazy-user-del', flag, false],
  ['lazyfree-lazy-user-flush', flag, false],
  ['lfu-log-factor', count, 10],
  ['lfu-decay-time', count, 1],
  ['maxmemory-eviction-tenacity', integer(0, 100), 10],
  ['busy-reply-threshold', wide, 5000, { aliases: ['lua-time-limit'] }],
  ['list-compress-depth', count, 0],
  ['hll-sparse-max-bytes', memory(0, INT64_MAX), 3000],
  ['stream-node-max-bytes', memory(0, INT64_MAX), 4096],
  ['stream-node-max-entries', wide, 100],
  ['tls-client-cert-file', path(), ''],
  ['tls-client-key-file', path(), ''],
  ['tls-client-key-file-pass', bytes(), '', SECRET],
  ['tls-dh-params-file', path(), ''],
  ['tls-cluster', flag, false],
  ['tls-replication', flag, false],
  ['tls-session-caching', flag, true],
  ['tls-session-cache-size', count, 20_480],
  ['tls-session-cache-timeout', count, 300],
]

export const COMPATIBLE: readonly Parameter[] = [
  ...FILES,
  ...REPLICATION,
  ...CLUSTER,
  ...PROCESS,
  ...ENGINE,
].map(([name, type, fallback, extras = {}]) => ({
  name,
  option: name.replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  aliases: extras.aliases ?? [],
  shortNames: [],
  type,
  default: fallback,
  effect: 'none',
  part: 'server',
  summary: 'Known from Redis; without effect.',
  isMutable: extras.isMutable ?? true,
  isSecret: extras.isSecret ?? false,
  isDirective: extras.isDirective ?? false,
  isDerived: false,
}))

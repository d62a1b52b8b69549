/**
 * Parameters of the data: threads, memory, files, and how values are kept. Tests:
 * test/server/parameters/parameter-table.test.ts
 */
import { eventLetters } from './list-types.ts'
import { anyMemory, autoInteger, INT32_MAX, INT64_MAX, integer, memory } from './number-types.ts'
import { type RowsOf, rowsFor } from './parameter.ts'
import { oneOf, path, text, wordList, yesNo } from './word-types.ts'

/** What is thrown out at the ceiling of memory. */
export type EvictionPolicyWord =
  | 'volatile-lru'
  | 'volatile-lfu'
  | 'volatile-random'
  | 'volatile-ttl'
  | 'allkeys-lru'
  | 'allkeys-lfu'
  | 'allkeys-random'
  | 'noeviction'

/** Values of these parameters, by the names of their options. */
export interface KeyspaceValues {
  readonly threads: number | 'auto'
  readonly shards: number | 'auto'
  readonly dir: string
  readonly durability: 'auto' | 'memory' | 'os' | 'fsync'
  readonly appendOnly: boolean
  readonly appendFsync: 'everysec' | 'always' | 'no'
  readonly syncEveryMs: number
  readonly logSegmentBytes: number
  readonly snapshotBytes: number
  readonly snapshotEveryMs: number
  readonly diskReserveBytes: number
  readonly encryptionKeyFile: string
  readonly encryptionKeyCommand: string
  readonly encryptionPreviousKeyFiles: readonly string[]
  readonly maxMemory: number
  readonly maxMemoryPolicy: EvictionPolicyWord
  readonly maxMemorySamples: number
  readonly notifyKeyspaceEvents: string
  readonly rebalance: boolean
  readonly historyMax: number
  readonly historyBytesMax: number
  readonly historyKeepMs: number
  readonly pendingMax: number
  readonly commandTimeoutMs: number
  readonly hashMaxListpackEntries: number
  readonly hashMaxListpackValue: number
  readonly setMaxIntsetEntries: number
  readonly setMaxListpackEntries: number
  readonly setMaxListpackValue: number
  readonly zsetMaxListpackEntries: number
  readonly zsetMaxListpackValue: number
  readonly listMaxListpackSize: number
}

const KIB = 1024
const MIB = 1024 * KIB
const HOUR_MS = 3_600_000
/** As many as the keyspace takes. */
const THREADS_MAX = 1024
const SHARDS_MAX = 1024
const row = rowsFor('keyspace')

const THREAD_ROWS: RowsOf<
  Pick<KeyspaceValues, 'threads' | 'shards' | 'rebalance' | 'pendingMax' | 'commandTimeoutMs'>
> = {
  threads: row(
    'threads',
    autoInteger(0, THREADS_MAX),
    'auto',
    'start',
    'Worker threads; 0: the main thread alone; auto: one for each core but one, at least 1.',
  ),
  shards: row(
    'shards',
    autoInteger(1, SHARDS_MAX),
    'auto',
    'start',
    'Parts of the keyspace; auto: one for each thread.',
  ),
  rebalance: row('rebalance', yesNo(), false, 'start', 'Whether busy slots move to idle shards.'),
  pendingMax: row(
    'pending-max',
    integer(1, INT32_MAX),
    1_000_000,
    'start',
    'Commands of one thread that wait for other shards.',
  ),
  commandTimeoutMs: row(
    'command-timeout-ms',
    integer(1, INT32_MAX),
    30_000,
    'start',
    'Time that a command for a shard of another thread may take.',
  ),
}

const FILE_ROWS: RowsOf<
  Pick<
    KeyspaceValues,
    | 'dir'
    | 'durability'
    | 'appendOnly'
    | 'appendFsync'
    | 'syncEveryMs'
    | 'logSegmentBytes'
    | 'snapshotBytes'
    | 'snapshotEveryMs'
    | 'diskReserveBytes'
    | 'encryptionKeyFile'
    | 'encryptionKeyCommand'
    | 'encryptionPreviousKeyFiles'
  >
> = {
  dir: row('dir', path(), '', 'start', 'Directory of the data; empty: it is kept in memory alone.', {
    isMutable: 'protected',
  }),
  durability: row(
    'durability',
    oneOf('auto', 'memory', 'os', 'fsync'),
    'auto',
    'start',
    'What OK means. memory: done; os: outlives the process; fsync: outlives power cuts; auto: os with a dir.',
    { isDerived: true },
  ),
  appendOnly: row(
    'appendonly',
    yesNo(),
    false,
    'start',
    'With dir: durability os or fsync, as appendfsync says.',
    { isMutable: true, isDerived: true },
  ),
  appendFsync: row(
    'appendfsync',
    oneOf('everysec', 'always', 'no'),
    'everysec',
    'start',
    "Durability in Redis' words, with appendonly: always is fsync, the others are os.",
    { isMutable: true, isDerived: true },
  ),
  syncEveryMs: row(
    'sync-every-ms',
    integer(1, HOUR_MS),
    1000,
    'start',
    'What is written is synced after so long in any case.',
  ),
  logSegmentBytes: row(
    'log-segment-bytes',
    memory(64 * KIB, 2 ** 40),
    64 * MIB,
    'start',
    'Bytes of one file of a log.',
  ),
  snapshotBytes: row(
    'snapshot-bytes',
    memory(64 * KIB, 2 ** 50),
    256 * MIB,
    'start',
    "Bytes of a shard's log after which a snapshot takes its place.",
  ),
  snapshotEveryMs: row(
    'snapshot-every-ms',
    integer(0, INT32_MAX),
    HOUR_MS,
    'start',
    'How often a snapshot is made when something was written; 0: never.',
  ),
  diskReserveBytes: row(
    'disk-reserve-bytes',
    memory(0, 2 ** 40),
    8 * MIB,
    'start',
    'Bytes of the disk that each shard keeps free for what is under way when it is full.',
  ),
  encryptionKeyFile: row(
    'encryption-key-file',
    path(),
    '',
    'start',
    'File of the key that the data is encrypted with.',
    {
      shortNames: ['key-file'],
    },
  ),
  encryptionKeyCommand: row(
    'encryption-key-command',
    text('COMMAND', 'a program and its arguments'),
    '',
    'start',
    'Program that prints the key that the data is encrypted with.',
    { shortNames: ['key-command'] },
  ),
  encryptionPreviousKeyFiles: row(
    'encryption-previous-key-files',
    wordList('"FILE …"', 'names of files'),
    [],
    'start',
    'Files of the keys of before.',
    { shortNames: ['previous-key-files'] },
  ),
}

const MEMORY_ROWS: RowsOf<
  Pick<
    KeyspaceValues,
    | 'maxMemory'
    | 'maxMemoryPolicy'
    | 'maxMemorySamples'
    | 'notifyKeyspaceEvents'
    | 'historyMax'
    | 'historyBytesMax'
    | 'historyKeepMs'
  >
> = {
  maxMemory: row('maxmemory', anyMemory(), 0, 'live', 'Bytes of all data; 0: no ceiling.'),
  maxMemoryPolicy: row(
    'maxmemory-policy',
    oneOf<EvictionPolicyWord>(
      'volatile-lru',
      'volatile-lfu',
      'volatile-random',
      'volatile-ttl',
      'allkeys-lru',
      'allkeys-lfu',
      'allkeys-random',
      'noeviction',
    ),
    'noeviction',
    'live',
    'What is thrown out at the ceiling.',
  ),
  maxMemorySamples: row(
    'maxmemory-samples',
    integer(1, INT32_MAX),
    5,
    'live',
    'Keys that are looked at for each one that is thrown out; at most 64 are.',
  ),
  notifyKeyspaceEvents: row(
    'notify-keyspace-events',
    eventLetters(),
    '',
    'live',
    'Events of keys: K by key, E by event, then classes; A: all but misses (m) and new keys (n).',
  ),
  historyMax: row(
    'history-max',
    integer(0, INT32_MAX),
    65_536,
    'start',
    'Changes that each shard keeps for watchers that come back.',
  ),
  historyBytesMax: row(
    'history-bytes-max',
    memory(0, INT64_MAX),
    16 * MIB,
    'start',
    'Bytes of these changes.',
  ),
  historyKeepMs: row(
    'history-keep-ms',
    integer(0, INT32_MAX),
    60_000,
    'start',
    'How long they are kept when nobody watches any more.',
  ),
}

const VALUE_ROWS: RowsOf<
  Omit<KeyspaceValues, keyof typeof THREAD_ROWS | keyof typeof FILE_ROWS | keyof typeof MEMORY_ROWS>
> = {
  hashMaxListpackEntries: row(
    'hash-max-listpack-entries',
    integer(0, INT64_MAX),
    512,
    'live',
    'Fields of a hash that is kept as a list.',
    {
      aliases: ['hash-max-ziplist-entries'],
    },
  ),
  hashMaxListpackValue: row(
    'hash-max-listpack-value',
    memory(0, INT64_MAX),
    64,
    'live',
    'Bytes of a field or value of such a hash.',
    {
      aliases: ['hash-max-ziplist-value'],
    },
  ),
  setMaxIntsetEntries: row(
    'set-max-intset-entries',
    integer(0, INT64_MAX),
    512,
    'live',
    'Members of a set of integers that is kept as an array.',
  ),
  setMaxListpackEntries: row(
    'set-max-listpack-entries',
    integer(0, INT64_MAX),
    128,
    'live',
    'Members of a set that is kept as a list.',
  ),
  setMaxListpackValue: row(
    'set-max-listpack-value',
    memory(0, INT64_MAX),
    64,
    'live',
    'Bytes of a member of such a set.',
  ),
  zsetMaxListpackEntries: row(
    'zset-max-listpack-entries',
    integer(0, INT64_MAX),
    128,
    'live',
    'Members of a sorted set that is kept as a list.',
    {
      aliases: ['zset-max-ziplist-entries'],
    },
  ),
  zsetMaxListpackValue: row(
    'zset-max-listpack-value',
    memory(0, INT64_MAX),
    64,
    'live',
    'Bytes of a member of such a sorted set.',
    {
      aliases: ['zset-max-ziplist-value'],
    },
  ),
  listMaxListpackSize: row(
    'list-max-listpack-size',
    integer(-(2 ** 31), INT32_MAX),
    -2,
    'live',
    'Size of a node of a list: items, or -1 to -5 for 4 to 64 KiB.',
    { aliases: ['list-max-ziplist-size'] },
  ),
}

export const KEYSPACE_ROWS: RowsOf<KeyspaceValues> = {
  ...THREAD_ROWS,
  ...FILE_ROWS,
  ...MEMORY_ROWS,
  ...VALUE_ROWS,
}

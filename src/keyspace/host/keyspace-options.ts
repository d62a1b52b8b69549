/**
 * The options of a keyspace, checked, with every default and limit in one place.
 * Tests: test/keyspace/host/keyspace-options.test.ts
 */
import { resolve } from 'node:path'
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../../base/index.ts'
import {
  DURABILITIES,
  type Durability,
  type EncryptionOptions,
  type KeySources,
  keySources,
} from '../../storage/index.ts'
import type { RecoveryReport, StoreSettings } from '../durability/index.ts'
import type { EvictionPolicyName } from '../engine/index.ts'
import type { ShardSettings } from '../shard/shard-options.ts'
import { SHARDS_MAX } from '../shared/keyspace-memory.ts'
import { notifyFlags } from '../watch/index.ts'

/** Options of the keyspace of a runtime. */
export interface KeyspaceOptions {
  /** Shards. Default: one per shared thread; without threads, one on the main thread. */
  readonly shards?: number
  /** The ceiling of memory over all shards, in bytes; 0: none. Default 0. */
  readonly maxMemoryBytes?: number
  /** What is thrown out at the ceiling. Default `noeviction`: writes are refused. */
  readonly evictionPolicy?: EvictionPolicyName
  /** Keys that are looked at for each one that is thrown out. Default 5, as in Redis. */
  readonly evictionSamples?: number
  /** The longest stretch of incremental work, in milliseconds. Default 1. */
  readonly sliceMs?: number
  /** Bytes of one memory segment: a power of two. Default 16 MiB. */
  readonly segmentBytes?: number
  /** Commands of one thread that may wait for their answers. Default 1,000,000. */
  readonly pendingMax?: number
  /**
   * Moves busy slots to idle shards, by measured load. Default false: a move costs the keys' bytes twice, and
   * only who knows the load knows whether it lasts.
   */
  readonly rebalance?: boolean | RebalanceOptions
  /** How long a command may take. Default: the runtime's `timeouts.askMs`. */
  readonly timeoutMs?: number
  /** Changes that each shard keeps for watchers that come back. Default 65,536, in at most 16 MiB. */
  readonly historyMax?: number
  readonly historyBytesMax?: number
  /** How long they are kept when nobody watches any more, in milliseconds. Default 60,000. */
  readonly historyKeepMs?: number
  /**
   * What is told on the channels `__keyspace@0__:key` (`K`) and `__keyevent@0__:event` (`E`), by classes of
   * events: `KEA` for all. As in Redis. Default: nothing.
   */
  readonly notifyKeyspaceEvents?: string
  /** Where its files are. Default: nowhere, and what a shard holds is lost with it. */
  readonly dir?: string
  /**
   * What an acknowledgement means, unless a call says something else. `memory`: done; `os`: written, so that
   * it outlives this process; `fsync`: on the disk, so that it outlives a power cut. Default `os` with a
   * `dir`, else `memory`.
   */
  readonly durability?: Durability
  /** What is written is synced after so long in any case, in milliseconds. Default 1000. */
  readonly syncEveryMs?: number
  /** Bytes of one log segment. Default 64 MiB. */
  readonly logSegmentBytes?: number
  /** Bytes of each shard's log after which a snapshot takes its place. Default 256 MiB. */
  readonly snapshotBytes?: number
  /** How often a snapshot is made when something was written, in milliseconds; 0: never. Default 1 hour. */
  readonly snapshotEveryMs?: number
  /**
   * Bytes of each shard's disk that are kept free, for what is under way when the disk is full. Default 8
   * MiB.
   */
  readonly diskReserveBytes?: number
  /**
   * Encrypts the files, AES-256-GCM, with a key that is given, read from a file, or printed by a command.
   * Default: they are in the clear.
   */
  readonly encryption?: EncryptionOptions
  /** Told how far the logs are replayed, ten times a second, and at the end, while the runtime starts. */
  readonly onRecovery?: (progress: RecoveryProgress) => void
}

/** How far a recovery is. */
export interface RecoveryProgress {
  /** 0 to 1, over all shards. */
  readonly fraction: number
  readonly isDone: boolean
  /** When it is done: what each shard has read, and what of its log was cut off. */
  readonly shards: readonly RecoveryReport[]
}

/** When slots are moved by themselves. */
export interface RebalanceOptions {
  /** How often load is measured, in milliseconds. Default 1000. */
  readonly intervalMs?: number
  /** The busiest shard must have so many times the load of the idlest one. Default 1.5. */
  readonly ratio?: number
  /** Commands of the busiest shard in an interval, below which nothing is moved. Default 10,000. */
  readonly commandsMin?: number
  /** Slots per move. Default 64. */
  readonly slotsMax?: number
}

/** The options with nothing left open. */
export interface KeyspaceSettings {
  readonly shards: number
  readonly pendingMax: number
  readonly timeoutMs: number
  readonly shard: ShardSettings
  /** Undefined: slots are moved by hand only. */
  readonly rebalance: Required<RebalanceOptions> | undefined
  /** Undefined: memory only. */
  readonly files: FileSettings | undefined
  /** Whether the number of shards was asked for. */
  readonly hasShardCount: boolean
}

/** Where the files are, and how they are written. */
export interface FileSettings extends Omit<StoreSettings, 'folder' | 'directory' | 'keys' | 'mustExist'> {
  readonly dir: string
  /** Undefined: they are in the clear. */
  readonly encryption: KeySources | undefined
  readonly onRecovery: ((progress: RecoveryProgress) => void) | undefined
}

const POLICIES: readonly EvictionPolicyName[] = [
  'noeviction',
  'allkeys-lru',
  'allkeys-lfu',
  'allkeys-random',
  'volatile-lru',
  'volatile-lfu',
  'volatile-random',
  'volatile-ttl',
]
/** They mean nothing without `dir`. */
const FILE_OPTIONS = [
  'durability',
  'syncEveryMs',
  'logSegmentBytes',
  'snapshotBytes',
  'snapshotEveryMs',
  'diskReserveBytes',
  'encryption',
  'onRecovery',
] as const
const KNOWN = [
  'shards',
  'maxMemoryBytes',
  'evictionPolicy',
  'evictionSamples',
  'sliceMs',
  'segmentBytes',
  'pendingMax',
  'rebalance',
  'timeoutMs',
  'historyMax',
  'historyBytesMax',
  'historyKeepMs',
  'notifyKeyspaceEvents',
  'dir',
  ...FILE_OPTIONS,
]
const MIB = 1024 * 1024
const HOUR_MS = 3_600_000
const ASK_MS = 30_000

/** Reads the options. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function keyspaceSettings(
  options: KeyspaceOptions,
  threads: number,
  askMs = ASK_MS,
): KeyspaceSettings {
  checkKnownOptions('keyspace', options, KNOWN)
  const whole = (name: keyof KeyspaceOptions, fallback: number, min: number, max: number): number =>
    numberOption(`keyspace.${name}`, options[name] as number | undefined, fallback, {
      min,
      max,
      integer: true,
    })
  const shards = whole('shards', Math.max(1, threads), 1, SHARDS_MAX)
  const maxMemoryBytes = whole('maxMemoryBytes', 0, 0, 2 ** 53 - 1)
  return {
    shards,
    pendingMax: whole('pendingMax', 1_000_000, 1, 2 ** 31 - 1),
    timeoutMs: whole('timeoutMs', askMs, 1, 2 ** 31 - 1),
    rebalance: rebalanceSettings(options.rebalance),
    files: fileSettings(options, whole),
    hasShardCount: options.shards !== undefined,
    shard: {
      // 0 would be no ceiling.
      maxBytes: maxMemoryBytes === 0 ? 0 : Math.max(1, Math.floor(maxMemoryBytes / shards)),
      policy: choiceOption('keyspace.evictionPolicy', options.evictionPolicy, 'noeviction', POLICIES),
      samples: whole('evictionSamples', 5, 1, 64),
      sliceMs: numberOption('keyspace.sliceMs', options.sliceMs, 1, { min: 0.05, max: 1000 }),
      segmentBytes: powerOfTwo('segmentBytes', whole('segmentBytes', 16 * MIB, 1 * MIB, 1024 * MIB)),
      historyMax: whole('historyMax', 65_536, 0, 2 ** 31 - 1),
      historyBytesMax: whole('historyBytesMax', 16 * MIB, 0, 2 ** 53 - 1),
      historyKeepMs: whole('historyKeepMs', 60_000, 0, 2 ** 31 - 1),
      notifyKeyspaceEvents: notifyOption(options.notifyKeyspaceEvents),
    },
  }
}

type WholeOption = (name: keyof KeyspaceOptions, fallback: number, min: number, max: number) => number

function fileSettings(options: KeyspaceOptions, whole: WholeOption): FileSettings | undefined {
  const { dir } = options
  if (dir === undefined) {
    const given = FILE_OPTIONS.find((name) => options[name] !== undefined)
    // In memory, that is what it means in any case.
    if (given === undefined || (given === 'durability' && options.durability === 'memory')) return undefined
    // What may hold a key is not shown.
    const value = given === 'encryption' ? undefined : options[given]
    invalidOption(`keyspace.${given}`, value, 'together with keyspace.dir')
  }
  if (typeof dir !== 'string' || dir === '') invalidOption('keyspace.dir', dir, 'a path')
  const { onRecovery } = options
  if (onRecovery !== undefined && typeof onRecovery !== 'function') {
    invalidOption('keyspace.onRecovery', onRecovery, 'a function')
  }
  const segmentBytes = whole('logSegmentBytes', 64 * MIB, 64 * 1024, 2 ** 40)
  return {
    dir: resolve(dir),
    encryption:
      options.encryption === undefined ? undefined : keySources('keyspace.encryption', options.encryption),
    onRecovery,
    level: choiceOption('keyspace.durability', options.durability, 'os', DURABILITIES),
    syncEveryMs: whole('syncEveryMs', 1000, 1, HOUR_MS),
    segmentBytes,
    snapshotBytes: whole('snapshotBytes', 256 * MIB, 64 * 1024, 2 ** 50),
    snapshotEveryMs: whole('snapshotEveryMs', HOUR_MS, 0, 2 ** 31 - 1),
    reserveBytes: whole('diskReserveBytes', 8 * MIB, 0, 2 ** 40),
  }
}

function rebalanceSettings(option: KeyspaceOptions['rebalance']): Required<RebalanceOptions> | undefined {
  if (option === undefined || option === false) return undefined
  const given = option === true ? {} : option
  if (typeof given !== 'object' || given === null) {
    invalidOption('keyspace.rebalance', option, 'true, false, or an object of options')
  }
  checkKnownOptions('keyspace.rebalance', given, ['intervalMs', 'ratio', 'commandsMin', 'slotsMax'])
  const number = (
    name: keyof RebalanceOptions,
    fallback: number,
    min: number,
    max: number,
    integer = false,
  ): number => numberOption(`keyspace.rebalance.${name}`, given[name], fallback, { min, max, integer })
  return {
    intervalMs: number('intervalMs', 1000, 10, 2 ** 31 - 1),
    ratio: number('ratio', 1.5, 1, 1000),
    commandsMin: number('commandsMin', 10_000, 1, 2 ** 53 - 1),
    slotsMax: number('slotsMax', 64, 1, 16_384, true),
  }
}

/** Refused here, where the caller is told, and not by each shard as it starts. */
function powerOfTwo(name: string, bytes: number): number {
  if ((bytes & (bytes - 1)) !== 0) invalidOption(`keyspace.${name}`, bytes, 'a power of two')
  return bytes
}

function notifyOption(flags = ''): string {
  const option = 'keyspace.notifyKeyspaceEvents'
  if (typeof flags !== 'string') invalidOption(option, flags, 'a string of flags')
  notifyFlags(option, flags)
  return flags
}

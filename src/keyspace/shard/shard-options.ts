/**
 * What a shard is started with, and the settings of a keyspace that reach its shards.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import type { Clock, Random } from '../../base/index.ts'
import type { Broadcast } from '../../transport/index.ts'
import type { StoreSettings } from '../durability/index.ts'
import type { EvictionPolicyName, MemoryPolicy, ValueLimits } from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'

/** Settings of each shard, with nothing left open. */
export interface ShardSettings {
  /** Bytes of one shard; 0: no ceiling. */
  readonly maxBytes: number
  readonly policy: EvictionPolicyName
  readonly samples: number
  /** The longest that a shard does incremental work at a stretch, in milliseconds. */
  readonly sliceMs: number
  /** Bytes of one memory segment. */
  readonly segmentBytes: number
  /** Commits that are kept for watchers, and their bytes. */
  readonly historyMax: number
  readonly historyBytesMax: number
  /** How long they are kept when nobody watches any more, in milliseconds. */
  readonly historyKeepMs: number
  /** Flags as of Redis' notify-keyspace-events. */
  readonly notifyKeyspaceEvents: string
  /** Sizes at which collections change their encodings, where they are not the usual ones. */
  readonly limits?: Partial<ValueLimits>
  /** What of its memory is otherwise than usual. */
  readonly memory?: Partial<Pick<MemoryPolicy, 'lfuLogFactor' | 'lfuDecayMinutes' | 'expiresActively'>>
}

/** What its engine goes by, of memory. */
export function memoryPolicyOf({ maxBytes, policy, samples, memory }: ShardSettings): Partial<MemoryPolicy> {
  return { maxBytes, policy, samples, ...memory }
}

/** What a shard is made of. */
export interface ShardParts {
  readonly id: number
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  readonly random: Random
  readonly broadcast: Broadcast
  readonly hashSeed: readonly [number, number]
  readonly settings: ShardSettings
  /** Readers of memory find nothing until `publisher.release`: its keys are still to come, from a log. */
  readonly isWithheld?: boolean
}

/** Arguments of a shard's actor. */
export interface ShardArgs {
  readonly id: number
  /** How often it was started, this time included. */
  readonly life: number
  /** The shared words of the keyspace. */
  readonly memory: SharedArrayBuffer
  /** The name of the broadcast by which tables are told of. */
  readonly channel: string
  /** Of its chance. */
  readonly seed: number
  /** Of the hash of its tables, the same on all shards: SCAN goes by hash over all of them. */
  readonly hashSeed: readonly [number, number]
  readonly settings: ShardSettings
  /** Its files; undefined: memory only. */
  readonly store: StoreSettings | undefined
}

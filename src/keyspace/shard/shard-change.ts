/**
 * What may be changed of a shard while it runs: its ceiling of memory, sizes of values, notifications.
 *
 * What is not named stays as it is. Values that are there keep the encodings and the limits that they were
 * made with, as long as they are: a change of sizes holds for what is made from then on.
 * Tests: test/keyspace/shard/shard-change.test.ts
 */
import type { EvictionPolicyName, ValueLimits } from '../engine/index.ts'
import type { ShardSettings } from './shard-options.ts'

/** Other values of what a shard goes by. */
export interface ShardChange {
  /** Bytes of one shard; 0: no ceiling. */
  readonly maxBytes?: number
  readonly policy?: EvictionPolicyName
  readonly samples?: number
  readonly lfuLogFactor?: number
  readonly lfuDecayMinutes?: number
  /** Flags as of Redis' notify-keyspace-events. */
  readonly notifyKeyspaceEvents?: string
  readonly limits?: Partial<ValueLimits>
  /** False: what has expired is removed only when somebody looks at it. */
  readonly expiresActively?: boolean
  /** Counters begin anew. */
  readonly resetsStats?: boolean
}

/** The settings of a shard that is started after a change. */
export function changedSettings(settings: ShardSettings, change: ShardChange): ShardSettings {
  const { lfuLogFactor, lfuDecayMinutes, expiresActively } = change
  return {
    ...settings,
    maxBytes: change.maxBytes ?? settings.maxBytes,
    policy: change.policy ?? settings.policy,
    samples: change.samples ?? settings.samples,
    notifyKeyspaceEvents: change.notifyKeyspaceEvents ?? settings.notifyKeyspaceEvents,
    limits: { ...settings.limits, ...change.limits },
    memory: {
      ...settings.memory,
      ...(lfuLogFactor !== undefined && { lfuLogFactor }),
      ...(lfuDecayMinutes !== undefined && { lfuDecayMinutes }),
      ...(expiresActively !== undefined && { expiresActively }),
    },
  }
}

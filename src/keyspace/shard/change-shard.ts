/**
 * Makes a change of a shard. Tests: test/keyspace/shard/shard-change.test.ts
 */
import type { ShardEngine } from '../engine/index.ts'
import type { KeyNotifier } from '../pubsub/index.ts'
import { notifyFlags } from '../watch/index.ts'
import type { ShardChange } from './shard-change.ts'

/** What of a shard is changed. */
export interface ChangedShard {
  readonly engine: ShardEngine
  readonly listeners: { readonly notifier: KeyNotifier }
  /** What is due may be due sooner now. */
  afterCommands(): void
}

/** Changes a shard. @throws SHL_OPTION_INVALID */
export function changeShard(shard: ChangedShard, change: ShardChange): void {
  const { memory, limits, stats } = shard.engine
  const flags = change.notifyKeyspaceEvents
  if (flags !== undefined) shard.listeners.notifier.flags = notifyFlags('notifyKeyspaceEvents', flags)
  memory.maxBytes = change.maxBytes ?? memory.maxBytes
  memory.policy = change.policy ?? memory.policy
  memory.samples = change.samples ?? memory.samples
  memory.lfuLogFactor = change.lfuLogFactor ?? memory.lfuLogFactor
  memory.lfuDecayMinutes = change.lfuDecayMinutes ?? memory.lfuDecayMinutes
  memory.expiresActively = change.expiresActively ?? memory.expiresActively
  Object.assign(limits, change.limits)
  if (change.resetsStats === true) {
    // What was changed since the last snapshot is none of what is counted for people.
    const { changes } = stats
    for (const name of Object.keys(stats) as (keyof typeof stats)[]) stats[name] = 0
    stats.changes = changes
  }
  shard.afterCommands()
}

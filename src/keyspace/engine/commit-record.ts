/**
 * What the command or transaction that runs has done so far, until it is committed.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Commit, Effect, KeyChange } from './commit.ts'

/** One unit of change, being made. */
export class CommitRecord {
  hasChanged = false
  needsSync = false
  effects: Effect[] = []
  changes: KeyChange[] = []

  /** The commit; the next one begins. */
  take(revision: number, atMs: number): Commit {
    const { effects, changes, needsSync } = this
    this.effects = []
    this.changes = []
    this.hasChanged = false
    this.needsSync = false
    return { revision, atMs, effects, changes, ...(needsSync && { needsSync: true }) }
  }

  clear(): void {
    if (this.effects.length > 0) this.effects = []
    if (this.changes.length > 0) this.changes = []
    this.hasChanged = false
    this.needsSync = false
  }
}

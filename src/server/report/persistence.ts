/**
 * What Redis' words for saving mean here: a save is a snapshot of every shard's log.
 * Tests: test/server/report/persistence.test.ts
 */
import type { ShardFigures } from '../../keyspace/serving/index.ts'

/** The logs of all shards as one. */
export interface Persistence {
  readonly isDurable: boolean
  readonly isSaving: boolean
  /** When the last snapshot was made that every shard has by now; without one, when the server began. */
  readonly lastSaveWallMs: number
  readonly saves: number
  /** How long the last one took; -1: there was none. */
  readonly saveMs: number
  readonly hasFailed: boolean
  /** A log takes nothing: it has failed, or its disk is full. */
  readonly isBroken: boolean
  /** Commits that no snapshot has. */
  readonly changes: number
}

/** The persistence of a keyspace. */
export function persistenceOf(shards: readonly ShardFigures[], startedWallMs: number): Persistence {
  const logs = shards.flatMap(({ log }) => log ?? [])
  const firstSave = Math.min(...logs.map((log) => log.snapshotWallMs))
  return {
    isDurable: logs.length > 0,
    isSaving: logs.some((log) => log.isSnapshotting),
    lastSaveWallMs: logs.length === 0 || firstSave === 0 ? startedWallMs : firstSave,
    saves: logs.length === 0 ? 0 : Math.min(...logs.map((log) => log.snapshots)),
    saveMs: Math.max(-1, ...logs.map((log) => log.snapshotMs)),
    hasFailed: logs.some((log) => log.snapshotHasFailed),
    isBroken: logs.some((log) => log.isFull || log.failure !== undefined),
    changes: shards.reduce((sum, one) => sum + one.changes, 0),
  }
}

/**
 * What something that is staged will do, as the log is told before it is done.
 *
 * Patches say it themselves. Commands of which each shard runs a part (MSET, DEL, FLUSHALL and the like) have
 * the same effect whenever they run, so that they stand in the log as they are.
 *
 * Tests: test/keyspace/durability/transactions.crash.test.ts
 */
import {
  type Commit,
  type KeyChange,
  type KeyPatch,
  patchEffects,
  type ShardEngine,
} from '../engine/index.ts'
import type { StageMessage } from './transaction-messages.ts'
import { keysUsedBy, type PlannedCommand, readBatch } from './transaction-plan.ts'

/** What a log is told of something that is staged, while it holds its keys: nothing else changes them. */
export function doneBy(staged: StageMessage, engine: ShardEngine): Pick<Commit, 'effects' | 'changes'> {
  if (!('patches' in staged)) return doneByCommands(staged.batch, engine)
  const { patches, first } = staged
  const before = first === undefined ? NOTHING : doneByCommands(first, engine)
  return {
    effects: [...before.effects, ...patchEffects(patches)],
    changes: [...before.changes, ...changesOf(patches)],
  }
}

const NOTHING: Pick<Commit, 'effects' | 'changes'> = { effects: [], changes: [] }

function doneByCommands(batch: Uint8Array, engine: ShardEngine): Pick<Commit, 'effects' | 'changes'> {
  const commands = readBatch(batch)
  return {
    effects: commands.map(({ db, argv }) => ({ db, argv })),
    changes: commands.flatMap((command) => changesBy(command, engine)),
  }
}

/** The events that a command will report. */
function changesBy(command: PlannedCommand, engine: ShardEngine): KeyChange[] {
  const { db, argv } = command
  const name = String(argv[0]).toLowerCase()
  if (name === 'swapdb') return [1, 2].map((at) => ({ db: Number(argv[at]), key: '', event: name }))
  const keys = keysUsedBy([command])
  if (keys.length === 0) {
    const flushed = name === 'flushall' ? engine.openDatabases() : [engine.database(db)]
    return flushed.map(({ index }) => ({ db: index, key: '', event: 'flushdb' }))
  }
  const event = name === 'del' || name === 'unlink' ? 'del' : 'set'
  return engine.atomically(() =>
    keys
      .filter((one) => event === 'set' || engine.database(one.db).exists(one.key))
      .map((one) => ({ db: one.db, key: one.key, event })),
  )
}

/** The changes that patches report. */
export function changesOf(patches: readonly KeyPatch[]): KeyChange[] {
  return patches.flatMap(({ db, key, events }) => events.map((event) => ({ db, key, event })))
}

/** What Redis' words for saving mean. */
import { expect, test } from 'vitest'
import type { LogFigures, ShardFigures } from '../../../src/keyspace/serving/index.ts'
import { persistenceOf } from '../../../src/server/report/persistence.ts'

const LOG: LogFigures = {
  level: 'os',
  appended: 10,
  written: 10,
  synced: 10,
  isFull: false,
  failure: undefined,
  isSnapshotting: false,
  snapshots: 0,
  snapshotWallMs: 0,
  snapshotMs: -1,
  snapshotHasFailed: false,
}

function shard(log: Partial<LogFigures> | undefined, changes = 0): ShardFigures {
  return { changes, log: log && { ...LOG, ...log } } as ShardFigures
}

test('in memory there is nothing to save', () => {
  expect(persistenceOf([shard(undefined, 3), shard(undefined, 4)], 77)).toEqual({
    isDurable: false,
    isSaving: false,
    lastSaveWallMs: 77,
    saves: 0,
    saveMs: -1,
    hasFailed: false,
    isBroken: false,
    changes: 7,
  })
})

test('a save is what all shards have', () => {
  const first = shard({ snapshots: 2, snapshotWallMs: 500, snapshotMs: 30, isSnapshotting: true })
  expect(persistenceOf([first, shard({})], 77)).toMatchObject({
    lastSaveWallMs: 77,
    saves: 0,
    isSaving: true,
  })
  const second = shard({ snapshots: 1, snapshotWallMs: 400, snapshotMs: 50 })
  expect(persistenceOf([first, second], 77)).toMatchObject({ lastSaveWallMs: 400, saves: 1, saveMs: 50 })
})

test('one log that takes nothing is a server that cannot write', () => {
  expect(persistenceOf([shard({}), shard({ isFull: true })], 0).isBroken).toBe(true)
  expect(persistenceOf([shard({}), shard({ failure: 'gone' })], 0).isBroken).toBe(true)
  expect(persistenceOf([shard({}), shard({ snapshotHasFailed: true })], 0)).toMatchObject({
    isBroken: false,
    hasFailed: true,
  })
})

/** What is lost is added up: commits, spans, keys. */
import { expect, test } from 'vitest'
import { LossTally } from '../../../../src/keyspace/durability/offline/loss-tally.ts'
import * as storage from '../../../../src/storage/index.ts'

// No effects, and one change that names its key.
const changeOf = (key: string): Uint8Array => Uint8Array.of(0, 1, 1, 0, 0, key.length, ...Buffer.from(key))
const recordOf = (
  kind: number,
  revision: number,
  payload: Uint8Array = new Uint8Array(),
): storage.LogRecord => ({
  kind,
  revision,
  atMs: 1000 * revision,
  participants: [],
  payload,
  bytes: payload,
  payloadOffset: 0,
  payloadEnd: payload.length,
  offset: 0,
  endOffset: 0,
  index: 0,
})

test('nothing is lost at first', () => {
  expect(new LossTally().loss).toEqual({
    bytes: 0,
    commits: 0,
    unreadable: 0,
    revisions: undefined,
    times: undefined,
    keyCount: 0,
    keys: [],
  })
})

test('commits and parts count, with their spans and keys; snapshots and ends do not', () => {
  const tally = new LossTally()
  tally.addBytes(10)
  tally.addBytes(5)
  tally.add(recordOf(storage.KIND_COMMIT, 7, changeOf('a')))
  tally.add(recordOf(storage.KIND_PREPARED, 5, changeOf('b')))
  tally.add(recordOf(storage.KIND_COMMIT, 9, changeOf('a')))
  for (const kind of [
    storage.KIND_STATE,
    storage.KIND_DECIDED,
    storage.KIND_CONCLUDED,
    storage.KIND_SEGMENT,
  ]) {
    tally.add(recordOf(kind, 99))
  }
  tally.addHeader({ kind: storage.KIND_COMMIT, revision: 11 })
  // The revision of a record that tells of a sync is a position.
  tally.addHeader({ kind: storage.KIND_SYNCED, revision: 123_456 })
  expect(tally.loss).toEqual({
    bytes: 15,
    commits: 3,
    unreadable: 1,
    revisions: { first: 5, last: 11 },
    times: { firstMs: 5000, lastMs: 9000 },
    keyCount: 2,
    keys: [
      { db: 0, key: 'a' },
      { db: 0, key: 'b' },
    ],
  })
})

test('only the first keys are shown, all are counted', () => {
  const tally = new LossTally()
  for (let i = 0; i < 30; i++) tally.add(recordOf(storage.KIND_COMMIT, i, changeOf(`key${i}`)))
  expect(tally.loss.keyCount).toBe(30)
  expect(tally.loss.keys.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, i) => `key${i}`))
})

/** Parts of transactions that were given up: whoever reads logs knows that they are over, and never were. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import { manifestOf, verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import {
  CLOCK,
  commit,
  craft,
  DISK,
  flip,
  givenUp,
  offsetsIn,
  prepared,
  recordsIn,
  segmentPath,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-given-up-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const LOGS = [
  [commit(1, 'a'), prepared(2, 'a'), givenUp(2), commit(4, 'a')],
  // Of this one the end was not written.
  [commit(3, 'b'), prepared(2, 'b')],
]

test('a part that was given up is no reason to think that its transaction was decided', async () => {
  const dir = await craft(join(folder, 'fine'), LOGS)
  const { verdict, shards } = await verifyDirectory(DISK, dir)
  expect(verdict).toBe('fine')
  expect(shards.map(({ inDoubt }) => inDoubt)).toEqual([
    { decided: 0, forgotten: 0 },
    { decided: 0, forgotten: 1 },
  ])
})

test('a copy has nothing of it', async () => {
  const dir = await craft(join(folder, 'from'), LOGS)
  const to = join(folder, 'to')
  await copyDirectory(dir, to, { disk: DISK, clock: CLOCK })
  expect((await recordsIn(to, 2)).map((records) => records.join(' '))).toEqual(['1:c1 1:c4', '1:c3'])
})

test('a repair does not decide it, nor cut a log for it', async () => {
  const dir = await craft(join(folder, 'damaged'), [LOGS[1]!, LOGS[0]!])
  const path = segmentPath(dir, 0, 1)
  // The part that shard 0 has.
  flip(path, (await offsetsIn(path))[2]! + 33)
  const plan = await planRepair(DISK, dir, await manifestOf(DISK, dir), undefined)
  expect(plan).toMatchObject({ decisions: { revisions: [] }, shards: [{ shard: 0, kind: 'cut' }] })
  expect(plan.shards).toHaveLength(1)
  await applyRepair(DISK, CLOCK, plan)
  expect((await verifyDirectory(DISK, dir)).verdict).toBe('fine')
  expect((await recordsIn(dir, 2)).map((records) => records.join(' '))).toEqual([
    '1:c3',
    '1:c1 1:p2 1:e2 1:c4',
  ])
})

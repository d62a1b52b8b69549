/** Where crafted logs are cut when one of them is damaged, and what that reaches in the others. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair, type RepairPlan } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import { verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import {
  among,
  CLOCK,
  CREATED_AT,
  commit,
  concluded,
  craft,
  DIRECTORY,
  DISK,
  decided,
  EPOCH_MS,
  flip,
  offsetsIn,
  prepared,
  recordsIn,
  type Step,
  segmentPath,
  taken,
  walk,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-repair-plan-'))
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const c = (...revisions: number[]): Step[] => revisions.map((revision) => commit(revision, `k${revision}`))

interface Repaired {
  readonly plan: RepairPlan
  readonly left: string[]
}

/** Damages the payload, or the header, of a record of shard 0, repairs, and says what is left. */
async function repaired(
  logs: readonly (readonly Step[])[],
  { segment = 1, record, header = false }: { segment?: number; record: number; header?: boolean },
  removed: readonly number[] = [],
): Promise<Repaired> {
  const dir = await craft(join(folder, `dir${++made}`), logs, removed)
  const path = segmentPath(dir, 0, segment)
  // The first record describes the segment.
  const offset = (await offsetsIn(path))[record + 1] as number
  flip(path, offset + (header ? 9 : 33))
  const manifest = { format: 1, directory: DIRECTORY, shards: logs.length, createdAt: CREATED_AT }
  const plan = await planRepair(DISK, dir, manifest, undefined)
  await applyRepair(DISK, CLOCK, plan)
  expect((await verifyDirectory(DISK, dir)).verdict).toBe('fine')
  return { plan, left: (await recordsIn(dir, logs.length)).map((records) => records.join(' ')) }
}

describe('a log that is damaged', () => {
  test('says so when slots have changed hands since, which it does not undo', async () => {
    const before = await repaired([[...c(2, 3, 4)], [taken(1), ...c(5)]], { record: 1 })
    expect(before.plan.doubts).toEqual([])
    for (const logs of [
      [[...c(1, 2, 3)], [...c(4), taken(5)]],
      [[...c(1, 2), 'segment' as const, taken(3)], c(4)],
    ]) {
      const { plan } = await repaired(logs, { record: 1 })
      expect(plan.doubts).toEqual([
        expect.stringMatching(/^slots have changed hands since .*Z: what a shard/),
      ])
    }
  })

  test('is cut there, and what is lost is told', async () => {
    const { plan, left } = await repaired([[...c(1, 2, 3, 4), 'segment', ...c(5)], c(6)], { record: 2 })
    expect(left).toEqual(['1:c1 1:c2', '1:c6'])
    const [shard, ...others] = plan.shards
    expect(others).toEqual([])
    // Revision 3 is damaged, of 4 only the header is proven, 5 is in a segment that is fine by itself.
    expect(shard?.loss).toMatchObject({
      commits: 1,
      unreadable: 1,
      revisions: { first: 4, last: 5 },
      keyCount: 1,
      keys: [{ db: 0, key: 'k5' }],
    })
    expect(shard?.moved.map((path) => path.slice(-12))).toEqual(['00000002.log'])
    expect(plan.forgotten).toBe(0)
    expect(plan.doubts).toEqual([])
  })

  test('loses nothing when a whole snapshot is behind the damage', async () => {
    const steps = [...c(1, 2), ...walk(2, ['a']), ...c(3), ...walk(3, ['a', 'b']), ...c(4)]
    const { plan, left } = await repaired([steps, c(5)], { record: 0 })
    expect(left[0]).toBe('2:[2 2:c2 2:s2 2:]2 2:c3 3:[3 3:c3 3:s3 3:s3 3:]3 3:c4')
    expect(plan.shards[0]).toMatchObject({ kind: 'head', loss: { commits: 0, bytes: 0 } })
    const later = await repaired([steps, c(5)], { segment: 2, record: 2 })
    expect(later.left[0]).toBe('3:[3 3:c3 3:s3 3:s3 3:]3 3:c4')
  })

  test('is cut when the snapshot behind the damage was never ended', async () => {
    const [segment, begin, locks, first] = walk(2, ['a'])
    const steps = [...c(1, 2), segment, begin, locks, first, ...c(3)] as Step[]
    expect((await repaired([steps], { record: 1 })).left).toEqual(['1:c1'])
  })

  test('is emptied when its first record is damaged, and can be opened', async () => {
    const dir = await craft(join(folder, `dir${++made}`), [c(1, 2)])
    flip(segmentPath(dir, 0, 1), 60)
    const manifest = { format: 1, directory: DIRECTORY, shards: 1, createdAt: CREATED_AT }
    const plan = await planRepair(DISK, dir, manifest, undefined)
    expect(plan.shards[0]).toMatchObject({ isEmptied: true, loss: { bytes: expect.any(Number) } })
    await applyRepair(DISK, CLOCK, plan)
    expect(await recordsIn(dir, 1)).toEqual([[]])
  })

  test('cannot be repaired when nothing that is left has a beginning', async () => {
    const steps = [...c(1), ...walk(2, ['a']), ...c(3)]
    await expect(repaired([steps], { segment: 2, record: 2 }, [2])).rejects.toMatchObject({
      code: 'SHL_REPAIR_HOPELESS',
    })
    // Behind the end of the snapshot it can.
    const { left } = await repaired([[...steps, ...c(4)]], { segment: 2, record: 4 }, [2])
    expect(left).toEqual(['2:[2 2:c2 2:s2 2:]2'])
  })
})

describe('a transaction over several shards', () => {
  const tx = (revision: number, key: string): Step[] => [prepared(revision, key), concluded(revision)]
  const own = (revision: number, key: string): Step[] => [
    prepared(revision, key),
    decided(revision),
    concluded(revision),
  ]

  test('that lost its part is undone where it is true, with what came after it', async () => {
    const logs = [
      [...c(1, 2), ...own(4, 'a'), ...c(7)],
      [...c(3), ...tx(4, 'b'), ...c(5, 6)],
    ]
    const { plan, left } = await repaired(logs, { record: 2 })
    expect(left).toEqual(['1:c1 1:c2', '1:c3 1:p4'])
    expect(plan.shards[1]?.damage).toBeUndefined()
    expect(plan.shards[1]?.loss).toMatchObject({ commits: 2, revisions: { first: 5, last: 6 } })
  })

  test('that was decided before the damage stays', async () => {
    const logs = [
      [...c(1), ...own(2, 'a'), ...c(4, 6)],
      [...tx(2, 'b'), ...c(3, 5)],
    ]
    expect((await repaired(logs, { record: 4 })).left).toEqual(['1:c1 1:p2 1:d2 1:e2', '1:p2 1:e2 1:c3 1:c5'])
  })

  test('of which only the header of a part is left is known to have lost it', async () => {
    // Revision 2 is damaged; the part of 3 cannot be read, but is seen.
    const logs = [
      [...c(1, 2), ...own(3, 'a')],
      [...tx(3, 'b'), ...c(4)],
    ]
    expect((await repaired(logs, { record: 1 })).left).toEqual(['1:c1', '1:p3'])
  })

  test('takes others with it, through a third shard', async () => {
    const logs = [
      [...c(1), ...own(2, 'a')],
      [...tx(2, 'b'), ...own(3, 'b'), ...c(6)],
      [...c(4), ...tx(3, 'c'), ...c(5)],
    ]
    expect((await repaired(logs, { record: 1 })).left).toEqual(['1:c1', '1:p2', '1:c4 1:p3'])
  })

  test('is found by what cuts have taken away, also where time says nothing', async () => {
    // The last record before the damage is later than all transactions.
    const logs = [
      [...c(1, 9, 10), ...own(2, 'a')],
      [...tx(2, 'b'), ...own(3, 'b'), ...c(6)],
      [...c(4), ...tx(3, 'c'), ...c(5)],
    ]
    expect((await repaired(logs, { record: 2 })).left).toEqual(['1:c1 1:c9', '1:p2', '1:c4 1:p3'])
  })

  test('that a shard without a part has no word of is cut only when it may have had one', async () => {
    // Shard 0 has no part in 2 and 4: 2 was decided before its last record, 4 was not.
    const logs = [[...c(1, 3, 6)], own(2, 'b').concat(own(4, 'b')), tx(2, 'c').concat(tx(4, 'c'))]
    expect((await repaired(logs, { record: 2 })).left).toEqual([
      '1:c1 1:c3',
      '1:p2 1:d2 1:e2 1:p4',
      '1:p2 1:e2 1:p4',
    ])
  })

  test('that names its shards takes none with it that has no part', async () => {
    // Shard 0 lacks its end from revision 3 on; what was decided since may have had a part in that.
    const damaged = c(1, 3, 6)
    const named = (shards: readonly number[]) => [
      [...damaged],
      [among(shards, prepared(4, 'b')), decided(4), concluded(4), ...c(7)],
      [among(shards, prepared(4, 'c')), concluded(4), ...c(8)],
    ]
    const whole = ['1:p4 1:d4 1:e4 1:c7', '1:p4 1:e4 1:c8']
    expect((await repaired(named([1, 2]), { record: 1 })).left).toEqual(['1:c1', ...whole])
    // It is one of them, or nobody says.
    for (const shards of [[0, 1, 2], []]) {
      const { left } = await repaired(named(shards), { record: 1 })
      expect(left).toEqual(['1:c1', '1:p4', '1:p4'])
    }
  })

  test('is named by any of its records, also by those of another shard', async () => {
    const logs = [
      [...c(1, 3, 6)],
      [prepared(4, 'b'), concluded(4)],
      [prepared(4, 'c'), among([1, 2], decided(4)), concluded(4)],
    ]
    const { left } = await repaired(logs, { record: 1 })
    expect(left).toEqual(['1:c1', '1:p4 1:e4', '1:p4 1:d4 1:e4'])
  })

  test('that is known to have lost a part is undone, whatever its records name', async () => {
    const logs = [
      [...c(1, 2), ...own(3, 'a')],
      [among([1, 2], prepared(3, 'b')), concluded(3), ...c(4)],
    ]
    expect((await repaired(logs, { record: 1 })).left).toEqual(['1:c1', '1:p3'])
  })

  test('whose decision was lost is decided again when another shard has concluded it', async () => {
    const logs = [
      [...c(1), prepared(2, 'a'), decided(2), concluded(2), ...c(4)],
      [...tx(2, 'b'), ...c(3)],
    ]
    const { plan, left } = await repaired(logs, { record: 2, header: true })
    expect(left).toEqual(['1:c1 1:p2 1:d2', '1:p2 1:e2 1:c3'])
    expect(plan.decisions).toMatchObject({ shard: 0, revisions: [2] })
  })

  test('whose decision was lost before anybody concluded it is forgotten as a whole', async () => {
    const logs = [
      [...c(1), prepared(2, 'a'), ...c(4), 'segment', decided(2), concluded(2)] as Step[],
      [prepared(2, 'b')],
    ]
    const { left } = await repaired(logs, { record: 2 })
    expect(left).toEqual(['1:c1 1:p2', '1:p2'])
  })

  test('that was decided long ago is no suspect when a snapshot carries its decision over', async () => {
    const [segment, begin, locks, first, end] = walk(7, ['b']) as [Step, Step, Step, Step, Step]
    const carried = { ...(decided(2) as Exclude<Step, 'segment'>), atMs: EPOCH_MS + 7000 }
    const logs = [
      [...tx(2, 'a'), ...walk(3, ['a']), ...c(4, 5)],
      [...own(2, 'b'), ...c(6), segment, begin, carried, locks, first, end, ...c(8)],
    ]
    // Shard 0 knows nothing of 2 any more.
    const { left } = await repaired(logs, { segment: 2, record: 5 }, [2])
    expect(left).toEqual(['2:[3 2:c3 2:s3 2:]3 2:c4', '1:p2 1:d2 1:e2 1:c6 2:[7 2:d2 2:c7 2:s7 2:]7 2:c8'])
  })

  test('that a snapshot has taken in cannot be undone, which is told', async () => {
    const logs = [
      [...c(1, 2), ...own(3, 'a')],
      [...tx(3, 'b'), ...walk(4, ['b']), ...c(5)],
    ]
    const { plan, left } = await repaired(logs, { record: 1 }, [1, 2])
    expect(left).toEqual(['1:c1', '2:[4 2:c4 2:s4 2:]4 2:c5'])
    expect(plan.doubts).toEqual([
      'shard 1 begins with a snapshot of 2026-02-01T00:00:04.000Z: what transactions did there before stays',
    ])
  })
})

/**
 * What works on files works on encrypted ones: verified, read, repaired by whole groups, copied with other
 * keys.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import { readLogs, readSegmentFile } from '../../../../src/keyspace/durability/offline/log-entries.ts'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import { manifestOf, verifyDirectory } from '../../../../src/keyspace/durability/offline/verify-directory.ts'
import { KeyRing, LogKey } from '../../../../src/storage/index.ts'
import {
  CLOCK,
  commit,
  concluded,
  craft,
  DISK,
  decided,
  flip,
  prepared,
  type Step,
  segmentPath,
  walk,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-encrypted-'))
const KEY = new LogKey(Buffer.alloc(32, 1))
const OTHER = new LogKey(Buffer.alloc(32, 2))
const RING = new KeyRing(KEY)
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const c = (...revisions: number[]): Step[] => revisions.map((revision) => commit(revision, `k${revision}`))

/** A directory whose records are in as few groups as there can be. */
const make = (logs: readonly (readonly Step[])[], removed: readonly number[] = []): Promise<string> =>
  craft(join(folder, `dir${++made}`), logs, removed, { key: KEY, isGrouped: true })

/** Records of all shards: shard, revision, place in the group. */
async function recordsIn(dir: string, keys = RING): Promise<string> {
  const texts: string[] = []
  await readLogs(
    DISK,
    dir,
    undefined,
    ({ shard, record: { kind, revision, index } }) => {
      if (kind !== 1) texts.push(`${shard}:${revision}+${index}`)
      return true
    },
    keys,
  )
  return texts.join(' ')
}

async function repair(dir: string) {
  const plan = await planRepair(DISK, dir, await manifestOf(DISK, dir), undefined, RING)
  await applyRepair(DISK, CLOCK, plan, RING)
  return plan
}

/** Damages what is sealed in the last group of a segment that was synced. */
function damage(dir: string, shard: number, segment: number): void {
  const path = segmentPath(dir, shard, segment)
  const bytes = readFileSync(path)
  let at = 16
  let found = 0
  for (; at < bytes.length; at += (32 + bytes.readUInt32LE(at + 8) + 7) & -8)
    if (bytes[at + 12] === 11) found = at
  flip(path, found + 60)
}

describe('an encrypted directory', () => {
  test('is verified with its key, which the report names, and is not without', async () => {
    const dir = await make([[...c(1, 2), 'segment', ...c(3)], c(4)])
    const { verdict, shards } = await verifyDirectory(DISK, dir, undefined, RING)
    expect(verdict).toBe('fine')
    expect(shards.map(({ keys }) => keys)).toEqual([{ [KEY.id]: 2 }, { [KEY.id]: 1 }])
    expect(shards[0]?.records).toMatchObject({ segment: 2, commit: 3 })
    for (const keys of [undefined, new KeyRing(OTHER)]) {
      const missing = { code: 'SHL_KEY_MISSING', details: { wanted: KEY.id, file: segmentPath(dir, 0, 1) } }
      await expect(verifyDirectory(DISK, dir, undefined, keys)).rejects.toMatchObject(missing)
    }
    expect((await verifyDirectory(DISK, dir, undefined, new KeyRing(OTHER, [KEY]))).verdict).toBe('fine')
  })

  test('is read record by record, and so is one file of it', async () => {
    const dir = await make([[...c(1, 2, 3)], c(4, 5)])
    expect(await recordsIn(dir)).toBe('0:1+0 0:2+1 0:3+2 1:4+0 1:5+1')
    let count = 0
    const stops = await readSegmentFile(DISK, segmentPath(dir, 0, 1), () => ++count < 100, RING)
    expect([stops, count]).toEqual([[], 4])
  })

  test('is cut by whole groups, and what a damaged one held can only be counted as one', async () => {
    const dir = await make([[...c(1, 2), 'segment', ...c(3, 4, 5), 'segment', ...c(6)], c(7)])
    damage(dir, 0, 2)
    expect((await verifyDirectory(DISK, dir, undefined, RING)).verdict).toBe('damage')
    const plan = await repair(dir)
    expect(plan.shards).toMatchObject([
      { shard: 0, kind: 'cut', loss: { commits: 1, unreadable: 0, revisions: { first: 6, last: 6 } } },
    ])
    expect(await recordsIn(dir)).toBe('0:1+0 0:2+1 1:7+0')
    expect((await verifyDirectory(DISK, dir, undefined, RING)).shards[0]?.keys).toEqual({ [KEY.id]: 2 })
  })

  test('loses transactions as a whole, and the groups that say that they are true', async () => {
    const first = [...c(1), 'segment' as const, prepared(5, 'a'), decided(5), concluded(5), ...c(8)]
    const dir = await make([first, [...c(2), 'segment', ...c(4), prepared(5, 'b'), concluded(5), ...c(9)]])
    damage(dir, 0, 2)
    await repair(dir)
    // Revision 4 was in one group with the end of the transaction.
    expect(await recordsIn(dir)).toBe('0:1+0 1:2+0')
  })

  test('cannot be repaired when the group that is cut holds the end of its only snapshot', async () => {
    const first = [
      ...c(1),
      'segment' as const,
      ...c(2),
      prepared(5, 'a'),
      decided(5),
      concluded(5),
      'segment' as const,
      ...c(8),
    ]
    const second = [...c(3), ...walk(4, ['x']), prepared(5, 'b'), concluded(5)]
    const dir = await make([first, second], [1, 2])
    damage(dir, 0, 2)
    const plan = planRepair(DISK, dir, await manifestOf(DISK, dir), undefined, RING)
    await expect(plan).rejects.toMatchObject({ code: 'SHL_REPAIR_HOPELESS' })
  })

  test('is copied with its key, with another one, and without', async () => {
    const dir = await make([[...c(1, 3), 'segment', ...c(5)], c(2, 4)])
    const ways = [
      [undefined, KEY.id, RING],
      [{ key: OTHER }, OTHER.id, new KeyRing(OTHER)],
      [{ key: undefined }, 'none', new KeyRing()],
    ] as const
    for (const [target, id, keys] of ways) {
      const to = join(folder, `copy${++made}`)
      await copyDirectory(dir, to, { disk: DISK, clock: CLOCK, keys: RING, ...(target && { target }) })
      const { verdict, shards } = await verifyDirectory(DISK, to, undefined, keys)
      expect([verdict, ...shards.map((shard) => Object.keys(shard.keys).join())]).toEqual(['fine', id, id])
      expect((await recordsIn(to, keys)).replaceAll(/\+\d/g, '')).toBe('0:1 0:3 0:5 1:2 1:4')
    }
    // Also one in the clear is encrypted on the way.
    const to = join(folder, `copy${++made}`)
    const clear = await craft(join(folder, `dir${++made}`), [c(1)])
    await copyDirectory(clear, to, { disk: DISK, clock: CLOCK, target: { key: OTHER } })
    expect((await verifyDirectory(DISK, to, undefined, new KeyRing(OTHER))).shards[0]?.keys).toEqual({
      [OTHER.id]: 1,
    })
  })
})

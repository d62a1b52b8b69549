/** What a repair counts as lost when files are there that should not be. */
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Loss } from '../../../../src/keyspace/durability/offline/loss-tally.ts'
import { applyRepair } from '../../../../src/keyspace/durability/offline/repair-directory.ts'
import { planRepair } from '../../../../src/keyspace/durability/offline/repair-plan.ts'
import {
  CLOCK,
  CREATED_AT,
  commit,
  craft,
  DIRECTORY,
  DISK,
  recordsIn,
  type Step,
  segmentPath,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-lost-'))
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const c = (...revisions: number[]): Step[] => revisions.map((revision) => commit(revision, `k${revision}`))

/** A log of three segments, and what somebody does to its files; what is lost, and what is left. */
async function repaired(
  mistake: (path: (number: number) => string) => void | Promise<void>,
): Promise<{ loss: Loss | undefined; left: string }> {
  const logs = [[...c(1, 2), 'segment', ...c(3, 4), 'segment', ...c(5)] as Step[]]
  const dir = await craft(join(folder, `dir${++made}`), logs)
  await mistake((number) => segmentPath(dir, 0, number))
  const manifest = { format: 1, directory: DIRECTORY, shards: 1, createdAt: CREATED_AT }
  const plan = await planRepair(DISK, dir, manifest, undefined)
  await applyRepair(DISK, CLOCK, plan)
  return { loss: plan.shards[0]?.loss, left: (await recordsIn(dir, 1)).map((one) => one.join(' ')).join('') }
}

const ALL = '1:c1 1:c2 2:c3 2:c4 3:c5'
const NOTHING = { bytes: 0, commits: 0, unreadable: 0, revisions: undefined, keyCount: 0 }

test('a second copy of a segment that stays is no loss', async () => {
  for (const number of [1, 2, 3]) {
    const { loss, left } = await repaired((path) => copyFileSync(path(number), path(4)))
    expect([number, left, loss]).toEqual([number, ALL, expect.objectContaining(NOTHING)])
  }
})

test('nor is a segment of another directory, whatever is wrong with it', async () => {
  const other = await craft(join(folder, 'other'), [[], c(1, 2, 3)])
  const foreign = readFileSync(segmentPath(other, 1, 1))
  const cut = foreign.subarray(0, -70)
  const damaged = Buffer.from(foreign)
  damaged[200] = (damaged[200] as number) ^ 1
  for (const bytes of [foreign, cut, damaged]) {
    const { loss, left } = await repaired((path) => writeFileSync(path(4), bytes))
    expect([left, loss]).toEqual([ALL, expect.objectContaining(NOTHING)])
  }
})

test('what a copy has taken the place of is lost, with what is behind it, and counted once', async () => {
  let behind = 0
  const { loss, left } = await repaired((path) => {
    copyFileSync(path(1), path(2))
    copyFileSync(path(3), path(4))
    behind = statSync(path(3)).size
  })
  expect(left).toBe('1:c1 1:c2')
  // Of revisions 3 and 4 there is nothing any more.
  expect(loss).toMatchObject({ commits: 1, bytes: behind, revisions: { first: 5, last: 5 }, keyCount: 1 })
})

test('what is only under another name is lost when it goes', async () => {
  const { loss, left } = await repaired((path) => renameSync(path(3), path(7)))
  expect([left, loss?.commits, loss?.revisions]).toEqual(['1:c1 1:c2 2:c3 2:c4', 1, { first: 5, last: 5 }])
})

test('of a copy that goes on where the segment that stays was cut, the rest is lost', async () => {
  const { loss, left } = await repaired((path) => {
    // The newest segment lost its end, which is a tail; its copy has it.
    copyFileSync(path(3), path(4))
    writeFileSync(path(3), readFileSync(path(3)).subarray(0, -100))
  })
  expect([left, loss?.commits]).toEqual(['1:c1 1:c2 2:c3 2:c4', 1])
})

/** What a survey finds in a log: how far it is valid, and from where on it is again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { LogView, shardFolders } from '../../../../src/keyspace/durability/offline/log-view.ts'
import { type ShardSurvey, surveyShard } from '../../../../src/keyspace/durability/offline/shard-survey.ts'
import {
  commit,
  craft,
  DIRECTORY,
  DISK,
  flip,
  offsetsIn,
  type Step,
  segmentPath,
  walk,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-survey-'))
const STEPS: Step[] = [
  commit(1, 'a'),
  ...walk(1, ['a']),
  commit(2, 'b'),
  ...walk(2, ['a', 'b'], 3),
  commit(4, 'c'),
]
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Surveyed {
  readonly survey: ShardSurvey
  readonly kept: string
  readonly behind: string
}

async function survey(
  harm: (dir: string) => void | Promise<void>,
  steps: readonly Step[] = STEPS,
): Promise<Surveyed> {
  const dir = await craft(join(folder, `dir${++made}`), [steps])
  await harm(dir)
  const [log = ''] = shardFolders(dir, 1)
  const view = await LogView.open(DISK, [log])
  const texts: [string[], string[]] = [[], []]
  const visit =
    (i: 0 | 1) =>
    (record: { kind: number; revision: number }, { number }: { number: number }) => {
      if (record.kind === 2) texts[i].push(`${number}:${record.revision}`)
    }
  const found = await surveyShard(view, log, { directory: DIRECTORY, shard: 0 }, visit(0), visit(1))
  await view.close()
  return { survey: found, kept: texts[0].join(' '), behind: texts[1].join(' ') }
}

test('a whole log has no damage, and its snapshots are known', async () => {
  const { survey: found, kept, behind } = await survey(() => undefined)
  expect([kept, behind]).toEqual(['1:1 2:1 2:2 3:2 3:4', ''])
  expect(found).toMatchObject({ damages: [], tail: undefined, damagedNumber: undefined })
  expect(found.walks).toMatchObject([
    { number: 2, beginRevision: 1, keys: 1, end: { revision: 1, number: 2 } },
    { number: 3, beginRevision: 2, keys: 2, end: { revision: 3, number: 3 } },
  ])
})

test('behind damage segments are read each for itself', async () => {
  const {
    survey: found,
    kept,
    behind,
  } = await survey(async (dir) => {
    const path = segmentPath(dir, 0, 2)
    flip(path, ((await offsetsIn(path))[5] as number) + 33)
  })
  expect([kept, behind]).toEqual(['1:1 2:1', '3:2 3:4'])
  expect(found).toMatchObject({ damagedNumber: 2, soundFrom: 3, isUnread: false })
  expect(found.damages).toHaveLength(1)
  expect(found.walks.map(({ end }) => end?.revision)).toEqual([1, 3])
})

test('two damages are both told, and it is sound from behind the second', async () => {
  const steps: Step[] = [
    commit(1, 'a'),
    'segment',
    commit(2, 'b'),
    'segment',
    commit(3, 'c'),
    'segment',
    commit(4, 'd'),
  ]
  const { survey: found, behind } = await survey((dir) => {
    flip(segmentPath(dir, 0, 1), 210)
    flip(segmentPath(dir, 0, 3), 220)
  }, steps)
  expect(found.damages.map(({ file }) => file.slice(-5))).toEqual(['1.log', '3.log'])
  expect([found.soundFrom, behind]).toEqual([4, '2:2 4:4'])
})

test('a segment that only does not follow is sound itself', async () => {
  const { survey: found, kept, behind } = await survey((dir) => rmSync(segmentPath(dir, 0, 2)))
  expect([kept, behind]).toEqual(['1:1', '3:2 3:4'])
  expect(found).toMatchObject({ damagedNumber: 3, soundFrom: 3, isUnread: true })
  expect(found.damages).toHaveLength(1)
})

test('one that says nothing of itself is not', async () => {
  const { survey: found } = await survey((dir) => flip(segmentPath(dir, 0, 2), 3))
  expect(found).toMatchObject({ damagedNumber: 2, soundFrom: 3, isUnread: true })
})

test('a snapshot that damage has cut in two is none', async () => {
  const [segment, begin, locks, first, second, end] = walk(1, ['a', 'b'])
  const steps = [commit(1, 'a'), segment, begin, locks, first, 'segment', second, end] as Step[]
  const { survey: whole } = await survey(() => undefined, steps)
  expect(whole.walks[0]?.end).toMatchObject({ number: 3 })
  const { survey: found } = await survey(async (dir) => {
    const path = segmentPath(dir, 0, 2)
    flip(path, ((await offsetsIn(path))[3] as number) + 33)
  }, steps)
  expect(found.damagedNumber).toBe(2)
  expect(found.walks.every((one) => one.end === undefined)).toBe(true)
})

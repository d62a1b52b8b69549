/** What a copy takes of crafted logs: an exact state over all shards, or a refusal. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { copyDirectory } from '../../../../src/keyspace/durability/offline/copy-directory.ts'
import type { CopyCut } from '../../../../src/keyspace/durability/offline/copy-plan.ts'
import { COPY_ROUNDS, planCopy } from '../../../../src/keyspace/durability/offline/copy-plan.ts'
import { LogView, shardFolders } from '../../../../src/keyspace/durability/offline/log-view.ts'
import { examineLog } from '../../../../src/storage/index.ts'
import {
  CLOCK,
  CREATED_AT,
  commit,
  concluded,
  craft,
  DIRECTORY,
  DISK,
  decided,
  EPOCH_MS,
  prepared,
  recordsIn,
  type Step,
  walk,
} from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-plan-'))
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const c = (...revisions: number[]): Step[] => revisions.map((revision) => commit(revision, `k${revision}`))

/** The records of a copy of such logs. */
async function copyOf(
  logs: readonly (readonly Step[])[],
  cut: CopyCut = {},
  removed: readonly number[] = [],
): Promise<string[]> {
  made++
  const from = await craft(join(folder, `from${made}`), logs, removed)
  const to = join(folder, `to${made}`)
  await copyDirectory(from, to, { disk: DISK, clock: CLOCK, cut })
  return (await recordsIn(to, logs.length)).map((records) => records.join(' '))
}

describe('a copy of logs', () => {
  test('has what has a revision up to the cut, in the order of each log', async () => {
    const logs = [c(1, 3, 5, 8), c(2, 4, 6, 7)]
    expect(await copyOf(logs)).toEqual(['1:c1 1:c3 1:c5 1:c8', '1:c2 1:c4 1:c6 1:c7'])
    expect(await copyOf(logs, { toRevision: 4 })).toEqual(['1:c1 1:c3', '1:c2 1:c4'])
    expect(await copyOf(logs, { toRevision: 99 })).toEqual(['1:c1 1:c3 1:c5 1:c8', '1:c2 1:c4 1:c6 1:c7'])
  })

  test('goes up to a time, the moment itself included', async () => {
    const logs = [c(1, 3, 5), c(2, 4, 6)]
    expect(await copyOf(logs, { toMs: EPOCH_MS + 4000 })).toEqual(['1:c1 1:c3', '1:c2 1:c4'])
    expect(await copyOf(logs, { toMs: EPOCH_MS + 3999 })).toEqual(['1:c1 1:c3', '1:c2'])
  })

  test('holds a transaction that was drawn before the cut and logged behind others', async () => {
    const logs = [
      [...c(1, 5), prepared(3, 'a'), decided(3), concluded(3), ...c(6)],
      [prepared(3, 'b'), ...c(4), concluded(3), ...c(7)],
    ]
    expect(await copyOf(logs, { toRevision: 4 })).toEqual(['1:c1 1:p3 1:d3 1:e3', '1:p3 1:c4 1:e3'])
    expect(await copyOf(logs, { toRevision: 2 })).toEqual(['1:c1', ''])
  })

  test('has nothing in doubt: what was decided is concluded, what was not is gone', async () => {
    const logs = [
      [prepared(1, 'a'), decided(1), concluded(1), prepared(2, 'a')],
      [prepared(1, 'b'), prepared(2, 'b'), ...c(3)],
    ]
    expect(await copyOf(logs)).toEqual(['1:p1 1:d1 1:e1', '1:p1 1:c3 1:e1'])
  })

  test('takes what one shard has concluded for decided, wherever the decision went', async () => {
    const logs = [[prepared(1, 'a'), concluded(1)], [prepared(1, 'b')]]
    expect(await copyOf(logs)).toEqual(['1:p1 1:e1', '1:p1 1:e1'])
  })

  test('has snapshots whole, each at the beginning of a segment, or not at all', async () => {
    const logs = [[...c(1, 2), ...walk(2, ['a', 'b'], 3), ...c(4)], c(3)]
    expect(await copyOf(logs)).toEqual(['1:c1 1:c2 2:[2 2:c2 2:s2 2:s2 2:]3 2:c4', '1:c3'])
    expect(await copyOf(logs, { toRevision: 2 })).toEqual(['1:c1 1:c2', ''])
  })

  test('leaves out a snapshot that was never ended', async () => {
    const [segment, begin, locks, first] = walk(2, ['a'])
    const logs = [[...c(1, 2), segment, begin, locks, first, ...c(3)] as Step[]]
    expect(await copyOf(logs)).toEqual(['1:c1 1:c2 1:c3'])
  })

  test('knows the locks of a snapshot behind the decisions that it carries over', async () => {
    const [segment, begin, locks, first] = walk(3, ['a']) as [Step, Step, Step, Step]
    const before = [...c(1), prepared(2, 'a'), decided(2), concluded(2), ...c(3)]
    const torn = [...before, segment, begin, decided(2), locks, first]
    expect(await copyOf([torn])).toEqual(['1:c1 1:p2 1:d2 1:e2 1:c3 1:d2'])
  })

  test('knows that it has no beginning when what it is of has none', async () => {
    const logs = [[...c(1, 2), ...walk(2, ['a']), ...c(4, 5)], c(3)]
    const whole = ['2:[2 2:c2 2:s2 2:]2 2:c4 2:c5', '1:c3']
    expect(await copyOf(logs, {}, [2])).toEqual(whole)
    expect(await copyOf(logs, { toRevision: 4 }, [2])).toEqual(['2:[2 2:c2 2:s2 2:]2 2:c4', '1:c3'])
  })
})

describe('a copy is refused', () => {
  test('before the beginning of what is itself a copy', async () => {
    made++
    const [from, to] = [join(folder, `from${made}`), join(folder, `to${made}`)]
    // Revision 3 happened during the snapshot, which alone knows what was before.
    const [segment, begin, locks, state, end] = walk(2, ['a'], 4) as [Step, Step, Step, Step, Step]
    await craft(from, [[...c(1, 2), segment, begin, locks, state, ...c(3), end, ...c(5)]], [2])
    await copyDirectory(from, to, { disk: DISK, clock: CLOCK })
    const cut = { toRevision: 3 }
    await expect(copyDirectory(to, `${to}-early`, { disk: DISK, clock: CLOCK, cut })).rejects.toMatchObject({
      code: 'SHL_COPY_TOO_OLD',
    })
  })

  const old = [
    [...c(1, 2), ...walk(2, ['a'], 4), ...c(5)],
    [...c(3), ...walk(5, ['b'], 6), ...c(7)],
  ]

  test('before the oldest point that all shards can show, which it names', async () => {
    await expect(copyOf(old, { toRevision: 5 }, [2, 2])).rejects.toMatchObject({
      code: 'SHL_COPY_TOO_OLD',
      details: { asked: 'revision 5', oldest: 'revision 6, of 2026-02-01T00:00:06.000Z' },
    })
    expect((await copyOf(old, { toRevision: 6 }, [2, 2]))[1]).toBe('2:[5 2:c5 2:s5 2:]6')
    await expect(copyOf(old, { toMs: EPOCH_MS + 500 }, [2, 2])).rejects.toMatchObject({
      details: { asked: '2026-02-01T00:00:00.500Z' },
    })
  })

  test('before the time of the oldest snapshot, also when nothing has happened since', async () => {
    const logs = [[...c(1, 2), ...walk(2, ['a']), ...c(4)]]
    await expect(copyOf(logs, { toMs: EPOCH_MS + 1999 }, [2])).rejects.toMatchObject({
      code: 'SHL_COPY_TOO_OLD',
      details: { oldest: 'revision 2, of 2026-02-01T00:00:02.000Z' },
    })
    expect(await copyOf(logs, { toMs: EPOCH_MS + 3999 }, [2])).toEqual(['2:[2 2:c2 2:s2 2:]2'])
  })

  test('before the first commit', async () => {
    await expect(copyOf([c(4, 5)], { toRevision: 3 })).rejects.toMatchObject({
      code: 'SHL_COPY_TOO_OLD',
      details: { oldest: 'revision 4, of 2026-02-01T00:00:04.000Z' },
    })
  })

  test('when the log of a shard is missing', async () => {
    made++
    const from = await craft(join(folder, `from${made}`), [c(1), c(2)])
    rmSync(join(from, 'shard-0001'), { recursive: true })
    await expect(
      copyDirectory(from, join(folder, `to${made}`), { disk: DISK, clock: CLOCK }),
    ).rejects.toMatchObject({ code: 'SHL_LOG_DAMAGED' })
  })
})

describe('while the owner goes on', () => {
  const manifest = { format: 1, directory: DIRECTORY, shards: 1, createdAt: CREATED_AT }

  /** A plan of a log of which so many bytes were there in each round. */
  async function planWith(steps: readonly Step[], counts: readonly number[]) {
    made++
    const dir = await craft(join(folder, `from${made}`), [steps])
    // The ends of records are the lengths that a file had.
    const view = await LogView.open(DISK, shardFolders(dir, 1), COPY_ROUNDS)
    const ends: { number: number; endOffset: number }[] = []
    await examineLog(
      DISK,
      shardFolders(dir, 1)[0] as string,
      { directory: DIRECTORY, shard: 0 },
      (record, { number }) => {
        if (record.kind !== 1) ends.push({ number, endOffset: record.endOffset })
      },
    )
    view.hadIn = (round, _folder, number, endOffset) =>
      ends.findIndex((one) => one.number === number && one.endOffset === endOffset) <
      (counts[round] as number)
    try {
      return await planCopy(view, dir, manifest, {})
    } finally {
      await view.close()
    }
  }

  test('a copy goes no further than round 0, and has transactions that were decided by round 1', async () => {
    const steps = [...c(1), prepared(2, 'a'), ...c(4), decided(2), concluded(2), prepared(3, 'b'), decided(3)]
    expect(await planWith(steps, [3, 4, 7])).toMatchObject({ revision: 4, decided: new Set([2]) })
    expect(await planWith(steps, [3, 3, 7])).toMatchObject({ revision: 4, decided: new Set() })
    expect(await planWith(steps, [1, 7, 7])).toMatchObject({ revision: 1, decided: new Set() })
  })

  test('a decision behind round 1 counts when something that is taken is behind it in its log', async () => {
    // Decided in one log alone, which need not have been written when the next revision was drawn elsewhere.
    const before = [...c(9), prepared(2, 'a'), decided(2), concluded(2)]
    expect((await planWith([...before, ...c(8)], [1, 2, 9])).decided).toEqual(new Set([2]))
    expect((await planWith([...before, ...c(10)], [1, 2, 9])).decided).toEqual(new Set())
    const through = [...before, prepared(4, 'a'), decided(4), concluded(4), ...c(8)]
    expect((await planWith(through, [1, 2, 12])).decided).toEqual(new Set([2, 4]))
  })

  test('a snapshot that ended behind round 0 is taken when it is below the newest revision', async () => {
    const quiet = [...c(1, 2), ...walk(2, ['a'])]
    const walksOf = async (steps: readonly Step[], first: number): Promise<number[]> => {
      const { shards } = await planWith(steps, [first, 99, 99])
      return [...(shards[0]?.walks ?? [])]
    }
    const [whole, torn, older] = [
      await walksOf(quiet, 6),
      await walksOf(quiet, 5),
      await walksOf([...c(1, 3), ...walk(2, ['a'])], 2),
    ]
    expect([whole, torn, older]).toEqual([[2], [], [2]])
  })
})

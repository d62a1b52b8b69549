/** A view sees logs as they were, whatever their owner does next. */
import { appendFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Disk } from '../../../../src/base/index.ts'
import { LogView, shardFolders } from '../../../../src/keyspace/durability/offline/log-view.ts'
import { commit, craft, DISK, segmentPath } from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-view-'))
const STEPS = [commit(1, 'a'), 'segment', commit(2, 'b'), 'segment', commit(3, 'c')] as const
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const make = (): Promise<string> => craft(join(folder, `dir${++made}`), [STEPS])

test('what is written and removed later is not noticed', async () => {
  const dir = await make()
  const [log = ''] = shardFolders(dir, 1)
  const view = await LogView.open(DISK, [log])
  const before = view.segments(log)
  expect(before.map(({ number }) => number)).toEqual([1, 2, 3])
  appendFileSync(segmentPath(dir, 0, 3), 'more')
  rmSync(segmentPath(dir, 0, 1))
  expect(view.segments(log)).toEqual(before)
  expect(await view.disk.list(log)).toEqual(['00000001.log', '00000002.log', '00000003.log'])
  const file = await view.disk.open(segmentPath(dir, 0, 3), 'read')
  const size = before[2]?.sizeBytes as number
  expect(await file.size()).toBe(size)
  expect(await file.read(size - 8, new Uint8Array(100))).toBe(8)
  expect(await file.read(size, new Uint8Array(100))).toBe(0)
  const removed = await view.disk.open(segmentPath(dir, 0, 1), 'read')
  expect(await removed.read(0, new Uint8Array(16))).toBe(16)
  expect(view.sizeBytes).toBe(before.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
  await view.close()
})

test('what was there is known by round', async () => {
  const dir = await make()
  const [log = ''] = shardFolders(dir, 1)
  const path = segmentPath(dir, 0, 3)
  const rounds: (() => void)[] = [() => truncateSync(path, 200), () => appendFileSync(path, 'x'.repeat(100))]
  let lists = 0
  const disk: Disk = {
    ...DISK,
    list: async (name) => {
      rounds[lists++]?.()
      return await DISK.list(name)
    },
  }
  const view = await LogView.open(disk, [log], 3)
  expect([0, 1, 2].map((round) => view.hadIn(round, log, 3, 200))).toEqual([true, true, true])
  expect([0, 1, 2].map((round) => view.hadIn(round, log, 3, 201))).toEqual([false, true, true])
  expect([0, 1, 2].map((round) => view.hadIn(round, log, 3, 301))).toEqual([false, false, false])
  expect(view.hadIn(0, log, 4, 1)).toBe(false)
  await view.close()
})

test('segments that a snapshot removes while they are opened leave no gap', async () => {
  const dir = await make()
  const [log = ''] = shardFolders(dir, 1)
  let open = 0
  const disk: Disk = {
    ...DISK,
    open: async (path, mode) => {
      // The second is gone when it is its turn, and so is the first.
      if (path.endsWith('2.log')) {
        rmSync(segmentPath(dir, 0, 1), { force: true })
        rmSync(segmentPath(dir, 0, 2), { force: true })
      }
      const file = await DISK.open(path, mode)
      open++
      return {
        ...file,
        close: async () => {
          open--
          await file.close()
        },
      }
    },
  }
  const view = await LogView.open(disk, [log])
  expect(view.segments(log).map(({ number }) => number)).toEqual([3])
  await view.close()
  expect(open, 'every file is closed').toBe(0)
})

test('a folder that is not there has no segments, and another error is thrown', async () => {
  const view = await LogView.open(DISK, [join(folder, 'none')])
  expect(view.segments(join(folder, 'none'))).toEqual([])
  await view.close()
  const broken = { ...DISK, list: () => Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' })) }
  await expect(LogView.open(broken, [folder])).rejects.toMatchObject({ code: 'EIO' })
})

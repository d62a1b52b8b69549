/** Files that cannot be read: an error of this library, with the path, from opening and from looking. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Disk, ShardloomError } from '../../../src/base/index.ts'
import { copyDirectory } from '../../../src/keyspace/durability/offline/copy-directory.ts'
import { readLogs, readSegmentFile } from '../../../src/keyspace/durability/offline/log-entries.ts'
import { planRepair } from '../../../src/keyspace/durability/offline/repair-plan.ts'
import { manifestOf, verifyDirectory } from '../../../src/keyspace/durability/offline/verify-directory.ts'
import { unusable, usable } from '../../../src/keyspace/durability/unusable.ts'
import {
  CLOCK,
  CREATED_AT,
  commit,
  craft,
  DIRECTORY,
  DISK,
  openKeyspace,
  segmentPath,
} from './offline/crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-unusable-'))
const manifest = { format: 1, directory: DIRECTORY, shards: 1, createdAt: CREATED_AT }
let made = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Everything that looks at a directory, and what it is told. */
async function told(dir: string, disk: Disk = DISK): Promise<unknown[]> {
  const none = (): boolean => true
  const looks: readonly Promise<unknown>[] = [
    verifyDirectory(disk, dir),
    planRepair(disk, dir, manifest, undefined),
    copyDirectory(dir, join(folder, `copy${++made}`), { disk, clock: CLOCK }),
    readLogs(disk, dir, undefined, none),
    readSegmentFile(disk, segmentPath(dir, 0, 1), none),
  ]
  const results = await Promise.allSettled(looks)
  return results.map((result) => (result.status === 'rejected' ? result.reason : undefined))
}

function expectUnusable(error: unknown, path: string, code: string): void {
  expect(error).toMatchObject({
    code: 'SHL_DIRECTORY_UNUSABLE',
    details: { path, reason: expect.stringContaining(path) },
    cause: { code },
  })
}

describe('an error of the disk', () => {
  test('has a code, a directory and a path; any other one is left as it is', async () => {
    const own = new ShardloomError('SHL_LOG_DAMAGED', { file: 'f', offset: 0, reason: 'r' })
    const plain = new Error('a bug')
    expect([unusable('d', own), unusable('d', plain), unusable('d', 'text')]).toEqual([own, plain, 'text'])
    const failing = (): Promise<never> =>
      Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', path: 'd/f' }))
    const error = await usable('d', failing).catch((thrown) => thrown)
    expectUnusable(error, 'd/f', 'EIO')
    expect(error).toMatchObject({ details: { dir: 'd', reason: "EIO: i/o error, read 'd/f'" } })
    expect(await usable('d', async () => 7)).toBe(7)
  })
})

describe('whoever looks at a directory is told which file it is', () => {
  test('that is a folder', async () => {
    const dir = await craft(join(folder, `dir${++made}`), [[commit(1, 'a')]])
    const path = segmentPath(dir, 0, 1)
    rmSync(path)
    mkdirSync(path)
    for (const error of await told(dir)) expectUnusable(error, path, 'EISDIR')
    expectUnusable(await openKeyspace(dir, 1).catch((thrown) => thrown), path, 'EISDIR')
  })

  test('that the disk cannot read', async () => {
    const dir = await craft(join(folder, `dir${++made}`), [[commit(1, 'a')]])
    const path = segmentPath(dir, 0, 1)
    const broken: Disk = {
      ...DISK,
      open: async (name, mode) => {
        const file = await DISK.open(name, mode)
        const read = (): Promise<number> =>
          Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', path: name }))
        return name === path ? { ...file, read } : file
      },
    }
    for (const error of await told(dir, broken)) expectUnusable(error, path, 'EIO')
  })

  test('also when it is shardloom.json', async () => {
    const dir = await craft(join(folder, `dir${++made}`), [[commit(1, 'a')]])
    const path = join(dir, 'shardloom.json')
    rmSync(path)
    mkdirSync(path)
    expectUnusable(await manifestOf(DISK, dir).catch((thrown) => thrown), path, 'EISDIR')
    expectUnusable(await openKeyspace(dir, 1).catch((thrown) => thrown), path, 'EISDIR')
  })
})

/** Formats of directories: there is one, and a seam for the next. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { upgradeDirectory } from '../../../../src/keyspace/durability/offline/upgrade-directory.ts'
import { commit, craft, DISK, filesIn } from './crafted-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'shardloom-upgrade-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function setFormat(dir: string, format: unknown): void {
  const path = join(dir, 'shardloom.json')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), format }))
}

test('a directory of this format is left as it is', async () => {
  const dir = await craft(join(folder, 'same'), [[commit(1, 'a')]])
  const before = filesIn(dir)
  expect(await upgradeDirectory(DISK, dir)).toMatchObject({ from: [], manifest: { format: 1 } })
  expect(filesIn(dir)).toEqual(before)
})

test('one of a newer format is refused, and one of an unknown one', async () => {
  const dir = await craft(join(folder, 'newer'), [[commit(1, 'a')]])
  setFormat(dir, 2)
  await expect(upgradeDirectory(DISK, dir)).rejects.toMatchObject({
    code: 'SHL_DIRECTORY_UNKNOWN',
    details: { reason: 'its format 2 is newer than this version, which has format 1' },
  })
  setFormat(dir, 0)
  await expect(upgradeDirectory(DISK, dir)).rejects.toThrow('its format 0 is unknown to this version')
  setFormat(dir, 'one')
  await expect(upgradeDirectory(DISK, dir)).rejects.toThrow('its format is one')
})

test('steps lead from format to format, and a step that leads nowhere is a mistake', async () => {
  const dir = await craft(join(folder, 'older'), [[commit(1, 'a')]])
  setFormat(dir, -1)
  const steps = new Map([-1, 0].map((from) => [from, async () => setFormat(dir, from + 1)]))
  expect(await upgradeDirectory(DISK, dir, steps)).toMatchObject({ from: [-1, 0], manifest: { format: 1 } })
  setFormat(dir, 0)
  await expect(upgradeDirectory(DISK, dir, new Map([[0, async () => undefined]]))).rejects.toMatchObject({
    code: 'SHL_ASSERTION',
  })
})

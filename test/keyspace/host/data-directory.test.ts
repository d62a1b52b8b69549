/** Opening a directory: made once, the same ever after, and with as many shards as it was made with. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { DataDirectory } from '../../../src/keyspace/host/data-directory.ts'
import { keyspaceSettings } from '../../../src/keyspace/host/index.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'

// Whoever keeps others out does so in a real folder.
const dir = mkdtempSync(join(tmpdir(), 'shl-directory-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const { files } = keyspaceSettings({ dir }, 1)

function open(disk: SimulatedDisk, shards?: number, seed = 1): Promise<DataDirectory> {
  return DataDirectory.open(disk, new ManualClock(), seededRandom(seed), files!, shards, 3)
}

describe('a directory', () => {
  test('is made with as many shards as were asked for, or as there would be', async () => {
    const made = await open(new SimulatedDisk(), 5)
    expect(made.manifest.shards).toBe(5)
    expect(made.manifest.directory).toMatch(/^[0-9a-f]{32}$/)
    await made.close()
    const other = await open(new SimulatedDisk(), undefined, 2)
    expect(other.manifest.shards).toBe(3)
    expect(other.manifest.directory).not.toBe(made.manifest.directory)
    await other.close()
  })

  test('is the same when it is opened again, and may be asked for the shards that it has', async () => {
    const disk = new SimulatedDisk()
    const made = await open(disk, 2)
    await made.close()
    for (const shards of [undefined, 2]) {
      const again = await open(disk.afterPowerCut(1), shards, 9)
      expect(again.manifest).toEqual(made.manifest)
      await again.close()
    }
  })

  test('refuses other shards, names those that it has, and may be opened afterwards', async () => {
    const disk = new SimulatedDisk()
    await (await open(disk, 2)).close()
    await expect(open(disk, 4)).rejects.toMatchObject({
      code: 'SHL_OPTION_INVALID',
      message: expect.stringMatching(/keyspace\.shards.*2, as many as the directory/),
    })
    await (await open(disk, 2)).close()
  })

  test('says which one it is when it cannot be made', async () => {
    const disk = new SimulatedDisk()
    disk.onCall = ({ operation }) =>
      operation === 'makeFolder' ? { type: 'fail', code: 'EACCES' } : undefined
    await expect(open(disk)).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_UNUSABLE',
      details: { dir },
      cause: { code: 'EACCES' },
    })
  })

  test('tells each shard of its files, and nothing else of the options', async () => {
    const made = await open(new SimulatedDisk(), 2)
    const store = made.storeOf(1)
    expect(store.folder).toBe(join(dir, 'shard-0001'))
    expect(store).toMatchObject({ directory: made.manifest.directory, level: 'os', syncEveryMs: 1000 })
    expect(Object.keys(store)).not.toContain('dir')
    expect(structuredClone(store)).toEqual(store)
    await made.close()
  })
})

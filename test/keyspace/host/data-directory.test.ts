/** Opening a directory: made once, the same ever after, and with as many shards as it was made with. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { DataDirectory } from '../../../src/keyspace/host/data-directory.ts'
import { keyspaceSettings } from '../../../src/keyspace/host/index.ts'
import { examineLog, KIND_COMMIT, keySources, LogWriter } from '../../../src/storage/index.ts'
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

  test('is not made anew where the manifest was lost, nor opened where a log was', async () => {
    const disk = new SimulatedDisk()
    const made = await open(disk, 2)
    const store = made.storeOf(1)
    expect(store.mustExist).toBe(true)
    await made.close()
    const folder = join(dir, 'shard-0001')
    const log = await LogWriter.open(
      { disk, clock: new ManualClock(), ...store, shard: 1 },
      await examineLog(disk, folder, { directory: store.directory, shard: 1 }, () => undefined),
    )
    log.begin().block('something')
    log.append({ kind: KIND_COMMIT, revision: 1, atMs: 0, participants: [] })
    await log.close()
    await disk.remove(join(dir, 'shardloom.json'))
    await expect(open(disk, 2)).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_UNKNOWN',
      message: expect.stringContaining('shardloom.json is missing'),
    })
  })

  test('is made where somebody else did not come to an end', async () => {
    const whole = new SimulatedDisk()
    await (await open(whole, 2)).close()
    for (let cut = 0; cut < whole.calls.length; cut++) {
      const disk = new SimulatedDisk()
      disk.onCall = ({ index }) => (index === cut ? { type: 'fail', code: 'EIO' } : undefined)
      await open(disk, 2).then(
        (made) => made.close(),
        () => undefined,
      )
      for (const left of [disk.afterKill(), disk.afterPowerCut(cut)]) {
        const made = await open(left, 2, 5)
        expect(made.manifest.shards, `cut at ${cut}`).toBe(2)
        await made.close()
      }
    }
  })

  test('refuses fewer shards, names those that it has, and may be opened afterwards', async () => {
    const disk = new SimulatedDisk()
    await (await open(disk, 2)).close()
    await expect(open(disk, 1)).rejects.toMatchObject({
      code: 'SHL_OPTION_INVALID',
      message: expect.stringMatching(/keyspace\.shards.*2, as many as the directory .* has, or more/),
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

  test('says so when it is a file', async () => {
    const disk = new SimulatedDisk()
    disk.onCall = ({ operation }) =>
      operation === 'makeFolder' ? { type: 'fail', code: 'EEXIST' } : undefined
    await expect(open(disk)).rejects.toMatchObject({
      details: { dir, reason: 'it is not a directory' },
      cause: { code: 'EEXIST' },
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

  test('is not made without its keys; each shard is told them, and nobody who looks at it is', async () => {
    const sources = (keyFile: string) => ({
      ...files!,
      encryption: keySources('keyspace.encryption', { keyFile, previousKeys: [{ key: 'cd'.repeat(32) }] }),
    })
    const disk = new SimulatedDisk()
    const openWith = (keyFile: string): Promise<DataDirectory> =>
      DataDirectory.open(disk, new ManualClock(), seededRandom(1), sources(keyFile), 2, 2)
    await expect(openWith(join(dir, 'no such key'))).rejects.toMatchObject({ code: 'SHL_KEY_UNAVAILABLE' })
    expect(disk.calls).toEqual([])
    const path = join(dir, 'key')
    writeFileSync(path, 'ab'.repeat(32), { mode: 0o600 })
    const made = await openWith(path)
    const store = made.storeOf(1)
    expect(Buffer.from(store.keys?.current ?? []).toString('hex')).toBe('ab'.repeat(32))
    expect(store.keys?.previous).toHaveLength(1)
    expect(structuredClone(store)).toEqual(store)
    expect(inspect(made, { depth: 9, showHidden: true })).not.toMatch(
      /abab|ab ab|cdcd|cd cd|171, 171|205, 205/,
    )
    await made.close()
  })
})

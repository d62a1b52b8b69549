import { describe, expect, test } from 'vitest'
import { growDirectory } from '../../../src/keyspace/durability/grow-directory.ts'
import { readManifest, shardFolder, writeManifest } from '../../../src/keyspace/durability/manifest.ts'
import { verifyDirectory } from '../../../src/keyspace/durability/offline/verify-directory.ts'
import { examineLog, LogWriter, NO_KEYS } from '../../../src/storage/index.ts'
import { type DiskFault, SimulatedDisk } from '../../../src/testkit/index.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const DIR = '/data'
const MANIFEST = { format: 1, directory: 'd', shards: 2, createdAt: '2026-01-01T00:00:00.000Z' }
const NEVER: DiskFault = { type: 'stop' }

async function directory(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  disk.putFolder(DIR)
  for (let shard = 0; shard < MANIFEST.shards; shard++) {
    const folder = shardFolder(DIR, shard)
    await disk.makeFolder(folder)
    const sizes = { segmentBytes: 1 << 20, syncEveryMs: 1000, reserveBytes: 0 }
    const options = { disk, clock: new ManualClock(), folder, directory: 'd', shard, ...sizes }
    await (
      await LogWriter.open(
        options,
        await examineLog(disk, folder, { directory: 'd', shard }, () => undefined),
      )
    ).close()
  }
  await writeManifest(disk, DIR, MANIFEST)
  return disk
}

const grow = (disk: SimulatedDisk, shards: number, manifest = MANIFEST) =>
  growDirectory(disk, new ManualClock(), DIR, manifest, shards, NO_KEYS)

describe('a directory that grows', () => {
  test('has logs for all its shards, and says over how many its slots were dealt', async () => {
    const disk = await directory()
    const grown = await grow(disk, 4)
    expect(grown).toMatchObject({ shards: 4, dealt: 2, isSpreading: true })
    expect(await readManifest(disk, DIR)).toEqual(grown)
    expect(await verifyDirectory(disk, DIR)).toMatchObject({ verdict: 'fine', manifest: { shards: 4 } })
    const again = await grow(disk, 5, grown)
    expect(again).toMatchObject({ shards: 5, dealt: 2 })
  })

  test('has as many as before, or all of them, when it is cut off at any call', async () => {
    const whole = await directory()
    const from = whole.calls.length
    await grow(whole, 4)
    const seen = new Set<number>()
    for (let cut = 0; cut <= whole.calls.length - from; cut++) {
      const disk = await directory()
      const first = disk.calls.length
      disk.onCall = ({ index }) => (index >= first + cut ? NEVER : undefined)
      await Promise.race([grow(disk, 4), new Promise((resolve) => void setTimeout(resolve, 5))])
      for (const left of [disk.afterKill(), disk.afterPowerCut(cut)]) {
        const manifest = await readManifest(left, DIR)
        seen.add(manifest!.shards)
        expect((await verifyDirectory(left, DIR)).verdict, `cut at ${cut}`).not.toBe('damage')
        // Whoever is asked for more the next time takes what is left.
        if (manifest!.shards === 2) expect(await grow(left, 3, manifest)).toMatchObject({ shards: 3 })
      }
    }
    expect([...seen].sort()).toEqual([2, 4])
  })
})

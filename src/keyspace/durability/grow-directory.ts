/**
 * Gives a directory its shards, or more of them: their logs, which are empty, then a manifest that names
 * them.
 *
 * The slots stay where they were dealt, when the directory was made, or moved to since. The new shards get
 * their share while the keyspace is used (`host/spread.ts`); the manifest says so until they have it.
 *
 * In this order, also when a directory is made: a manifest never names a shard without a log. So a log that
 * is not there was lost, and opening is refused. What is left by whoever did not come so far are empty logs
 * that nobody names.
 *
 * Tests: test/keyspace/durability/grow-directory.test.ts
 */
import { join } from 'node:path'
import { type Clock, type Disk, ShardloomError } from '../../base/index.ts'
import {
  examineLog,
  type KeyRing,
  KIND_SEGMENT,
  LogWriter,
  type LogWriterOptions,
  readSegment,
  segmentNumber,
} from '../../storage/index.ts'
import { isShardFolder, type Manifest, shardFolder, writeManifest } from './manifest.ts'

/** What describes a segment, and what tells of its sync, are shorter. */
const DESCRIPTION_BYTES_MAX = 512
/** How a log is written that nobody waits for, and that is synced at the end. */
export const OFFLINE_LOG: Pick<LogWriterOptions, 'segmentBytes' | 'syncEveryMs' | 'reserveBytes'> = {
  segmentBytes: 64 * 1024 * 1024,
  syncEveryMs: 3_600_000,
  reserveBytes: 0,
}

/**
 * Removes what somebody has left who was making a directory, and did not come as far as the manifest.
 * @throws SHL_DIRECTORY_UNKNOWN when there is something in a log: then it is the manifest that was lost
 */
export async function removeUnfinished(disk: Disk, dir: string, keys: KeyRing): Promise<void> {
  const names = await disk.list(dir)
  for (const folder of names.filter(isShardFolder).map((name) => join(dir, name))) {
    const segments = (await disk.list(folder)).filter((name) => segmentNumber(name) !== undefined)
    for (const path of segments.map((name) => join(folder, name))) {
      const isEmpty = await holdsNothing(disk, path, keys)
      if (!isEmpty || segments.length > 1) {
        const reason = `shardloom.json is missing, and there is a log in ${folder}: bring it back`
        throw new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir, reason })
      }
      await disk.remove(path)
      await disk.syncFolder(folder)
    }
  }
}

/** Nothing but its description, or that cut short. */
async function holdsNothing(disk: Disk, path: string, keys: KeyRing): Promise<boolean> {
  const file = await disk.open(path, 'read')
  let records = 0
  try {
    const { info, sizeBytes } = await readSegment(file, () => records++, { keys, path })
    return info === undefined ? sizeBytes < DESCRIPTION_BYTES_MAX : records === 1
  } finally {
    await file.close()
  }
}

/** Makes the logs of some shards, empty. @throws SHL_LOG_FAILED */
export async function makeLogs(
  disk: Disk,
  clock: Clock,
  dir: string,
  directory: string,
  shards: readonly number[],
  keys: KeyRing,
): Promise<void> {
  const encryption = keys.current && { key: keys.current }
  for (const shard of shards) {
    const folder = shardFolder(dir, shard)
    await disk.makeFolder(folder)
    let records = 0
    const examined = await examineLog(disk, folder, { directory, shard, keys }, ({ kind }) => {
      if (kind !== KIND_SEGMENT) records++
    })
    if (records > 0) {
      const reason = `there is a log in ${folder} that shardloom.json does not name`
      throw new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir, reason })
    }
    const log = await LogWriter.open(
      { disk, clock, folder, directory, shard, ...OFFLINE_LOG, encryption },
      examined,
    )
    await log.close()
  }
}

/** The directory with so many shards; its owner has the lock. @throws SHL_LOG_FAILED */
export async function growDirectory(
  disk: Disk,
  clock: Clock,
  dir: string,
  manifest: Manifest,
  shards: number,
  keys: KeyRing,
): Promise<Manifest> {
  const added = Array.from({ length: shards - manifest.shards }, (_, i) => manifest.shards + i)
  await makeLogs(disk, clock, dir, manifest.directory, added, keys)
  const grown = { ...manifest, shards, dealt: manifest.dealt ?? manifest.shards, isSpreading: true as const }
  await writeManifest(disk, dir, grown)
  return grown
}

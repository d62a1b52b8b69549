/**
 * Carries out a plan of repair. Nothing is deleted: what goes is put into `damaged-<time>/` of the directory.
 *
 * A log loses its newest segments first, then the damaged one is cut, after a copy of it was synced; a head
 * goes from the oldest segment on. So whenever this stops, what is left is a log that is as damaged as before
 * or repaired, and the same repair can be begun again.
 *
 * Tests: test/keyspace/durability/offline/repair-directory.test.ts
 */
import { basename, join } from 'node:path'
import { type Clock, type Disk, type DiskFile, ShardloomError } from '../../../base/index.ts'
import {
  examineLog,
  type KeyRing,
  KIND_DECIDED,
  LogWriter,
  type LogWriterOptions,
  NO_KEYS,
} from '../../../storage/index.ts'
import { OFFLINE_LOG } from '../grow-directory.ts'
import { shardFolder } from '../manifest.ts'
import type { RepairPlan, ShardRepair } from './repair-plan.ts'
import { verifyLogs } from './verify-directory.ts'

const COPY_BYTES = 1024 * 1024

/**
 * Repairs. The caller has the lock. What is written is encrypted with the current one of the keys. Where the
 * damaged files are. @throws SHL_LOG_FAILED, SHL_LOG_DAMAGED
 */
export async function applyRepair(
  disk: Disk,
  clock: Clock,
  plan: RepairPlan,
  keys: KeyRing = NO_KEYS,
): Promise<string> {
  const { dir, manifest, shards, decisions } = plan
  const time = new Date(clock.wallMs()).toISOString().replaceAll(/[:.]/g, '-')
  const attic = join(dir, `damaged-${time}`)
  const writeTo = async (shard: number, revisions: readonly number[]): Promise<void> => {
    const { directory } = manifest
    const encryption = keys.current && { key: keys.current }
    const options = {
      disk,
      clock,
      folder: shardFolder(dir, shard),
      directory,
      shard,
      ...OFFLINE_LOG,
      encryption,
    }
    await append(options, keys, revisions, decisions.atMs)
  }
  for (const repair of shards) {
    const target = join(attic, basename(repair.folder))
    await disk.makeFolder(target)
    await putAway(disk, repair, target)
    if (repair.isEmptied) await writeTo(repair.shard, [])
  }
  if (decisions.revisions.length > 0) await writeTo(decisions.shard, decisions.revisions)
  if (shards.length > 0) await disk.syncFolder(attic)
  await disk.syncFolder(dir)
  const repaired = new Set(shards.map(({ shard }) => shard))
  const report = await verifyLogs(disk, dir, manifest, undefined, keys)
  const damage = report.shards.flatMap(({ shard, damages }) => (repaired.has(shard) ? damages : []))[0]
  if (damage !== undefined) throw new ShardloomError('SHL_LOG_DAMAGED', { ...damage })
  return attic
}

async function putAway(disk: Disk, { kind, moved, cut, folder }: ShardRepair, target: string): Promise<void> {
  const inOrder = kind === 'head' ? moved : [...moved].reverse()
  for (const path of inOrder) {
    await disk.rename(path, join(target, basename(path)))
    await disk.syncFolder(target)
    await disk.syncFolder(folder)
  }
  if (cut === undefined) return
  const file = await disk.open(cut.path, 'write')
  try {
    await copyFile(disk, file, join(target, basename(cut.path)))
    await disk.syncFolder(target)
    await file.truncate(cut.offset)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function copyFile(disk: Disk, file: DiskFile, to: string): Promise<void> {
  const copy = await disk.open(to, 'create')
  try {
    const bytes = new Uint8Array(COPY_BYTES)
    for (let at = 0; ; ) {
      const count = await file.read(at, bytes)
      if (count === 0) break
      for (let done = 0; done < count; ) done += await copy.write(at + done, bytes.subarray(done, count))
      at += count
    }
    await copy.sync()
  } finally {
    await copy.close()
  }
}

/** Writes decisions; a log that has no segment gets one. */
async function append(
  options: LogWriterOptions,
  keys: KeyRing,
  revisions: readonly number[],
  atMs: number,
): Promise<void> {
  const { disk, folder, directory, shard } = options
  const examined = await examineLog(disk, folder, { directory, shard, keys }, () => undefined)
  const log = await LogWriter.open(options, examined)
  try {
    for (const revision of revisions) {
      log.begin()
      log.append({ kind: KIND_DECIDED, revision, atMs, participants: [] })
    }
    await log.reached('fsync', log.appended)
  } finally {
    await log.close()
  }
}

/**
 * The records of logs, one by one, for whoever wants to look at them; damage ends a log, and is told.
 *
 * A single segment is read for itself: it says whose it is.
 * Tests: test/keyspace/durability/offline/log-entries.test.ts
 */
import { dirname, join } from 'node:path'
import type { Disk } from '../../../base/index.ts'
import {
  type KeyRing,
  type LogRecord,
  NO_KEYS,
  readSegment,
  type SegmentInfo,
} from '../../../storage/index.ts'
import { type Manifest, shardFolder } from '../manifest.ts'
import { usable } from '../unusable.ts'
import { LogView } from './log-view.ts'
import { type Damage, surveyShard } from './shard-survey.ts'
import { manifestOf } from './verify-directory.ts'

/** A record and where it is. `record.payload` is valid until the next one is read. */
export interface LogEntry {
  readonly shard: number
  readonly path: string
  readonly record: LogRecord
}

/** Where a log stops. */
export interface LogStop extends Damage {
  /** It was being written there, or still is. */
  readonly isTail: boolean
}

/** Takes a record; false: no more. */
export type EntryTaker = (entry: LogEntry) => boolean

/** Ends a reading that is not wanted any more. */
const ENOUGH = Symbol('enough')

/**
 * The records of a directory, or of one of its shards, log by log. @throws SHL_DIRECTORY_UNKNOWN,
 * SHL_DIRECTORY_UNUSABLE, SHL_KEY_MISSING
 */
export async function readLogs(
  disk: Disk,
  dir: string,
  shard: number | undefined,
  take: EntryTaker,
  keys: KeyRing = NO_KEYS,
): Promise<LogStop[]> {
  const manifest = await manifestOf(disk, dir)
  const shards = Array.from({ length: manifest.shards }, (_, id) => id)
  const stops: LogStop[] = []
  let isOver = false
  for (const id of shards) {
    if (isOver || (shard !== undefined && shard !== id)) continue
    const takeUntilOver = (entry: LogEntry): boolean => {
      isOver = !take(entry)
      return !isOver
    }
    stops.push(...(await usable(dir, () => readLog(disk, dir, manifest, id, keys, takeUntilOver))))
  }
  return stops
}

async function readLog(
  disk: Disk,
  dir: string,
  { directory }: Manifest,
  shard: number,
  keys: KeyRing,
  take: EntryTaker,
): Promise<LogStop[]> {
  const folder = shardFolder(dir, shard)
  const view = await LogView.open(disk, [folder], 1, keys)
  const paths = new Map(view.segments(folder).map(({ number, path }) => [number, path]))
  try {
    const { damages, tail } = await surveyShard(view, folder, { directory, shard }, (record, { number }) => {
      if (!take({ shard, path: paths.get(number) ?? join(folder, String(number)), record })) throw ENOUGH
    })
    if (damages[0] !== undefined) return [{ ...damages[0], isTail: false }]
    return tail ? [{ file: tail.path, offset: tail.offset, reason: tail.reason, isTail: true }] : []
  } catch (error) {
    if (error === ENOUGH) return []
    throw error
  } finally {
    await view.close()
  }
}

/** The records of one file. @throws SHL_DIRECTORY_UNUSABLE, SHL_KEY_MISSING */
export function readSegmentFile(
  disk: Disk,
  path: string,
  take: EntryTaker,
  keys: KeyRing = NO_KEYS,
): Promise<LogStop[]> {
  return usable(dirname(path), () => readFile(disk, path, take, keys))
}

async function readFile(disk: Disk, path: string, take: EntryTaker, keys: KeyRing): Promise<LogStop[]> {
  const file = await disk.open(path, 'read')
  try {
    const visit = (record: LogRecord, { shard }: SegmentInfo): void => {
      if (!take({ shard, path, record })) throw ENOUGH
    }
    const end = await readSegment(file, visit, { keys, path })
    // Alone it does not say whether it is the last one.
    return end.reason === undefined
      ? []
      : [{ file: path, offset: end.offset, reason: end.reason, isTail: false }]
  } catch (error) {
    if (error === ENOUGH) return []
    throw error
  } finally {
    await file.close()
  }
}

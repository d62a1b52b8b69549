/**
 * Reads a whole log, and decides what damage means.
 *
 *     damage in a segment that another one          the middle is lost: opening is refused
 *     follows
 *     no record behind it                           a tail: what was being written when the process or the
 *                                                   machine stopped. It is cut, and said so
 *     a record behind it that says that the         the middle is lost: opening is refused
 *     place had been synced
 *     a record behind it, but a sector of zeros     a tail: a power cut has lost a write that was never
 *     between                                       synced, and not the one behind it
 *     a record behind it, and no such sector        the middle is lost: opening is refused
 *
 * The first, because a segment is begun when the one before it has been synced whole. The third is why the
 * log tells of its syncs (`KIND_SYNCED`): a disk writes what was not synced in any order. The fourth, because
 * no record holds a sector of zeros by itself (`zero-sectors.ts`): only a sector that was never written does.
 * In the one that the damage begins in, zeros from there on will do: what is before them was written earlier.
 *
 * A record whose checksum is right and whose seal is broken is refused wherever it is: no crash does that.
 * And in a segment that is encrypted the description says with what seal the one before it ends: nobody
 * without the key takes something out between two of them.
 *
 * A segment whose own description is damaged is a tail only if it is the last one and holds nothing else: it
 * was being made. Otherwise it is refused, since the description is synced before anything follows it.
 *
 * Invariant: no record is handed on that is not in the exact prefix.
 * Tests: test/storage/log-examination.test.ts, log-examination.crash.test.ts, log-writer.crash.test.ts
 */
import { join } from 'node:path'
import { type Disk, type DiskFile, ShardloomError } from '../base/index.ts'
import type { ChainPlace } from './log-chain.ts'
import { KIND_SYNCED, type LogRecord, MAGIC_BYTES, SECTOR_BYTES } from './log-format.ts'
import { type KeyRing, NO_KEYS } from './log-key.ts'
import { NO_SEAL, type SegmentInfo, segmentHeadBytes, segmentName, segmentNumber } from './segment-info.ts'
import { findHeaders, readSegment, type SegmentEnd } from './segment-reader.ts'

/** A segment that is valid, at least up to its place, which is behind its last valid record. */
export interface ExaminedSegment extends ChainPlace {
  readonly path: string
  readonly info: SegmentInfo
  readonly sizeBytes: number
  /** The tag of the last sealed record in it, or before it; zeros: there is none. */
  readonly seal: string
}

/** What is behind the end of a log, and is no part of it. */
export interface LogTail {
  readonly path: string
  readonly offset: number
  readonly lostBytes: number
  readonly reason: string
  /** The whole file is to go: it was being made. */
  readonly isWholeFile: boolean
}

/** A log that may be opened. */
export interface ExaminedLog {
  /** In order; none when the log has never been written. */
  readonly segments: readonly ExaminedSegment[]
  readonly tail: LogTail | undefined
  /** The position up to which the log says that it had been synced. */
  readonly synced: number
}

/** Whose log is expected, and how it can be read. */
export interface LogOwner {
  readonly directory: string
  readonly shard: number
  /** Default: none, so that a log that is encrypted is refused. */
  readonly keys?: KeyRing | undefined
}

/** The position of a place in a segment. */
export function positionOf(info: SegmentInfo, offset: number): number {
  return info.base + offset - MAGIC_BYTES
}

/** Numbers of the segments in a folder, ascending. */
export async function segmentNumbers(disk: Disk, folder: string): Promise<number[]> {
  const names = await disk.list(folder)
  return names.flatMap((name) => segmentNumber(name) ?? []).sort((a, b) => a - b)
}

/**
 * Visits the records of a log in order, but those that only tell of syncs. The folder is there. What the disk
 * throws is thrown. @throws SHL_LOG_DAMAGED when the middle is lost, with file and offset; SHL_LOG_FOREIGN
 * when a segment is of another directory or shard, or has another's name; SHL_KEY_MISSING
 */
export async function examineLog(
  disk: Disk,
  folder: string,
  owner: LogOwner,
  visit: (record: LogRecord, segment: SegmentInfo) => void,
): Promise<ExaminedLog> {
  const numbers = await segmentNumbers(disk, folder)
  const segments: ExaminedSegment[] = []
  let synced = 0
  for (const [i, number] of numbers.entries()) {
    const path = join(folder, segmentName(number))
    const before = segments.at(-1)
    if (before !== undefined && before.info.number + 1 !== number) {
      throw damaged(path, 0, `the segment before it, number ${number - 1}, is missing`)
    }
    const file = await disk.open(path, 'read')
    try {
      const describe = (info: SegmentInfo): void => checkInfo(path, info, number, owner, before)
      const end = await readSegment(file, visit, { describe, keys: owner.keys, path })
      synced = Math.max(synced, end.synced)
      if (end.info !== undefined) segments.push(segmentOf(path, end.info, end))
      if (end.reason === undefined) continue
      if (i + 1 < numbers.length || end.isForged) throw damaged(path, end.offset, end.reason)
      const tail = await tailOf(file, path, end, await headBytes(file, number, owner, before))
      return { segments, tail, synced }
    } finally {
      await file.close()
    }
  }
  return { segments, tail: undefined, synced }
}

function segmentOf(path: string, info: SegmentInfo, end: SegmentEnd): ExaminedSegment {
  const { offset, mark, checksum, seal, sizeBytes } = end
  return { path, info, offset, mark, checksum, seal, sizeBytes }
}

/** @throws SHL_LOG_FOREIGN, SHL_LOG_DAMAGED unless it is the segment that is expected here */
function checkInfo(
  path: string,
  info: SegmentInfo,
  number: number,
  { directory, shard }: LogOwner,
  before: ExaminedSegment | undefined,
): void {
  if (info.directory !== directory || info.shard !== shard || info.number !== number) {
    const found = `directory=${info.directory} shard=${info.shard} segment=${info.number}`
    const wanted = `directory=${directory} shard=${shard} segment=${number}`
    throw new ShardloomError('SHL_LOG_FOREIGN', { file: path, found, wanted })
  }
  // The ones before the first may be gone.
  if (before === undefined && number > 1) return
  const { base, previous } = infoBehind(before)
  const isSealed = info.sealing === undefined || info.sealing.seal === (before?.seal ?? NO_SEAL)
  if (info.base !== base || info.previous !== previous || !isSealed) {
    throw damaged(path, MAGIC_BYTES, 'the segment does not follow the one before it')
  }
}

/** What the segment behind another one says, or the first one. */
function infoBehind(before: ExaminedSegment | undefined): { base: number; previous: number } {
  if (before === undefined) return { base: 0, previous: 0 }
  return { base: positionOf(before.info, before.offset), previous: before.checksum }
}

/**
 * How long a segment can be that is being made; undefined: its neighbours are gone, so it was made long ago.
 */
async function headBytes(
  file: DiskFile,
  number: number,
  { directory, shard, keys = NO_KEYS }: LogOwner,
  before: ExaminedSegment | undefined,
): Promise<number | undefined> {
  if (before === undefined && number > 1) return undefined
  const sector = Buffer.alloc(SECTOR_BYTES)
  const start = sector.subarray(0, await file.read(0, sector))
  return segmentHeadBytes({ directory, shard, number, ...infoBehind(before) }, start, !keys.isEmpty)
}

/** @throws SHL_LOG_DAMAGED when the damage at the end of the last segment cannot be the fault of a crash */
async function tailOf(
  file: DiskFile,
  path: string,
  end: SegmentEnd,
  headBytes: number | undefined,
): Promise<LogTail> {
  const { info, offset, sizeBytes, reason = 'it is damaged' } = end
  if (info === undefined) {
    if (headBytes === undefined || sizeBytes > headBytes) throw damaged(path, offset, reason)
    return { path, offset: 0, lostBytes: sizeBytes, reason, isWholeFile: true }
  }
  let behind: number | undefined
  let synced = 0
  await findHeaders(file, end.mark, end.resumeOffset, (header) => {
    behind ??= header.offset
    if (header.kind === KIND_SYNCED) synced = Math.max(synced, header.revision)
  })
  if (behind !== undefined) {
    const wasSynced = synced > positionOf(info, offset)
    if (wasSynced || !(await holdsLostSector(file, offset, behind))) throw damaged(path, offset, reason)
  }
  return { path, offset, lostBytes: sizeBytes - offset, reason, isWholeFile: false }
}

/**
 * Whether a sector between two places was never written, as far as it is behind the first. The one that the
 * second is in was.
 */
async function holdsLostSector(file: DiskFile, from: number, to: number): Promise<boolean> {
  const sector = Buffer.alloc(SECTOR_BYTES)
  for (let at = Math.floor(from / SECTOR_BYTES) * SECTOR_BYTES; at + SECTOR_BYTES <= to; at += SECTOR_BYTES) {
    const start = Math.max(at, from)
    const count = await file.read(start, sector.subarray(0, at + SECTOR_BYTES - start))
    if (sector.subarray(0, count).every((byte) => byte === 0)) return true
  }
  return false
}

function damaged(file: string, offset: number, reason: string): ShardloomError {
  return new ShardloomError('SHL_LOG_DAMAGED', { file, offset, reason })
}

/**
 * Reads one segment of a log from its beginning, and says where it stops being one.
 *
 * Nothing is believed before it is proven: first the header, then the length that is in it, then what it is
 * the length of, and its place in the chain. What is behind the last proven record is damage, of whatever
 * kind; what it means is decided by `log-examination.ts`.
 *
 * Cost: a read of the file and its CRC; a search behind damage, 40 ns for every 8 bytes that may be a header.
 * Tests: test/storage/segment-reader.test.ts, log-examination.crash.test.ts
 */
import type { DiskFile } from '../base/index.ts'
import { FileWindow } from './file-window.ts'
import { isHeaderAt, LogChain } from './log-chain.ts'
import {
  claimedBytesAt,
  HEADER_BYTES,
  KIND_SEGMENT,
  KIND_SYNCED,
  kindAt,
  LOG_MAGIC,
  type LogRecord,
  MAGIC_BYTES,
  RECORD_ALIGN,
  recordAt,
  revisionAt,
} from './log-format.ts'
import { decodeSegmentInfo, type SegmentInfo } from './segment-info.ts'

/** How far a file is valid. */
export interface SegmentEnd {
  /** Undefined when not even that could be read. */
  readonly info: SegmentInfo | undefined
  /** The checksum of the first record. */
  readonly mark: number
  /** Behind the last valid record. */
  readonly offset: number
  /** The checksum of the last valid record. */
  readonly checksum: number
  readonly sizeBytes: number
  /** The position up to which the log says, in this file, that it had been synced; 0: it does not. */
  readonly synced: number
  /** Why what comes at `offset` is no record; undefined when nothing comes. */
  readonly reason: string | undefined
  /** Behind the record that is damaged, if its length is known: the next one could begin there. */
  readonly resumeOffset: number
}

/**
 * Visits the valid records of a file, in order: the one that describes it too, but none that only tells of a
 * sync. Before the first, `describe` may refuse the segment. What is thrown by either is thrown.
 */
export async function readSegment(
  file: DiskFile,
  visit: (record: LogRecord, info: SegmentInfo) => void,
  describe?: (info: SegmentInfo) => void,
): Promise<SegmentEnd> {
  const window = new FileWindow(file, await file.size())
  const { sizeBytes } = window
  const chain = new LogChain()
  let info: SegmentInfo | undefined
  let resumeOffset = 0
  let synced = 0
  const end = (reason?: string): SegmentEnd => {
    const { mark, offset, checksum } = chain
    resumeOffset = Math.max(resumeOffset, offset)
    return { info, mark, offset, checksum, sizeBytes, synced, reason, resumeOffset }
  }
  if (!(await window.holds(0, MAGIC_BYTES))) return end('the file is too short to be a segment')
  if (window.area.bytes.latin1Slice(0, MAGIC_BYTES) !== LOG_MAGIC) {
    return end('the file does not begin as a segment of this version does')
  }
  for (;;) {
    const { offset } = chain
    if (offset === sizeBytes) return end(info === undefined ? 'the first record is missing' : undefined)
    resumeOffset = offset + RECORD_ALIGN
    if (!window.has(offset, HEADER_BYTES) && !(await window.holds(offset, HEADER_BYTES))) {
      return end('a header is cut short')
    }
    if (!chain.hasHeader(window.area, offset - window.base)) return end('no record begins here')
    const recordSize = claimedBytesAt(window.area, offset - window.base)
    resumeOffset = offset + recordSize
    if (!window.has(offset, recordSize) && !(await window.holds(offset, recordSize))) {
      return end('a record is cut short')
    }
    const at = offset - window.base
    if (!chain.hasBody(window.area, at, recordSize)) return end('the checksum of a record is wrong')
    const isFirst = info === undefined
    if (isFirst !== (kindAt(window.area, at) === KIND_SEGMENT)) {
      return end('the record that describes the segment is misplaced')
    }
    if (kindAt(window.area, at) === KIND_SYNCED) {
      synced = revisionAt(window.area, at)
      chain.pass(window.area, at, recordSize)
      continue
    }
    const record = recordAt(window.area, at, recordSize, window.base)
    if (info === undefined) {
      info = decodeSegmentInfo(record.payload)
      if (info === undefined) return end('the segment is not described')
      describe?.(info)
    }
    chain.pass(window.area, at, recordSize)
    visit(record, info)
  }
}

/** A header that was found: there was a record here. */
export interface FoundHeader {
  readonly offset: number
  readonly kind: number
  readonly revision: number
}

/** Looks behind damage for headers that are valid in their places, and calls back for each. */
export async function findHeaders(
  file: DiskFile,
  mark: number,
  from: number,
  visit: (header: FoundHeader) => void,
): Promise<void> {
  const window = new FileWindow(file, await file.size())
  let offset = Math.ceil(from / RECORD_ALIGN) * RECORD_ALIGN
  while (offset + HEADER_BYTES <= window.sizeBytes) {
    if (!window.has(offset, HEADER_BYTES) && !(await window.holds(offset, HEADER_BYTES))) return
    const { area } = window
    const at = offset - window.base
    if (isHeaderAt(area, at, mark, offset)) {
      visit({ offset, kind: kindAt(area, at), revision: revisionAt(area, at) })
      offset += claimedBytesAt(area, at)
    } else {
      offset += RECORD_ALIGN
    }
  }
}

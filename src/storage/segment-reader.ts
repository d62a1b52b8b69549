/**
 * Reads one segment of a log from its beginning, and says where it stops being one.
 *
 * Nothing is believed before it is proven: first the header, then the length that is in it, then what it is
 * the length of, and its place in the chain. What is behind the last proven record is damage, of whatever
 * kind; what it means is decided by `log-examination.ts`.
 *
 * In a segment that is encrypted everything but its description and what tells of syncs is sealed. A checksum
 * can be computed by anybody, so what is not sealed there, or not with the key, was forged.
 *
 * Cost: a read of the file and its CRC; a search behind damage, 40 ns for every 8 bytes that may be a header.
 * Tests: test/storage/segment-reader.test.ts, log-examination.crash.test.ts
 */
import { dirname } from 'node:path'
import { type DiskFile, ShardloomError } from '../base/index.ts'
import { FileWindow } from './file-window.ts'
import { isHeaderAt, LogChain } from './log-chain.ts'
import {
  claimedBytesAt,
  HEADER_BYTES,
  KIND_SEALED,
  KIND_SEGMENT,
  KIND_SYNCED,
  kindAt,
  LOG_MAGIC,
  LOG_VERSION,
  type LogRecord,
  MAGIC_BYTES,
  RECORD_ALIGN,
  recordAt,
  revisionAt,
} from './log-format.ts'
import { type KeyRing, NO_KEYS } from './log-key.ts'
import type { RecordArea } from './record-area.ts'
import { RunProof } from './run-proof.ts'
import { GroupOpener } from './sealed-group.ts'
import { decodeSegmentInfo, NO_SEAL, type SegmentInfo, segmentName } from './segment-info.ts'

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
  /** The tag of the last sealed record, of this segment or those before it; zeros: there is none. */
  readonly seal: string
  readonly sizeBytes: number
  /** The position up to which the log says, in this file, that it had been synced; 0: it does not. */
  readonly synced: number
  /** Why what comes at `offset` is no record; undefined when nothing comes. */
  readonly reason: string | undefined
  /** It is as it was written, but not by whoever has the key: no crash does that. */
  readonly isForged: boolean
  /** Behind the record that is damaged, if its length is known: the next one could begin there. */
  readonly resumeOffset: number
}

/** What reading a segment may need. */
export interface SegmentReading {
  /** Called before the first record is handed on; it may refuse the segment. What it throws is thrown. */
  readonly describe?: (info: SegmentInfo) => void
  /** Default: none, so that a segment that is encrypted is refused. */
  readonly keys?: KeyRing | undefined
  /** Names the file in an error. Default: as the segment says it is called. */
  readonly path?: string
}

const ONE_BIT_FROM_OURS: ReadonlySet<number> = new Set([3, 5, 9])

/** Takes a record. */
type RecordTaker = (record: LogRecord, info: SegmentInfo) => void

/**
 * Visits the valid records of a file, in order: the one that describes it too, but none that only tells of a
 * sync; of a sealed one those within. What `visit` throws is thrown. @throws SHL_KEY_MISSING;
 * SHL_DIRECTORY_UNKNOWN when a newer version has written the file
 */
export async function readSegment(
  file: DiskFile,
  visit: RecordTaker,
  reading: SegmentReading = {},
): Promise<SegmentEnd> {
  const window = new FileWindow(file, await file.size())
  const { sizeBytes } = window
  const chain = new LogChain()
  const content = new SegmentContent(visit, reading)
  const proof = new RunProof()
  /** Up to here records are proven, and were looked at together. */
  let proven = 0
  let tried = 0
  let resumeOffset = 0
  const end = (reason?: string, isForged = false): SegmentEnd => {
    const { mark, offset, checksum } = chain
    const { info, synced, seal } = content
    resumeOffset = Math.max(resumeOffset, offset)
    return { info, mark, offset, checksum, seal, sizeBytes, synced, reason, isForged, resumeOffset }
  }
  if (!(await window.holds(0, MAGIC_BYTES))) return end('the file is too short to be a segment')
  const magic = window.area.bytes.latin1Slice(0, MAGIC_BYTES)
  if (magic !== LOG_MAGIC) {
    checkVersion(magic, reading.path)
    return end('the file does not begin as a segment of this version does')
  }
  for (;;) {
    const { offset } = chain
    if (offset === sizeBytes)
      return end(content.info === undefined ? 'the first record is missing' : undefined)
    resumeOffset = offset + RECORD_ALIGN
    if (!window.has(offset, HEADER_BYTES) && !(await window.holds(offset, HEADER_BYTES))) {
      return end('a header is cut short')
    }
    if (content.info !== undefined && offset >= tried) {
      const at = offset - window.base
      proven = window.base + proof.prove(window.area, at, window.lengthBytes, chain)
      tried = window.base + proof.tried
    }
    const isProven = offset < proven
    if (!isProven && !chain.hasHeader(window.area, offset - window.base)) return end('no record begins here')
    const recordSize = claimedBytesAt(window.area, offset - window.base)
    resumeOffset = offset + recordSize
    if (!window.has(offset, recordSize) && !(await window.holds(offset, recordSize))) {
      return end('a record is cut short')
    }
    const at = offset - window.base
    if (!isProven && !chain.hasBody(window.area, at, recordSize))
      return end('the checksum of a record is wrong')
    const wrong = content.take(window.area, at, recordSize, window.base)
    if (wrong !== undefined) return end(wrong, content.isForged)
    chain.pass(window.area, at, recordSize)
  }
}

/**
 * A newer version's file is as it should be, and nothing to repair. Numbers that are one bit from ours are
 * never given to a version: these are decay. @throws SHL_DIRECTORY_UNKNOWN
 */
function checkVersion(magic: string, path = 'this segment'): void {
  const version = Number(/^shardloom log (\d+)\n?$/.exec(magic)?.[1] ?? 0)
  if (version <= LOG_VERSION || ONE_BIT_FROM_OURS.has(version)) return
  const versions = `its log has version ${version}, this one reads ${LOG_VERSION}`
  const reason = `a newer version has written ${path}: ${versions}`
  throw new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir: dirname(dirname(path)), reason })
}

/** What is in a segment, record by record; each is proven by the chain. */
class SegmentContent {
  info: SegmentInfo | undefined
  synced = 0
  isForged = false
  readonly #visit: RecordTaker
  readonly #reading: SegmentReading
  /** Undefined: the segment is in the clear. */
  #opener: GroupOpener | undefined

  constructor(visit: RecordTaker, reading: SegmentReading) {
    this.#visit = visit
    this.#reading = reading
  }

  /** The last seal. Nobody knows what was before what is in the clear. */
  get seal(): string {
    return this.#opener?.seal ?? NO_SEAL
  }

  /** Takes the next record; why it has no place here. */
  take(area: RecordArea, at: number, sizeBytes: number, base: number): string | undefined {
    const kind = kindAt(area, at)
    if ((this.info === undefined) !== (kind === KIND_SEGMENT)) {
      return 'the record that describes the segment is misplaced'
    }
    if (kind === KIND_SYNCED) {
      this.synced = revisionAt(area, at)
      return undefined
    }
    const record = recordAt(area, at, sizeBytes, base)
    if (this.info === undefined) return this.#describe(record)
    if (kind === KIND_SEALED) return this.#open(record, this.info)
    if (this.#opener !== undefined)
      return this.#forged('a record is not sealed, in a segment that is encrypted')
    this.#visit(record, this.info)
    return undefined
  }

  #describe(record: LogRecord): string | undefined {
    const info = decodeSegmentInfo(record.payload)
    if (info === undefined) return 'the segment is not described'
    const { describe, keys = NO_KEYS, path = segmentName(info.number) } = this.#reading
    describe?.(info)
    const key = keys.fileKey(info, path)
    if (key !== undefined) this.#opener = new GroupOpener(key, info)
    this.info = info
    this.#visit(record, info)
    return undefined
  }

  #open(group: LogRecord, info: SegmentInfo): string | undefined {
    if (this.#opener === undefined)
      return this.#forged('a record is sealed, in a segment that is not encrypted')
    const records = this.#opener.open(group)
    if (records === undefined) return this.#forged('the seal of a record is broken')
    for (const record of records) this.#visit(record, info)
    return undefined
  }

  #forged(reason: string): string {
    this.isForged = true
    return reason
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

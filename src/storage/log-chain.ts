/**
 * The chain that makes records one log: what a record begins its checksums with, so that it is valid in one
 * place only.
 *
 *     header's    begins with   mark + offset / 8: which segment, and where in it
 *     record's    begins with   the checksum of the record before, XORed with the header's
 *
 * `mark` is the checksum of the first record of the file, which tells of its directory, shard, number and of
 * the file before it. The first record itself begins with zeros for both.
 *
 * Why two checksums. The record's proves the chain: a record that was removed, repeated or moved breaks it.
 * The header's can be proven without what was before, so that a record is found behind damage; and since it
 * is bound to its place, nothing that a client writes into a payload is taken for one: not a copy of a log,
 * and, since a mark is not known outside, nothing that was made on purpose.
 *
 * Writer and reader walk along the same way: `seal` on one side, `hasHeader`, `hasBody`, `pass` on the other.
 *
 * Cost: 30 ns for the header, then a CRC of the rest. Tests: test/storage/log-chain.test.ts
 */
import { crc32Of } from './crc.ts'
import {
  CHECKED_HEADER,
  checksumAt,
  claimedBytesAt,
  HEADER_BYTES,
  headerChecksumAt,
  KIND_SEGMENT,
  kindAt,
  MAGIC_BYTES,
  RECORD_ALIGN,
  type RecordFields,
  recordBytes,
  writeChecksum,
  writeFields,
  writeHeaderChecksum,
} from './log-format.ts'
import type { RecordArea } from './record-area.ts'
import { maskZeroSectors } from './zero-sectors.ts'

/** A place between two records of a log. */
export interface ChainPlace {
  /** Where the next record begins in its file. */
  readonly offset: number
  /** Of the segment; 0 before its first record. */
  readonly mark: number
  /** Of the record before; 0 before the first of a file. */
  readonly checksum: number
}

/** Walks along a log. */
export class LogChain implements ChainPlace {
  offset: number
  mark: number
  checksum: number

  /** Begins at a place; without one, at the beginning of a file. */
  constructor(place: ChainPlace = { offset: MAGIC_BYTES, mark: 0, checksum: 0 }) {
    this.offset = place.offset
    this.mark = place.mark
    this.checksum = place.checksum
  }

  /** Goes to the beginning of the next file. */
  beginFile(): void {
    this.offset = MAGIC_BYTES
    this.mark = 0
    this.checksum = 0
  }

  /** Makes a record of a payload that lies in its place behind `start`, and passes it: its bytes. */
  seal(area: RecordArea, start: number, payloadBytes: number, fields: RecordFields): number {
    const sizeBytes = recordBytes(payloadBytes, fields.participants.length)
    writeFields(area, start, payloadBytes, fields)
    maskZeroSectors(area.bytes, start, sizeBytes, this.offset)
    writeHeaderChecksum(area, start, headerCrc(area, start, this.mark, this.offset))
    writeChecksum(area, start, this.#bodyCrc(area, start, sizeBytes))
    this.pass(area, start, sizeBytes)
    return sizeBytes
  }

  /** Whether a record of this file begins here, by its header. */
  hasHeader(area: RecordArea, at: number): boolean {
    return isHeaderAt(area, at, this.mark, this.offset)
  }

  /** Whether the record, whose header is proven and which is there whole, is as it was written, and next. */
  hasBody(area: RecordArea, at: number, sizeBytes: number): boolean {
    return this.#bodyCrc(area, at, sizeBytes) === checksumAt(area, at)
  }

  /** Goes behind a record. */
  pass(area: RecordArea, at: number, sizeBytes: number): void {
    this.checksum = checksumAt(area, at)
    if (kindAt(area, at) === KIND_SEGMENT) this.mark = this.checksum
    this.offset += sizeBytes
  }

  #bodyCrc(area: RecordArea, start: number, sizeBytes: number): number {
    const seed = (this.checksum ^ headerChecksumAt(area, start)) >>> 0
    return crc32Of(area.bytes, start + HEADER_BYTES, start + sizeBytes, seed)
  }
}

/** Whether the header of a record that was written to this place of this segment is there, and intact. */
export function isHeaderAt(area: RecordArea, at: number, mark: number, offset: number): boolean {
  if (claimedBytesAt(area, at) === 0) return false
  return headerCrc(area, at, mark, offset) === headerChecksumAt(area, at)
}

function headerCrc(area: RecordArea, at: number, mark: number, offset: number): number {
  const place = (mark + offset / RECORD_ALIGN) >>> 0
  return crc32Of(area.bytes, at + CHECKED_HEADER, at + HEADER_BYTES, place)
}

/**
 * The format of a log segment: sixteen bytes that say what the file is, then records.
 *
 *     file      "shardloom log 1\n", record, record, …
 *
 *     record    offset   bytes   field, little-endian
 *               0        4       checksum of what is behind the header, the zeros at the end included
 *               4        4       checksum of the rest of the header
 *               8        4       length of the payload
 *               12       1       kind
 *               13       1       mask: what is behind the header is XORed with it, byte by byte; 0: it is not
 *               14       2       participants: how many shards have a part of the transaction; 0: it is none
 *               16       8       revision, a double that is a whole number; a `synced` record: a position
 *               24       8       wall-clock milliseconds of what the record tells, a double
 *               32       2 · n   participants, by their number, ascending
 *               …        …       payload
 *               …        0-7     zeros: the next record begins at a multiple of 8
 *
 * Both checksums are CRC-32 that do not begin with nothing, but with the place of the record (the header's)
 * and with the record before it (the other one): see `log-chain.ts`. The first record of a file is of the
 * kind `segment` and describes it: see `segment-info.ts`.
 *
 * The header can be proven alone. So a length is proven before it is believed, a record that is cut short
 * shows how far it would have gone, and what looks like a record within a payload is none.
 *
 * Invariants: (1) revisions of commits grow within a shard, but for those of transactions over several
 * shards, which are drawn before; (2) nothing is behind the last record; (3) no sector is all zeros, or one
 * bit from it: see `zero-sectors.ts`.
 * Specification: docs/formats/log.md. Tests: test/storage/log-format.test.ts
 */
import { assert } from '../base/index.ts'
import type { RecordArea } from './record-area.ts'

/** The number in it is the version of the format. */
export const LOG_VERSION = 1
export const LOG_MAGIC: string = `shardloom log ${LOG_VERSION}\n`
export const MAGIC_BYTES: number = LOG_MAGIC.length

export const RECORD_ALIGN = 8
export const HEADER_BYTES = 32
const HEADER_CHECKSUM = 4
const LENGTH = 8
const KIND = 12
export const MASK = 13
const PARTICIPANTS = 14
const REVISION = 16
const AT_MS = 24
/** What the checksum of the header is of begins here. */
export const CHECKED_HEADER: number = LENGTH

/** What a disk writes whole or not at all. */
export const SECTOR_BYTES = 512

/** As many as there may be shards. */
export const PARTICIPANTS_MAX = 1024
export const PAYLOAD_BYTES_MAX: number = 2 ** 31 - 1 - HEADER_BYTES - 2 * PARTICIPANTS_MAX - RECORD_ALIGN

/** Kinds of records. Stored: never change one. */
export const KIND_SEGMENT = 1
export const KIND_COMMIT = 2
export const KIND_SNAPSHOT_BEGIN = 3
export const KIND_STATE = 4
export const KIND_SNAPSHOT_END = 5
/** Says up to which position the log had been synced when it was written. */
export const KIND_SYNCED = 6
export const KIND_SLOTS = 7
/** Of transactions over several shards; see `keyspace/durability/part-log.ts`. */
export const KIND_PREPARED = 8
export const KIND_DECIDED = 9
export const KIND_CONCLUDED = 10
/** Holds records that are encrypted; see `sealed-group.ts`. */
export const KIND_SEALED = 11
const KIND_MAX = KIND_SEALED

assert(HEADER_BYTES % RECORD_ALIGN === 0 && MAGIC_BYTES % RECORD_ALIGN === 0, 'records begin aligned')
assert(AT_MS + 8 === HEADER_BYTES, 'the header has no bytes that nobody reads')

/** What a record says before its payload. */
export interface RecordFields {
  readonly kind: number
  readonly revision: number
  readonly atMs: number
  readonly participants: readonly number[]
}

/** A record as it was read. Its bytes are valid until the next one is read. */
export interface LogRecord extends RecordFields {
  readonly payload: Uint8Array
  /** The payload again, among other bytes: a view of its own costs more than all the rest of a record. */
  readonly bytes: Uint8Array
  readonly payloadOffset: number
  readonly payloadEnd: number
  /** Where it begins in its file, and what follows begins; of a sealed one, where its group does. */
  readonly offset: number
  readonly endOffset: number
  /** Which of the records that begin there, from 0 on. */
  readonly index: number
}

/** Where a record is in its file. */
export type RecordPlace = Pick<LogRecord, 'offset' | 'endOffset' | 'index'>

const NO_PARTICIPANTS: readonly number[] = []

/** Bytes of a record, from its first to the next one's first. */
export function recordBytes(payloadBytes: number, participantCount: number): number {
  return (HEADER_BYTES + 2 * participantCount + payloadBytes + RECORD_ALIGN - 1) & -RECORD_ALIGN
}

/** Writes everything but the payload, the mask and the checksums. @throws SHL_ASSERTION */
export function writeFields(
  { bytes, view }: RecordArea,
  start: number,
  payloadBytes: number,
  fields: RecordFields,
): void {
  const { kind, revision, atMs, participants } = fields
  assert(kind > 0 && kind <= KIND_MAX, 'a record has a kind')
  assert(payloadBytes <= PAYLOAD_BYTES_MAX, 'a record has a size')
  assert(participants.length <= PARTICIPANTS_MAX, 'a record has no more participants than there are shards')
  assert(Number.isSafeInteger(revision) && Number.isFinite(atMs), 'a record has a revision and a time')
  view.setUint32(start + LENGTH, payloadBytes, true)
  view.setUint8(start + KIND, kind)
  view.setUint8(start + MASK, 0)
  view.setUint16(start + PARTICIPANTS, participants.length, true)
  view.setFloat64(start + REVISION, revision, true)
  view.setFloat64(start + AT_MS, atMs, true)
  let at = start + HEADER_BYTES
  for (let i = 0; i < participants.length; i++, at += 2) view.setUint16(at, participants[i]!, true)
  const end = start + recordBytes(payloadBytes, participants.length)
  for (let i = at + payloadBytes; i < end; i++) bytes[i] = 0
}

/** The checksum that a record carries, with which the next one's begins. */
export function checksumAt({ view }: RecordArea, offset: number): number {
  return view.getUint32(offset, true)
}

export function headerChecksumAt({ view }: RecordArea, offset: number): number {
  return view.getUint32(offset + HEADER_CHECKSUM, true)
}

export function writeChecksum({ view }: RecordArea, start: number, checksum: number): void {
  view.setUint32(start, checksum, true)
}

export function writeHeaderChecksum({ view }: RecordArea, start: number, checksum: number): void {
  view.setUint32(start + HEADER_CHECKSUM, checksum, true)
}

export function kindAt({ bytes }: RecordArea, offset: number): number {
  return bytes[offset + KIND]!
}

export function revisionAt({ view }: RecordArea, offset: number): number {
  return view.getFloat64(offset + REVISION, true)
}

/**
 * How many bytes the record at `offset` claims to have, once its header is there; 0 when the header cannot be
 * one. Nothing of it is proven before the header's checksum is.
 */
export function claimedBytesAt({ bytes, view }: RecordArea, offset: number): number {
  const kind = bytes[offset + KIND]!
  if (kind === 0 || kind > KIND_MAX) return 0
  const participants = view.getUint16(offset + PARTICIPANTS, true)
  const payloadBytes = view.getUint32(offset + LENGTH, true)
  if (participants > PARTICIPANTS_MAX || payloadBytes > PAYLOAD_BYTES_MAX) return 0
  return recordBytes(payloadBytes, participants)
}

export function maskAt({ bytes }: RecordArea, offset: number): number {
  return bytes[offset + MASK]!
}

/** A record that has been proven. `baseOffset` is where the area begins in the file. */
export function recordAt(area: RecordArea, offset: number, sizeBytes: number, baseOffset: number): LogRecord {
  const begin = baseOffset + offset
  return recordIn(area, offset, sizeBytes, { offset: begin, endOffset: begin + sizeBytes, index: 0 })
}

/** One whose place is known. */
export function recordIn(area: RecordArea, offset: number, sizeBytes: number, place: RecordPlace): LogRecord {
  const { bytes } = area
  const mask = bytes[offset + MASK]!
  const from = offset + HEADER_BYTES
  if (mask === 0) return new ReadRecord(area, offset, bytes, from, place)
  return new ReadRecord(area, offset, unmasked(bytes.subarray(from, offset + sizeBytes), mask), 0, place)
}

/** Makes a view of its payload only for whoever asks. */
class ReadRecord implements LogRecord {
  readonly kind: number
  readonly revision: number
  readonly atMs: number
  readonly participants: readonly number[]
  readonly bytes: Buffer
  readonly payloadOffset: number
  readonly payloadEnd: number
  readonly offset: number
  readonly endOffset: number
  readonly index: number

  /** What is behind the header lies at `at` of `body`. */
  constructor(area: RecordArea, header: number, body: Buffer, at: number, place: RecordPlace) {
    const { bytes, view } = area
    const count = view.getUint16(header + PARTICIPANTS, true)
    this.kind = bytes[header + KIND]!
    this.revision = revisionAt(area, header)
    this.atMs = view.getFloat64(header + AT_MS, true)
    this.participants =
      count === 0 ? NO_PARTICIPANTS : Array.from({ length: count }, (_, i) => body.readUInt16LE(at + 2 * i))
    this.bytes = body
    this.payloadOffset = at + 2 * count
    this.payloadEnd = this.payloadOffset + view.getUint32(header + LENGTH, true)
    this.offset = place.offset
    this.endOffset = place.endOffset
    this.index = place.index
  }

  get payload(): Uint8Array {
    return this.bytes.subarray(this.payloadOffset, this.payloadEnd)
  }
}

/** A copy: what was read stays as it is in the file. */
function unmasked(bytes: Buffer, mask: number): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length)
  for (let i = 0; i < bytes.length; i++) copy[i] = bytes[i]! ^ mask
  return copy
}

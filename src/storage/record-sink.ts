/**
 * Where records are put together: one buffer, in which they lie as they will in the file.
 *
 * A payload is written behind a header that is filled in last, when its length and its checksums are known.
 * What is done is taken as a whole and written by one call; the next records go into another buffer.
 *
 * With a cipher, records are put into groups, which are encrypted when they are taken, or before a record
 * that stays in the clear (`sealed-group.ts`). What a group adds counts with its first record: so whoever
 * adds up sizes has positions in the file, at the end of each group.
 *
 * Numbers are LEB128, seven bits a byte, the lowest first, below 2^53; texts are byte strings, one character
 * a byte.
 *
 * Cost: about 0.2 µs for a record of 100 bytes, two thirds of it for checksums.
 * Tests: test/storage/record-sink.test.ts
 */
import { assert } from '../base/index.ts'
import { writeLatin1 } from '../codec/index.ts'
import type { LogChain } from './log-chain.ts'
import type { LogCipher } from './log-cipher.ts'
import {
  HEADER_BYTES,
  KIND_SEALED,
  PAYLOAD_BYTES_MAX,
  type RecordFields,
  recordBytes,
  writeChecksum,
  writeFields,
  writeHeaderChecksum,
} from './log-format.ts'
import { newArea, type RecordArea } from './record-area.ts'
import {
  COUNT_BYTES,
  GROUP_BYTES,
  GROUP_HEAD_BYTES,
  GROUP_OVERHEAD_BYTES,
  NONCE_BYTES,
} from './sealed-group.ts'
import { encodeSegmentInfo, type SegmentInfo, TAG_BYTES } from './segment-info.ts'

const FIRST_BYTES = 64 * 1024
/** A buffer that has grown beyond this is not kept. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024
const NUMBER_BYTES_MAX = 8
const NO_GROUP = -1
const NOBODY: readonly number[] = []

/** Writes records behind each other. */
export class RecordSink {
  /** Bytes of the records that are done. */
  lengthBytes = 0
  /** Where the next record will be. */
  readonly chain: LogChain
  #area = newArea(FIRST_BYTES)
  /** What was taken lies in the one; the other is for what comes next. */
  #lent: RecordArea | undefined = undefined
  #spare: RecordArea | undefined = undefined
  /** Where the record begins, where the next byte of its payload goes, and where its first one went. */
  #start = 0
  #at = 0
  #payload = 0
  readonly #cipher: LogCipher | undefined
  /** The record stays in the clear. */
  #isClear = true
  /** Where the group begins that the next record goes into. */
  #group = NO_GROUP
  #count = 0
  #revision = 0

  /** With a cipher, what is written before a segment is begun goes into the one that the cipher knows. */
  constructor(chain: LogChain, cipher?: LogCipher) {
    this.chain = chain
    this.#cipher = cipher
  }

  /** Begins a record: its payload follows, then `end`. */
  begin(participantCount = 0): void {
    this.#start = this.lengthBytes
    this.#isClear = this.#cipher === undefined
    if (!this.#isClear && this.#group === NO_GROUP) this.#start += GROUP_HEAD_BYTES
    this.#beginPayload(participantCount)
  }

  /** Begins a record that is never encrypted. */
  beginClear(): void {
    this.#sealGroup()
    this.#start = this.lengthBytes
    this.#isClear = true
    this.#beginPayload(0)
  }

  /** Begins the record that describes the next file. What comes behind it goes into that. */
  beginSegment(place: Omit<SegmentInfo, 'previous' | 'sealing'>): void {
    this.#sealGroup()
    const info = { ...place, previous: this.chain.checksum }
    this.chain.beginFile()
    this.beginClear()
    this.raw(encodeSegmentInfo(this.#cipher?.describe(info) ?? info))
  }

  #beginPayload(participantCount: number): void {
    this.#at = this.#start
    this.#reserve(HEADER_BYTES + 2 * participantCount)
    this.#at += HEADER_BYTES + 2 * participantCount
    this.#payload = this.#at
  }

  /**
   * Ends it: its bytes, and those of the group that it begins. @throws SHL_ASSERTION when it is not what was
   * begun, or too long
   */
  end(fields: RecordFields): number {
    const start = this.#start
    assert(
      this.#payload === start + HEADER_BYTES + 2 * fields.participants.length,
      'a record has as many participants as it was begun with',
    )
    const payloadBytes = this.#at - this.#payload
    this.#reserve(recordBytes(payloadBytes, fields.participants.length) - (this.#at - start))
    if (!this.#isClear) return this.#endSealed(start, payloadBytes, fields)
    const sizeBytes = this.chain.seal(this.#area, start, payloadBytes, fields)
    this.lengthBytes = start + sizeBytes
    return sizeBytes
  }

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    assert(value >= 0 && value <= Number.MAX_SAFE_INTEGER, 'a number is whole, and not negative')
    this.#reserve(NUMBER_BYTES_MAX)
    const { bytes } = this.#area
    let rest = value
    let at = this.#at
    while (rest > 0x7f) {
      bytes[at++] = (rest % 0x80) | 0x80
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80)
    }
    bytes[at++] = rest
    this.#at = at
  }

  float64(value: number): void {
    this.#reserve(8)
    this.#area.view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  /** A byte string or bytes, behind their length. */
  block(value: string | Uint8Array): void {
    const count = value.length
    this.number(count)
    this.#reserve(count)
    const { bytes } = this.#area
    const at = this.#at
    if (typeof value !== 'string') bytes.set(value, at)
    else writeLatin1(bytes, value, at)
    this.#at = at + count
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#area.bytes.set(value, this.#at)
    this.#at += value.length
  }

  /** The bytes of all records that are done. They stay as they are until `giveBack`. */
  take(): Uint8Array {
    this.#sealGroup()
    const taken = this.#area.bytes.subarray(0, this.lengthBytes)
    this.#lent = this.#area
    this.#area = this.#spare ?? newArea(FIRST_BYTES)
    this.#spare = undefined
    this.lengthBytes = 0
    return taken
  }

  /** What was taken last is written: its memory may be used again. */
  giveBack(): void {
    const lent = this.#lent
    this.#lent = undefined
    if (lent !== undefined && lent.bytes.length <= KEPT_BYTES_MAX) this.#spare = lent
  }

  /** Forgets the records that are done. */
  clear(): void {
    this.lengthBytes = 0
    this.#group = NO_GROUP
  }

  /** Ends a record within a group. It has no checksums: the seal of the group proves it. */
  #endSealed(start: number, payloadBytes: number, fields: RecordFields): number {
    const area = this.#area
    const sizeBytes = recordBytes(payloadBytes, fields.participants.length)
    const isFirst = this.#group === NO_GROUP
    const group = isFirst ? start - GROUP_HEAD_BYTES : this.#group
    assert(start + sizeBytes - group <= PAYLOAD_BYTES_MAX - TAG_BYTES, 'a group of records has a size')
    writeFields(area, start, payloadBytes, fields)
    writeChecksum(area, start, 0)
    writeHeaderChecksum(area, start, 0)
    this.#group = group
    this.#count = isFirst ? 1 : this.#count + 1
    this.#revision = isFirst ? fields.revision : Math.max(this.#revision, fields.revision)
    this.lengthBytes = start + sizeBytes
    if (this.lengthBytes - group >= GROUP_BYTES) this.#sealGroup()
    return isFirst ? sizeBytes + GROUP_OVERHEAD_BYTES : sizeBytes
  }

  /** Encrypts the records of a group, and makes one record of them. */
  #sealGroup(): void {
    const start = this.#group
    if (start === NO_GROUP || this.#cipher === undefined) return
    this.#group = NO_GROUP
    const plainBytes = this.lengthBytes - start - GROUP_HEAD_BYTES
    this.#at = this.lengthBytes
    this.#reserve(TAG_BYTES)
    const [revision, count] = [this.#revision, this.#count]
    this.#cipher.seal(this.#area, start, { offset: this.chain.offset, revision, count, plainBytes })
    const payloadBytes = COUNT_BYTES + NONCE_BYTES + plainBytes + TAG_BYTES
    const fields = { kind: KIND_SEALED, revision, atMs: 0, participants: NOBODY }
    this.lengthBytes = start + this.chain.seal(this.#area, start, payloadBytes, fields)
  }

  #reserve(count: number): void {
    const needed = this.#at + count
    const { bytes } = this.#area
    if (needed <= bytes.length) return
    const grown = newArea(Math.max(needed, 2 * bytes.length))
    bytes.copy(grown.bytes, 0, 0, this.#at)
    this.#area = grown
  }
}

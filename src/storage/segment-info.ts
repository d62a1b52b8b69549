/**
 * What a segment says of itself, in its name and in its first record.
 *
 * The first record names the directory and the shard, so that files of another one are noticed; the number,
 * so that files are not swapped; the position it begins at; and the checksum that the file before it ends
 * with, so that the chain goes on from file to file. It is written and synced before any other record.
 *
 * A segment that is encrypted says first which key it needs, and with what salt; and with what seal the one
 * before it ends, which is for secret keys what the checksum is for decay: nobody without the key makes
 * another end. All of it is in the clear, and goes into the key of the file (`log-key.ts`).
 *
 * JSON, because it is read by people when something is wrong. Tests: test/storage/segment-info.test.ts
 */
import { HEADER_BYTES, MAGIC_BYTES, recordBytes } from './log-format.ts'

/** How a segment is encrypted; hexadecimal. */
export interface SegmentSealing {
  /** The id of the key. */
  readonly key: string
  /** Drawn for this segment. */
  readonly salt: string
  /** The tag of the last sealed record before it; zeros: there is none, or the segment before is clear. */
  readonly seal: string
}

/** What the first record of a file says of it. */
export interface SegmentInfo {
  /** Drawn when the directory was made: segments of two directories are not mixed up. */
  readonly directory: string
  readonly shard: number
  /** From 1 on, without gaps. */
  readonly number: number
  /** Bytes of all records before it, also of those in segments that are gone. */
  readonly base: number
  /** The checksum of the last record before it; 0: it is the first segment. */
  readonly previous: number
  /** Undefined: it is in the clear. */
  readonly sealing?: SegmentSealing | undefined
}

export const SALT_BYTES = 32
export const TAG_BYTES = 16
/** The seal of nothing. */
export const NO_SEAL: string = '0'.repeat(2 * TAG_BYTES)
const SEALING: SegmentSealing = { key: '0'.repeat(16), salt: '0'.repeat(2 * SALT_BYTES), seal: NO_SEAL }
/** How the description of an encrypted segment begins, and of no other one. */
const SEALED_MARK = '{"key":"'

/** The payload of a `segment` record. */
export function encodeSegmentInfo(info: SegmentInfo): Buffer {
  const { directory, shard, number, base, previous, sealing } = info
  const { key, salt, seal } = sealing ?? {}
  return Buffer.from(JSON.stringify({ key, salt, seal, directory, shard, number, base, previous }))
}

/** Undefined when it is not one. */
export function decodeSegmentInfo(payload: Uint8Array): SegmentInfo | undefined {
  let found: unknown
  try {
    found = JSON.parse(Buffer.from(payload).toString())
  } catch {
    // Not JSON: whoever reads it says which file, and where.
    return undefined
  }
  if (typeof found !== 'object' || found === null) return undefined
  const { directory, shard, number, base, previous } = found as Partial<SegmentInfo>
  if (typeof directory !== 'string' || !isCount(shard) || !isCount(number)) return undefined
  if (!isCount(base) || !isCount(previous)) return undefined
  const info = { directory, shard, number, base, previous }
  const { key, salt, seal } = found as Partial<SegmentSealing>
  if (key === undefined && salt === undefined && seal === undefined) return info
  if (!isHex(key, SEALING.key) || !isHex(salt, SEALING.salt) || !isHex(seal, SEALING.seal)) return undefined
  return { ...info, sealing: { key, salt, seal } }
}

/**
 * The most bytes that a file can have which holds nothing but what describes it. Whether it is encrypted is
 * not known when that is damaged: `start` is what the file begins with. The description of an encrypted one
 * is longer, and begins in another way; where nothing has come to the disk it may have been either, for
 * whoever has keys.
 */
export function segmentHeadBytes(info: SegmentInfo, start: Buffer, hasKeys: boolean): number {
  const at = MAGIC_BYTES + HEADER_BYTES
  const isSealed = start.toString('latin1', at, at + SEALED_MARK.length) === SEALED_MARK
  // A short write may have brought the first bytes of it.
  const isBlank = hasKeys && start.subarray(at + SEALED_MARK.length).every((byte) => byte === 0)
  const longest = isSealed || isBlank ? { ...info, sealing: SEALING } : info
  return MAGIC_BYTES + recordBytes(encodeSegmentInfo(longest).length, 0)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Whether a text is hexadecimal, and as long as another one. */
function isHex(value: unknown, like: string): value is string {
  return typeof value === 'string' && value.length === like.length && /^[0-9a-f]*$/.test(value)
}

const NAME = /^(\d{8,15})\.log$/

/** The name of a segment's file. */
export function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.log`
}

/** The number in a file's name; undefined when it is no segment. */
export function segmentNumber(name: string): number | undefined {
  const match = NAME.exec(name)
  if (match === null) return undefined
  const number = Number(match[1])
  // One number has one name: else two files would be the same segment.
  return number > 0 && segmentName(number) === name ? number : undefined
}

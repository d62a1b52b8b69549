/**
 * What a segment says of itself, in its name and in its first record.
 *
 * The first record names the directory and the shard, so that files of another one are noticed; the number,
 * so that files are not swapped; the position it begins at; and the checksum that the file before it ends
 * with, so that the chain goes on from file to file. It is written and synced before any other record.
 *
 * JSON, because it is read by people when something is wrong. Tests: test/storage/segment-info.test.ts
 */
import { MAGIC_BYTES, recordBytes } from './log-format.ts'

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
}

/** The payload of a `segment` record. */
export function encodeSegmentInfo(info: SegmentInfo): Buffer {
  const { directory, shard, number, base, previous } = info
  return Buffer.from(JSON.stringify({ directory, shard, number, base, previous }))
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
  return { directory, shard, number, base, previous }
}

/** Bytes of a file that holds nothing but what describes it. */
export function segmentHeadBytes(info: SegmentInfo): number {
  return MAGIC_BYTES + recordBytes(encodeSegmentInfo(info).length, 0)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
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
